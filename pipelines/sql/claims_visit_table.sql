-- Visits with the numbers of the tables; those of unknown persons are left out.
-- in:  visit_row, visit, subject, run_id      out: visit
SELECT
    v.visit_id,
    min(s.subject_id)                                                      AS subject_id,
    min(r.visit_start)                                                     AS visit_start,
    max(r.visit_end)                                                       AS visit_end,
    coalesce(min(r.visit_concept_id), 0)                                   AS visit_concept_id,
    {run_id}                                                     AS run_id
FROM visit_row r
JOIN visit v USING (visit_occurrence_id)
JOIN subject s USING (person_id)
GROUP BY v.visit_id
ORDER BY v.visit_id
