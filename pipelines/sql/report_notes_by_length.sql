-- in:  note      out: characters (upper end of the class, 0 = longer than all), notes, patients
SELECT
    CASE WHEN n_characters <= 250 THEN 250 WHEN n_characters <= 500 THEN 500 WHEN n_characters <= 1000 THEN 1000
         WHEN n_characters <= 2500 THEN 2500 WHEN n_characters <= 5000 THEN 5000
         WHEN n_characters <= 10000 THEN 10000 WHEN n_characters <= 25000 THEN 25000 ELSE 0 END AS characters,
    count(*) AS notes,
    count(DISTINCT subject_id) AS patients
FROM note
GROUP BY 1
ORDER BY characters = 0, characters
