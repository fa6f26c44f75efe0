-- Patients with a note of any class but these.      in:  note; ? = list of classes      out: patients
SELECT count(DISTINCT subject_id) FROM note WHERE NOT list_contains(?, coalesce(note_class, ''))
