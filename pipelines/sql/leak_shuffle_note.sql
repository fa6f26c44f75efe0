-- Later notes get one another's days, and all notes another order.
WITH later AS (
    SELECT *,
           row_number() OVER (ORDER BY md5(note_id || 'a' || subject_id)) AS seat,
           row_number() OVER (ORDER BY md5(note_id || 'b' || subject_id)) AS from_seat
    FROM own_note
    WHERE available_time > prediction_time
)
SELECT * FROM (
    SELECT subject_id, available_time, note_time, note_id FROM own_note WHERE available_time <= prediction_time
    UNION ALL
    SELECT k.subject_id, k.available_time, g.note_time, k.note_id
    FROM later k
    JOIN later g ON g.from_seat = k.seat
)
ORDER BY md5(note_id || 'c' || subject_id)
