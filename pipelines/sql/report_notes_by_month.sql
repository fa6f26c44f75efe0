-- in:  note      out: month (YYYY-MM), notes, patients
SELECT strftime(note_time, '%Y-%m') AS month, count(*) AS notes, count(DISTINCT subject_id) AS patients
FROM note
GROUP BY month
ORDER BY month
