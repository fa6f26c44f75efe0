-- The registry, with the end of the windows of this run (FeatureExtraction's ids do not carry it).
-- in:  analysis, horizon      out: analysis_ref
SELECT a.analysis_id, a.analysis_name, a.domain_id, a.start_day, h.end_day, a.is_binary, a.missing_means_zero,
       a.feature_name, a.assertion, a.source, a."window", a.agg
FROM analysis a
CROSS JOIN horizon h
ORDER BY a.analysis_id
