-- Note volume, there for every row: "not mentioned" means something only where notes exist.
-- in:  cohort_part, known_note, analysis (the registry)      out: feature rows
WITH volume AS (
    SELECT c.row_id, count(k.note_id) AS notes, count(DISTINCT k.day) AS days, coalesce(-max(k.day), -1) AS recency
    FROM cohort_part c
    LEFT JOIN known_note k USING (row_id)
    GROUP BY c.row_id
)
SELECT
    v.row_id,
    a.analysis_id AS covariate_id,
    CAST(CASE a.agg WHEN 'notes' THEN v.notes WHEN 'days' THEN v.days WHEN 'recency' THEN v.recency END AS DOUBLE) AS covariate_value
FROM volume v
JOIN analysis a ON a.series = 'volume'
