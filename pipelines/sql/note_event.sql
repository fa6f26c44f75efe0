-- One event per (note, code with assertion): the mentions of a note that say the same thing are one fact.
-- in:  evidence, note, concept      out: event rows, source = note
SELECT
    e.subject_id,
    any_value(e.available_time)                                  AS "time",  -- what MEDS consumers cut by: no leak
    any_value(e.code || CASE e.assertion WHEN 'present' THEN '' ELSE '//' || upper(e.assertion) END) AS code,
    CAST(NULL AS FLOAT)                                          AS numeric_value,
    CAST(NULL AS VARCHAR)                                        AS text_value,
    any_value(e.note_time)                                       AS clinical_time,
    any_value(e.available_time)                                  AS available_time,
    any_value(CASE e.assertion WHEN 'present' THEN e.base_concept_id ELSE 0 END) AS concept_id,
    any_value(e.base_concept_id)                                 AS base_concept_id,
    any_value(c.domain)                                          AS domain,
    any_value(e.assertion)                                       AS assertion,
    'note'                                                       AS source,
    CAST(32858 AS BIGINT)                                        AS type_concept_id,
    any_value(split_part(e.code, '/', 2))                        AS source_code,
    any_value(n.visit_id)                                        AS visit_id,
    any_value(e.note_id)                                         AS note_id,
    e.event_id,
    any_value(e.run_id)                                          AS run_id
FROM evidence e
JOIN note n USING (note_id)
JOIN concept c ON c.base_concept_id = e.base_concept_id
WHERE e.event_id IS NOT NULL
GROUP BY e.subject_id, e.event_id
