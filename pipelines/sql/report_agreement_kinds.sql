-- How many concepts notes name, claims and EHR records name, and both name.
-- in:  event      out: notes_only, both, structured_only
WITH named AS (
    SELECT base_concept_id, bool_or(source = 'note') AS noted, bool_or(source <> 'note') AS recorded
    FROM event
    WHERE assertion = 'present' AND base_concept_id > 0
    GROUP BY base_concept_id
)
SELECT
    count(*) FILTER (WHERE noted AND NOT recorded),
    count(*) FILTER (WHERE noted AND recorded),
    count(*) FILTER (WHERE recorded AND NOT noted)
FROM named
