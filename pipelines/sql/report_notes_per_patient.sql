-- Patients by number of notes, with and without claims or EHR records.
-- in:  report_subject      out: bin (0 = no note), with_structured, without
SELECT
    CASE WHEN notes <= 3 THEN notes WHEN notes <= 5 THEN 4 WHEN notes <= 10 THEN 6 WHEN notes <= 20 THEN 11
         WHEN notes <= 50 THEN 21 ELSE 51 END          AS bin,
    count(*) FILTER (WHERE structured)                 AS with_structured,
    count(*) FILTER (WHERE NOT structured)             AS without
FROM report_subject
GROUP BY bin
ORDER BY bin
