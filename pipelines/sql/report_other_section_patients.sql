-- Patients with a mention in any section but these.      in:  evidence; ? = list of sections      out: patients
SELECT count(DISTINCT subject_id) FROM evidence WHERE NOT list_contains(?, coalesce(section, ''))
