-- The features that occur, and note volume whether it occurs or not.
-- in:  feature, analysis, concept      out: covariate_ref
WITH used AS (
    SELECT DISTINCT covariate_id FROM feature
    UNION
    SELECT analysis_id FROM analysis WHERE series = 'volume'
)
SELECT
    u.covariate_id,
    a.analysis_name || coalesce(': ' || c.name, '')              AS covariate_name,
    a.analysis_id,
    u.covariate_id // 1000                                       AS concept_id,
    CAST(NULL AS BIGINT)                                         AS value_as_concept_id,
    CAST(NULL AS BIGINT)                                         AS collisions,
    replace(a.feature_name, 'CODE', coalesce(regexp_replace(lower(c.code), '[^a-z0-9]+', '_', 'g'), '')) AS feature_name,
    c.code                                                       AS code,
    a.assertion,
    a.source,
    a."window",
    a.agg
FROM used u
JOIN analysis a ON a.analysis_id = u.covariate_id % 1000
LEFT JOIN concept c ON c.base_concept_id = u.covariate_id // 1000 AND a.series <> 'volume'
ORDER BY u.covariate_id
