-- Periods of observation that cannot be used, with the reason.
-- in:  period_row, known_person, people_complete      out: file, line, reason
SELECT file, line, reason
FROM (
    SELECT file, line, CASE
        WHEN person_id IS NULL THEN 'no_patient'
        WHEN (SELECT complete FROM people_complete LIMIT 1)
             AND person_id NOT IN (SELECT person_id FROM known_person) THEN 'unknown_person'
        WHEN period_start IS NULL OR period_end IS NULL THEN 'unreadable_date'
        WHEN year(period_start) NOT BETWEEN 1800 AND 2300 OR year(period_end) NOT BETWEEN 1800 AND 2300
            THEN 'date_out_of_range'
        WHEN period_end < period_start THEN 'end_before_start'
    END AS reason
    FROM period_row
)
WHERE reason IS NOT NULL
ORDER BY file, line
