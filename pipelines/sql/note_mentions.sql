-- The mentions of one note, in order.
-- in:  evidence, codes      out: what `show` shows
SELECT e."start", e."end", e.code, coalesce(c.description, n.description, '') AS name, coalesce(e.section, '') AS section,
       e.negation, e.certainty, e.temporality, e.experiencer, e.assertion, e.triggers
FROM evidence e
LEFT JOIN codes c ON c.code = e.code
LEFT JOIN (
    SELECT base_concept_id, any_value(regexp_replace(description, ' \([a-z]+\)$', '') ORDER BY code) AS description
    FROM codes
    WHERE base_concept_id <> 0
    GROUP BY base_concept_id
) n ON n.base_concept_id = e.base_concept_id
WHERE e.note_id = ?
ORDER BY e."start", e."end", e.code
