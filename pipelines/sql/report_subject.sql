-- Patients of the run: how many notes each has, and whether a claim or a record of the EHR.
-- in:  note, event, cohort, person      out: subject_id, notes, structured
WITH known AS (
    SELECT subject_id FROM note
    UNION SELECT subject_id FROM event
    UNION SELECT subject_id FROM cohort
    UNION SELECT subject_id FROM person
),
written AS (SELECT subject_id, count(*) AS notes FROM note GROUP BY subject_id),
recorded AS (SELECT DISTINCT subject_id FROM event WHERE source <> 'note')
SELECT k.subject_id, coalesce(w.notes, 0) AS notes, r.subject_id IS NOT NULL AS structured
FROM known k
LEFT JOIN written w USING (subject_id)
LEFT JOIN recorded r USING (subject_id)
