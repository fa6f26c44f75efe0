-- Features of chosen ancestors and concept sets: the days of all their members together, each day counted once.
-- A member's absence says nothing of the ancestor, and a condition ("return if ...") nothing of the patient: assertions
-- absent and hypothetical are never rolled up.
-- in:  known_event, rollup, analysis (the registry)      out: feature rows
WITH
series AS (
    SELECT series, source, assertion, min(analysis_id) AS series_id
    FROM analysis
    WHERE series LIKE 'rollup%' AND assertion NOT IN ('absent', 'hypothetical')
    GROUP BY ALL
),
days AS (
    SELECT DISTINCT k.row_id, r.rollup_base_concept_id AS base_concept_id, s.series_id, k.day
    FROM known_event k
    JOIN rollup r ON r.member_base_concept_id = k.base_concept_id
    JOIN series s ON s.source = k.source AND s.assertion = k.assertion
),
cells AS (
    SELECT
        row_id,
        base_concept_id,
        series_id,
        count(*)                            AS n_any,
        count(*) FILTER (WHERE day >= -365) AS n_365,
        count(*) FILTER (WHERE day >= -180) AS n_180,
        count(*) FILTER (WHERE day >= -30)  AS n_30,
        max(day)                            AS last_day
    FROM days
    GROUP BY row_id, base_concept_id, series_id
),
windows AS (
    SELECT s.series_id, a.analysis_id, a.agg, a."window" FROM analysis a JOIN series s USING (series)
),
counted AS (
    SELECT c.row_id, c.base_concept_id * 1000 + w.analysis_id AS covariate_id, w.agg, c.last_day,
           CASE w."window" WHEN 'any' THEN n_any WHEN '365d' THEN n_365 WHEN '180d' THEN n_180 WHEN '30d' THEN n_30 END AS n
    FROM cells c
    JOIN windows w USING (series_id)
)
SELECT
    row_id,
    covariate_id,
    CAST(CASE agg WHEN 'binary' THEN 1 WHEN 'count' THEN n WHEN 'recency' THEN -last_day END AS DOUBLE) AS covariate_value
FROM counted
WHERE n > 0
