-- The last, lowest and highest value of a concept by window. A value of zero is a value: nothing is left out.
-- Of several values of one time the one known last is the last, then the one with the greater event_id.
-- in:  known_event, analysis (the registry)      out: feature rows
WITH
windows AS (
    SELECT DISTINCT series, source, assertion, "window", start_day FROM analysis WHERE agg IN ('last', 'min', 'max')
),
cells AS (
    SELECT
        k.row_id,
        k.base_concept_id,
        w.series,
        w."window",
        arg_max(k.numeric_value, k.moment) AS last_value,
        min(k.numeric_value)               AS least,
        max(k.numeric_value)               AS greatest
    FROM known_event k
    JOIN windows w ON w.source = CASE k.source WHEN 'note' THEN 'note' ELSE 'structured' END
                  AND w.assertion = k.assertion AND k.day >= coalesce(w.start_day, k.day)
    WHERE isfinite(k.numeric_value)
    GROUP BY k.row_id, k.base_concept_id, w.series, w."window"
)
SELECT
    c.row_id,
    c.base_concept_id * 1000 + a.analysis_id AS covariate_id,
    -- by way of its digits: 7.1 in the event, kept in 32 bits, is 7.1 here
    CAST(CAST(CASE a.agg WHEN 'last' THEN last_value WHEN 'min' THEN least ELSE greatest END AS VARCHAR) AS DOUBLE)
                                             AS covariate_value
FROM cells c
JOIN analysis a ON a.series = c.series AND a."window" = c."window"
