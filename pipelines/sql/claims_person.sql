-- Persons with the numbers of the tables. Of several rows of one, the last counts; a date of death is kept. Years that
-- no person of a record has (0 where a table leaves the year out) are no dates.
-- in:  person_row, subject, site, run_id      out: person
SELECT
    s.subject_id,
    arg_max(p.birth, p.ordinal) FILTER (year(p.birth) BETWEEN 1800 AND 2300) AS birth_date,
    arg_max(p.death, p.ordinal) FILTER (year(p.death) BETWEEN 1800 AND 2300) AS death_time,
    coalesce(arg_max(p.gender, p.ordinal), 0)                              AS gender_concept_id,
    coalesce(arg_max(p.race, p.ordinal), 0)                                AS race_concept_id,
    coalesce(arg_max(p.ethnicity, p.ordinal), 0)                           AS ethnicity_concept_id,
    arg_max(t.site_id, p.ordinal)                                          AS site_id,
    {run_id}                                                     AS run_id
FROM subject s
LEFT JOIN person_row p USING (person_id)
LEFT JOIN site t ON t.site = p.site
GROUP BY s.subject_id
ORDER BY s.subject_id
