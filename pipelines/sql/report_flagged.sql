-- Scored patients by phenotype and model: how many, and how many of them are flagged in any cohort row.
-- in:  score      out: name, phenotype, model, version, subjects, flagged
WITH one AS (
    SELECT phenotype_code, model_name, model_version, subject_id, coalesce(bool_or(flagged), false) AS flagged
    FROM score
    WHERE status = 'ok'
    GROUP BY ALL
)
SELECT phenotype_code, model_name, model_version, count(*) AS subjects, count(*) FILTER (WHERE flagged) AS flagged
FROM one
GROUP BY ALL
ORDER BY ALL
