-- One loaded table -> checked facts (what stands in braces is filled in by adapters/facts.py).
-- in:  the loaded table, all text; known_person (person_id), people_complete      out: checked_fact
WITH fact AS (
    {facts}
),
named AS (
    SELECT file, line, person_id, visit AS visit_occurrence_id, {same} AS same_key, f.*,
           {start} AS clinical_time, {end} AS end_time, {available} AS available_time, {zoned} AS zoned
    FROM fact
)
SELECT
    n.file, n.line, n.cell, n.same_key, n.person_id, n.visit_occurrence_id, n.clinical_time, n.available_time, n.zoned,
    n.domain, n.vocabulary, n.source_value, n.claim_line,
    -- whole numbers only: 4.4e7 and 4.5 are no ids. What a data frame wrote as 319826.0 is 319826.
    CASE WHEN regexp_full_match(n.concept_text, '\d{{1,18}}(\.0+)?') THEN CAST(n.concept_text AS BIGINT) ELSE 0 END
                                                                           AS source_concept_id,
    CASE WHEN regexp_full_match(n.source_concept_text, '\d{{1,18}}(\.0+)?')
         THEN CAST(n.source_concept_text AS BIGINT) ELSE 0 END             AS coded_concept_id,
    coalesce(nullif(TRY_CAST(n.type_text AS BIGINT), 0), {default_type})   AS type_concept_id,
    CASE WHEN isfinite(TRY_CAST(n.value_text AS FLOAT)) THEN TRY_CAST(n.value_text AS FLOAT) END AS numeric_value,
    n.unit,
    {source}                                                               AS source,
    n.available_time IS NULL AND n.available_text IS NOT NULL              AS unread_available,
    n.end_time IS NULL AND n.end_text IS NOT NULL                          AS unread_end,
    n.value_text IS NOT NULL AND TRY_CAST(n.value_text AS FLOAT) IS NULL   AS text_value,
    CASE
        WHEN n.person_id IS NULL THEN 'no_patient'
        WHEN {negative} THEN 'negative_id'
        WHEN (SELECT complete FROM people_complete)
             AND n.person_id NOT IN (SELECT person_id FROM known_person) THEN 'unknown_person'
        WHEN n.start_text IS NULL THEN 'no_date'
        WHEN n.clinical_time IS NULL THEN 'unreadable_date'
        WHEN year(n.clinical_time) NOT BETWEEN 1800 AND 2300 THEN 'date_out_of_range'
        WHEN CAST(n.end_time AS DATE) < CAST(n.clinical_time AS DATE) THEN 'end_before_start'
        WHEN n.concept_text LIKE '-%' THEN 'negative_id'
        WHEN n.concept_text IS NOT NULL AND NOT regexp_full_match(n.concept_text, '\d{{1,18}}(\.0+)?')
            THEN 'unreadable_concept_id'
        WHEN n.source_value IS NULL AND coalesce(TRY_CAST(n.concept_text AS BIGINT), 0) = 0 THEN 'no_code'
        -- 250.0 is a code of ICD-9, 44054006.0 is a spoilt one
        WHEN regexp_full_match(n.source_value, '\d{{6,}}\.0*|\d+\.\d+[eE]\+?\d+|\d+[eE]\+\d+') THEN 'code_as_float'
    END                                                                    AS reason
FROM named n
