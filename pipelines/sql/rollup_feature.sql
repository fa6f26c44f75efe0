-- Features of chosen ancestors and concept sets: the days of all their members together, each day counted once.
-- A member's absence says nothing of the ancestor, and a condition ("return if ...") nothing of the patient: assertions
-- absent and hypothetical are never rolled up. Points in time and windows are those of feature.sql.
-- in:  cohort, event, rollup, analysis (the registry), horizon (one row: end_day)      out: feature rows
WITH
series AS (
    SELECT DISTINCT series, source, assertion
    FROM analysis
    WHERE series LIKE 'rollup%' AND assertion NOT IN ('absent', 'hypothetical')
),
days AS (
    SELECT DISTINCT
        c.row_id,
        r.rollup_base_concept_id AS base_concept_id,
        s.series,
        date_diff('day', CAST(c.prediction_time AS DATE), CAST(e.clinical_time AS DATE)) AS day
    FROM cohort c
    JOIN event e ON e.subject_id = c.subject_id AND e.available_time <= c.prediction_time
    JOIN rollup r ON r.member_base_concept_id = e.base_concept_id
    JOIN series s ON s.source = e.source AND s.assertion = e.assertion
    CROSS JOIN horizon h
    WHERE date_diff('day', CAST(c.prediction_time AS DATE), CAST(e.clinical_time AS DATE)) <= h.end_day
),
cells AS (
    SELECT
        row_id,
        base_concept_id,
        series,
        count(*)                            AS n_any,
        count(*) FILTER (WHERE day >= -365) AS n_365,
        count(*) FILTER (WHERE day >= -180) AS n_180,
        count(*) FILTER (WHERE day >= -30)  AS n_30,
        max(day)                            AS last_day
    FROM days
    GROUP BY row_id, base_concept_id, series
),
rolled_up AS (
    SELECT
        c.row_id,
        c.base_concept_id * 1000 + a.analysis_id AS covariate_id,
        a.agg,
        c.last_day,
        CASE a."window" WHEN 'any' THEN n_any WHEN '365d' THEN n_365 WHEN '180d' THEN n_180 WHEN '30d' THEN n_30 END AS n
    FROM cells c
    JOIN analysis a USING (series)
)
SELECT
    row_id,
    covariate_id,
    CAST(CASE agg WHEN 'binary' THEN 1 WHEN 'count' THEN n WHEN 'recency' THEN -last_day END AS DOUBLE) AS covariate_value
FROM rolled_up
WHERE n > 0
ORDER BY row_id, covariate_id
