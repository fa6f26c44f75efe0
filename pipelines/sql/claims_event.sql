-- Claims rows joined to their codes: one row per standard concept that a code maps to.
-- in:  claims_row, claim_code, subject (person_id), visit (visit_occurrence_id), lag      out: events without ids
SELECT
    s.subject_id,
    r.clinical_time                                                        AS "time",
    k.code,
    r.numeric_value,
    CAST(NULL AS VARCHAR)                                                  AS text_value,
    r.clinical_time,
    greatest(r.clinical_time, coalesce(r.available_time, r.clinical_time + to_hours(l.hours))) AS available_time,
    r.available_time IS NULL                                               AS available_defaulted,
    k.base_concept_id                                                      AS concept_id,
    k.base_concept_id,
    k.target_domain                                                        AS domain,
    'present'                                                              AS assertion,
    r.source,
    r.type_concept_id,
    r.source_value                                                         AS source_code,
    v.visit_id,
    CAST(NULL AS BIGINT)                                                   AS note_id,
    r.unit,
    -- tells apart lines of one claim, and the concepts of one line, that are otherwise alike
    row_number() OVER (
        PARTITION BY s.subject_id, r.clinical_time, k.code, v.visit_id, r.numeric_value, r.unit, r.source
        ORDER BY r.file, r.line, r.cell, k.base_concept_id
    ) - 1                                                                  AS ordinal
FROM claims_row r
JOIN subject s USING (person_id)
JOIN claim_code k ON k.domain = r.domain AND k.vocabulary IS NOT DISTINCT FROM r.vocabulary
                 AND k.source_value IS NOT DISTINCT FROM r.source_value AND k.source_concept_id = r.source_concept_id
JOIN lag l ON l.source = r.source
LEFT JOIN visit v USING (visit_occurrence_id)
ORDER BY s.subject_id, "time", k.code, v.visit_id, r.numeric_value, r.unit, r.source, ordinal
