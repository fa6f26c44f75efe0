-- in:  quarantine      out: reason, rows
SELECT reason, count(*) AS "rows" FROM quarantine GROUP BY reason ORDER BY "rows" DESC, reason
