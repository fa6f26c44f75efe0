-- MEDS code metadata. A code with an assertion has no parents: absence of a child says nothing of its parent.
-- in:  event, evidence, concept, claim_code (code, name, parent)      out: codes
-- Codes that only evidence has (a relative's negated disease makes no event) are named too.
WITH used AS (
    SELECT code, any_value(assertion) AS assertion, any_value(domain ORDER BY domain) AS domain,
           CASE count(DISTINCT base_concept_id) WHEN 1 THEN any_value(base_concept_id) ELSE 0 END AS base_concept_id
    FROM event
    GROUP BY code
    UNION ALL
    SELECT e.code, 'present', any_value(c.domain), any_value(e.base_concept_id)
    FROM evidence e JOIN concept c USING (base_concept_id)
    WHERE e.code IS NOT NULL AND e.code NOT IN (SELECT code FROM event)
    GROUP BY e.code
),
parent AS (
    SELECT code, min(name) AS name,
           list(DISTINCT parent ORDER BY parent) FILTER (WHERE parent IS NOT NULL) AS parent_codes
    FROM claim_code
    GROUP BY code
)
SELECT
    u.code,
    coalesce(p.name, c.name) || CASE u.assertion WHEN 'present' THEN '' ELSE ' (' || u.assertion || ')' END AS description,
    coalesce(p.parent_codes, []) AS parent_codes,
    CASE u.assertion WHEN 'present' THEN u.base_concept_id ELSE 0 END AS concept_id,
    u.base_concept_id,
    u.assertion,
    u.domain
FROM used u
LEFT JOIN parent p USING (code)
LEFT JOIN concept c ON c.base_concept_id = u.base_concept_id
ORDER BY u.code
