-- Flagged patients of one phenotype and model by site and provider.
-- in:  score, report_home; ? = phenotype_code, model_name, model_version      out: site_id, provider_id, patients
SELECT h.site_id, h.provider_id, count(DISTINCT s.subject_id) AS patients
FROM score s
LEFT JOIN report_home h USING (subject_id)
WHERE s.status = 'ok' AND s.flagged AND s.phenotype_code = ? AND s.model_name = ? AND s.model_version = ?
GROUP BY ALL
ORDER BY ALL
