-- Yes-or-no features over any time that the most cohort rows have; demographics left out. ? = how many.
-- in:  feature, covariate_ref, cohort      out: analysis_id, feature_name, covariate_name, cohort_rows, patients
SELECT r.analysis_id, r.feature_name, r.covariate_name, count(*) AS cohort_rows, count(DISTINCT c.subject_id) AS patients
FROM feature f
JOIN covariate_ref r USING (covariate_id)
JOIN cohort c USING (row_id)
WHERE r."window" = 'any' AND r.agg = 'binary' AND r.source <> 'person'
GROUP BY ALL
ORDER BY cohort_rows DESC, r.feature_name
LIMIT ?
