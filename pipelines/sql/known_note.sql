-- Point in time, as in known_event.sql, for notes.
-- in:  cohort_part, note, horizon (one row: end_day)      out: known_note
SELECT
    c.row_id,
    n.note_id,
    date_diff('day', CAST(c.prediction_time AS DATE), CAST(n.note_time AS DATE)) AS day
FROM cohort_part c
JOIN note n ON n.subject_id = c.subject_id AND n.available_time <= c.prediction_time
CROSS JOIN horizon h
WHERE date_diff('day', CAST(c.prediction_time AS DATE), CAST(n.note_time AS DATE)) <= h.end_day
