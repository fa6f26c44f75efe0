-- in:  event      out: source, events, patients
SELECT source, count(*) AS events, count(DISTINCT subject_id) AS patients FROM event GROUP BY source ORDER BY source
