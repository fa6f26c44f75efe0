-- Kinds of features: how many features each has, and how many values.
-- in:  analysis_ref, covariate_ref, feature      out: analysis_id, analysis_name, source, features, value_count, patients
WITH filled AS (
    SELECT r.analysis_id, count(*) AS value_count, count(DISTINCT c.subject_id) AS patients
    FROM feature f
    JOIN covariate_ref r USING (covariate_id)
    JOIN cohort c USING (row_id)
    GROUP BY r.analysis_id
),
named AS (SELECT analysis_id, count(*) AS features FROM covariate_ref GROUP BY analysis_id)
SELECT a.analysis_id, a.analysis_name, a.source, n.features, coalesce(f.value_count, 0), coalesce(f.patients, 0)
FROM analysis_ref a
JOIN named n USING (analysis_id)
LEFT JOIN filled f USING (analysis_id)
ORDER BY a.analysis_id
