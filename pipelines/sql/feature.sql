-- Features as of prediction_time. A row counts iff it was available then (available_time <= prediction_time) and its
-- day lies in the window: start_day <= day <= end_day, days counted from the day of prediction_time.
-- in:  cohort, event, note, analysis (the registry), horizon (one row: end_day)      out: feature
WITH
-- what each event counts for: a note concept by assertion; a claims concept by domain, and once whatever the domain
series AS (
    SELECT DISTINCT series, source, assertion, domain_id FROM analysis
    WHERE series NOT IN ('volume', 'score') AND series NOT LIKE 'rollup%'
),
days AS (
    SELECT DISTINCT
        c.row_id,
        e.base_concept_id,
        s.series,
        date_diff('day', CAST(c.prediction_time AS DATE), CAST(e.clinical_time AS DATE)) AS day
    FROM cohort c
    JOIN event e ON e.subject_id = c.subject_id AND e.available_time <= c.prediction_time
    JOIN series s ON s.source = e.source AND s.assertion = e.assertion AND s.domain_id IN ('any', e.domain)
    CROSS JOIN horizon h
    WHERE e.base_concept_id <> 0
      AND date_diff('day', CAST(c.prediction_time AS DATE), CAST(e.clinical_time AS DATE)) <= h.end_day
),
-- distinct days by window: a claim of many lines and a note compare fairly
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
concept_feature AS (
    SELECT
        c.row_id,
        c.base_concept_id * 1000 + a.analysis_id AS covariate_id,
        a.agg,
        c.last_day,
        CASE a."window" WHEN 'any' THEN n_any WHEN '365d' THEN n_365 WHEN '180d' THEN n_180 WHEN '30d' THEN n_30 END AS n
    FROM cells c
    JOIN analysis a USING (series)
),
note_day AS (
    SELECT
        c.row_id,
        n.note_id,
        date_diff('day', CAST(c.prediction_time AS DATE), CAST(n.note_time AS DATE)) AS day
    FROM cohort c
    JOIN note n ON n.subject_id = c.subject_id AND n.available_time <= c.prediction_time
    CROSS JOIN horizon h
    WHERE date_diff('day', CAST(c.prediction_time AS DATE), CAST(n.note_time AS DATE)) <= h.end_day
),
-- note volume is there for every row: "not mentioned" means something only where notes exist
volume AS (
    SELECT c.row_id, count(d.note_id) AS notes, count(DISTINCT d.day) AS days, coalesce(-max(d.day), -1) AS recency
    FROM cohort c
    LEFT JOIN note_day d USING (row_id)
    GROUP BY c.row_id
)
SELECT
    row_id,
    covariate_id,
    CAST(CASE agg WHEN 'binary' THEN 1 WHEN 'count' THEN n WHEN 'recency' THEN -last_day END AS DOUBLE) AS covariate_value
FROM concept_feature
WHERE n > 0
UNION ALL
SELECT
    v.row_id,
    a.analysis_id,
    CAST(CASE a.agg WHEN 'notes' THEN v.notes WHEN 'days' THEN v.days WHEN 'recency' THEN v.recency END AS DOUBLE)
FROM volume v
JOIN analysis a ON a.series = 'volume'
ORDER BY row_id, covariate_id
