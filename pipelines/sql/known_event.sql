-- Point in time, in one place: the events that a feature may know of. An event counts iff it was available then
-- (available_time <= prediction_time) and its day is at or before end_day, counted from the day of prediction_time.
-- in:  cohort_part, event, horizon (one row: end_day)      out: known_event
SELECT
    c.row_id,
    e.base_concept_id,
    e.source,
    e.assertion,
    e.domain,
    date_diff('day', CAST(c.prediction_time AS DATE), CAST(e.clinical_time AS DATE)) AS day,
    e.numeric_value,
    CASE WHEN e.numeric_value IS NOT NULL
         THEN row(e.clinical_time, e.available_time, e.event_id) END AS moment  -- orders the values of one day
FROM cohort_part c
JOIN event e ON e.subject_id = c.subject_id AND e.available_time <= c.prediction_time
CROSS JOIN horizon h
WHERE e.base_concept_id <> 0
  AND date_diff('day', CAST(c.prediction_time AS DATE), CAST(e.clinical_time AS DATE)) <= h.end_day
