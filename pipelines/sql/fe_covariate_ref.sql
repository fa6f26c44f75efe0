-- covariateRef of FeatureExtraction in our columns; the name holds the covariate's id, which is the same everywhere.
-- in:  fe_covariate_ref, fe_analysis_ref      out: covariate_ref
SELECT
    c.covariate_id,
    c.covariate_name,
    c.analysis_id,
    coalesce(c.concept_id, 0)                            AS concept_id,
    CAST(NULL AS BIGINT)                                 AS value_as_concept_id,
    CAST(NULL AS BIGINT)                                 AS collisions,
    'fe_' || c.covariate_id                              AS feature_name,
    CASE WHEN c.concept_id > 0 THEN 'OMOP/' || c.concept_id END AS code,
    'present'                                            AS assertion,
    CASE WHEN a.domain_id = 'Demographics' THEN 'person' ELSE 'claims' END AS source,
    CASE WHEN a.start_day IS NULL THEN 'any' ELSE abs(a.start_day) || 'd' END AS "window",
    CASE WHEN a.is_binary = 'Y' THEN 'binary' ELSE 'value' END AS agg
FROM fe_covariate_ref c
JOIN fe_analysis_ref a USING (analysis_id)
ORDER BY c.covariate_id
