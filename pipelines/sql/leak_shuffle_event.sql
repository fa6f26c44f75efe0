-- Later rows get one another's facts (concept, domain, assertion, day, value), and all rows another order.
WITH later AS (
    SELECT *,
           row_number() OVER (ORDER BY md5(event_id || 'a' || subject_id)) AS seat,
           row_number() OVER (ORDER BY md5(event_id || 'b' || subject_id)) AS from_seat
    FROM own_event
    WHERE available_time > prediction_time
)
SELECT * FROM (
    SELECT subject_id, available_time, clinical_time, base_concept_id, domain, assertion, source, numeric_value, event_id
    FROM own_event
    WHERE available_time <= prediction_time
    UNION ALL
    SELECT k.subject_id, k.available_time, g.clinical_time, g.base_concept_id, g.domain, g.assertion, g.source,
           g.numeric_value, k.event_id
    FROM later k
    JOIN later g ON g.from_seat = k.seat
)
ORDER BY md5(event_id || 'c' || subject_id)
