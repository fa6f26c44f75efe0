-- analysisRef of FeatureExtraction in our columns. FeatureExtraction leaves missing_means_zero empty for binary ones.
-- in:  fe_analysis_ref, horizon (one row: end_day)      out: analysis_ref
SELECT
    a.analysis_id,
    a.analysis_name,
    coalesce(a.domain_id, '')                            AS domain_id,
    a.start_day,
    coalesce(a.end_day, h.end_day)                       AS end_day,
    coalesce(a.is_binary, 'N')                           AS is_binary,
    coalesce(a.missing_means_zero, CASE WHEN a.is_binary = 'Y' THEN 'Y' ELSE 'N' END) AS missing_means_zero,
    'fe_CODE'                                            AS feature_name,
    'present'                                            AS assertion,
    CASE WHEN a.domain_id = 'Demographics' THEN 'person' ELSE 'claims' END AS source,
    CASE WHEN a.start_day IS NULL THEN 'any' ELSE abs(a.start_day) || 'd' END AS "window",
    CASE WHEN a.is_binary = 'Y' THEN 'binary' ELSE 'value' END AS agg
FROM fe_analysis_ref a
CROSS JOIN horizon h
ORDER BY a.analysis_id
