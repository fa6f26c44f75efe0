-- The facts that stand, each once: of those that say the same, the first in the file counts.
-- in:  checked_fact      out: claims_row, with copy = 1 for the ones that count
WITH repeated AS (
    SELECT same_key FROM checked_fact WHERE reason IS NULL GROUP BY same_key HAVING count(*) > 1
)
SELECT *, CAST(1 AS BIGINT) AS copy FROM checked_fact
WHERE reason IS NULL AND same_key NOT IN (SELECT same_key FROM repeated)
UNION ALL
-- the key is a hash: what it brings together must also agree
SELECT *, row_number() OVER (
    PARTITION BY same_key, person_id, visit_occurrence_id, clinical_time, domain, vocabulary, source_value,
                 source_concept_id, numeric_value, unit, claim_line
    ORDER BY file, line, cell
) AS copy FROM checked_fact
WHERE reason IS NULL AND same_key IN (SELECT same_key FROM repeated)
