-- Concepts named by MEDS code metadata: a code without parents is the concept itself, else its parent is.
-- in:  {codes}      out: base_concept_id, code, name, domain
SELECT
    base_concept_id,
    coalesce(min(list_extract(parent_codes, 1)), min(code)) AS code,
    coalesce(min(description), min(code))                   AS name,
    min(domain)                                             AS domain
FROM {codes}
WHERE assertion = 'present' AND base_concept_id > 0
GROUP BY base_concept_id
