-- A claims table in one form, whatever its columns are called (names in braces are filled in with the columns that are there).
-- in:  claims_source (the file, all text, with line)      out: claims_row, to be checked
SELECT
    line,
    nullif(trim({person}), '')                                             AS person_id,
    coalesce(nullif(trim({start_datetime}), ''), nullif(trim({start_date}), '')) AS start_text,
    coalesce(TRY_CAST(nullif(trim({start_datetime}), '') AS TIMESTAMP),
             TRY_CAST(nullif(trim({start_date}), '') AS TIMESTAMP))        AS clinical_time,
    TRY_CAST(nullif(trim({available}), '') AS TIMESTAMP)                   AS available_time,
    nullif(trim({available}), '')                                          AS available_text,
    coalesce(TRY_CAST({concept} AS BIGINT), 0)                             AS source_concept_id,
    nullif(trim({source_value}), '')                                       AS source_value,
    coalesce(nullif(TRY_CAST({type_concept} AS BIGINT), 0), 32810)         AS type_concept_id,
    nullif(trim({visit}), '')                                              AS visit_occurrence_id,
    TRY_CAST({value} AS FLOAT)                                             AS numeric_value,
    nullif(trim({unit}), '')                                               AS unit
FROM claims_source
