-- in:  note      out: note_class, notes, patients
SELECT coalesce(note_class, '') AS note_class, count(*) AS notes, count(DISTINCT subject_id) AS patients
FROM note
GROUP BY ALL
ORDER BY notes DESC, note_class
