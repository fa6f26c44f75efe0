-- Patients who have a concept according to notes, to claims and EHR records, and to both. Present only.
-- Only patients with both kinds of data, and concepts that both kinds name; ? = how many.
-- in:  event, report_subject, codes      out: code, name, notes_only, both, structured_only
WITH has AS (
    SELECT e.subject_id, e.base_concept_id, bool_or(e.source = 'note') AS noted, bool_or(e.source <> 'note') AS recorded
    FROM event e
    JOIN report_subject s ON s.subject_id = e.subject_id AND s.notes > 0 AND s.structured
    WHERE e.assertion = 'present' AND e.base_concept_id > 0
    GROUP BY e.subject_id, e.base_concept_id
),
counted AS (
    SELECT
        base_concept_id,
        count(*) FILTER (WHERE noted AND NOT recorded) AS notes_only,
        count(*) FILTER (WHERE noted AND recorded)     AS both,
        count(*) FILTER (WHERE recorded AND NOT noted) AS structured_only,
        count(*)                                       AS either
    FROM has
    GROUP BY base_concept_id
    HAVING bool_or(noted) AND bool_or(recorded)
),
named AS (
    -- the code that the notes have: of the terminology, not of a claims vocabulary
    SELECT base_concept_id, min(code) AS code
    FROM event
    WHERE source = 'note' AND assertion = 'present'
    GROUP BY base_concept_id
)
SELECT n.code, coalesce(k.description, n.code) AS name, c.notes_only, c.both, c.structured_only
FROM counted c
JOIN named n USING (base_concept_id)
LEFT JOIN codes k ON k.code = n.code
ORDER BY c.either DESC, n.code
LIMIT ?
