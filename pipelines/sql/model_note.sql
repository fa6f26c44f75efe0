-- The notes that a classifier may read for each row, in order of time: those of known_note.sql.
-- in:  known_note, note      out: one row a (cohort row, note)
SELECT k.row_id, n.note_id, n.note_hash, n.n_characters
FROM known_note k
JOIN note n USING (note_id)
ORDER BY k.row_id, n.note_time, n.available_time, n.note_id
