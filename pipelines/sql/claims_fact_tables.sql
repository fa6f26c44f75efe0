-- Facts as they come out of the sources' files, each with the reason why it cannot stand, where there is one.
CREATE OR REPLACE TABLE checked_fact (
    file VARCHAR, line BIGINT, cell VARCHAR, same_key UBIGINT, person_id VARCHAR, visit_occurrence_id VARCHAR,
    clinical_time TIMESTAMP, available_time TIMESTAMP, zoned BOOLEAN, domain VARCHAR, vocabulary VARCHAR,
    source_value VARCHAR, claim_line VARCHAR, source_concept_id BIGINT, coded_concept_id BIGINT, type_concept_id BIGINT,
    numeric_value FLOAT, unit VARCHAR, source VARCHAR, unread_available BOOLEAN, unread_end BOOLEAN, text_value BOOLEAN,
    reason VARCHAR
);
CREATE OR REPLACE TABLE row_count (file VARCHAR, rows BIGINT, without_code BIGINT, set_aside BIGINT);
