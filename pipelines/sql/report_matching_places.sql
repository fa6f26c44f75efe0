-- Patients who match in one result of a phenotype definition, by site and provider.
-- in:  phenotype_result, report_home; ? = number of the result      out: site_id, provider_id, patients
SELECT h.site_id, h.provider_id, count(DISTINCT p.subject_id) AS patients
FROM phenotype_result p
LEFT JOIN report_home h USING (subject_id)
WHERE p.result = ?
GROUP BY ALL
ORDER BY ALL
