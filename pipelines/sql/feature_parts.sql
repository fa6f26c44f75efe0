-- Ranges of row_id whose rows join about as many events each, so that one part after the other fits into memory.
-- in:  cohort, event, part_size (one row: events)      out: first_row, last_row, in order
WITH
size AS (SELECT subject_id, count(*) AS events FROM event GROUP BY subject_id),
running AS (
    SELECT c.row_id, sum(coalesce(s.events, 0)) OVER (ORDER BY c.row_id) AS upto
    FROM cohort c
    LEFT JOIN size s USING (subject_id)
)
SELECT min(row_id) AS first_row, max(row_id) AS last_row
FROM running, part_size p
GROUP BY CAST(upto AS BIGINT) // p.events
ORDER BY first_row
