-- What a source says of persons, their periods of observation and visits: the source's ids, as text.
CREATE OR REPLACE TABLE known_person (person_id VARCHAR, source_id VARCHAR);
CREATE OR REPLACE TABLE people_complete (complete BOOLEAN);
CREATE OR REPLACE TABLE person_row (
    -- of several rows of a person the one with the greatest ordinal counts
    file VARCHAR, ordinal BIGINT, person_id VARCHAR, birth TIMESTAMP, death TIMESTAMP, gender BIGINT, race BIGINT,
    ethnicity BIGINT, site VARCHAR
);
CREATE OR REPLACE TABLE period_row (
    file VARCHAR, line BIGINT, person_id VARCHAR, period_start TIMESTAMP, period_end TIMESTAMP
);
CREATE OR REPLACE TABLE visit_row (
    visit_occurrence_id VARCHAR, source_id VARCHAR, person_id VARCHAR, visit_start TIMESTAMP, visit_end TIMESTAMP,
    visit_concept_id BIGINT
);
