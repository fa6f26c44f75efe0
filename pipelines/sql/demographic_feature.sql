-- Demographics as of the day of prediction, with the ids of FeatureExtraction: concept * 1000 + 1, 4, 5; 1002 and 1008
-- with a value; age group * 1000 + 3; year * 1000 + 6; month * 1000 + 7. For patients in `person` only, but for 1008.
-- in:  cohort_part, person, observation_period, analysis (the registry)      out: feature rows
WITH
asked AS (SELECT row_id, subject_id, CAST(prediction_time AS DATE) AS day, observation_start FROM cohort_part),
known AS (
    SELECT a.row_id, a.day, p.gender_concept_id, p.race_concept_id, p.ethnicity_concept_id,
           CASE WHEN CAST(p.birth_date AS DATE) <= a.day THEN year(a.day) - year(p.birth_date) END AS age
    FROM asked a
    JOIN person p USING (subject_id)
),
-- the period of observation that the day of prediction lies in; what the cohort says goes first
observed AS (
    SELECT a.row_id, a.day, coalesce(any_value(a.observation_start), min(o.observation_start)) AS start
    FROM asked a
    LEFT JOIN observation_period o ON o.subject_id = a.subject_id
        AND CAST(o.observation_start AS DATE) <= a.day AND CAST(o.observation_end AS DATE) >= a.day
    GROUP BY a.row_id, a.day
),
found AS (
    SELECT row_id, 1 AS analysis_id, gender_concept_id AS block, 1 AS covariate_value FROM known WHERE gender_concept_id <> 0
    UNION ALL SELECT row_id, 2, 1, age FROM known WHERE age IS NOT NULL
    UNION ALL SELECT row_id, 3, age // 5, 1 FROM known WHERE age IS NOT NULL
    UNION ALL SELECT row_id, 4, race_concept_id, 1 FROM known WHERE race_concept_id <> 0
    UNION ALL SELECT row_id, 5, ethnicity_concept_id, 1 FROM known WHERE ethnicity_concept_id <> 0
    UNION ALL SELECT row_id, 6, year(day), 1 FROM known
    UNION ALL SELECT row_id, 7, month(day), 1 FROM known
    UNION ALL SELECT row_id, 8, 1, date_diff('day', CAST(start AS DATE), day) FROM observed WHERE CAST(start AS DATE) <= day
)
SELECT f.row_id, CAST(f.block AS BIGINT) * 1000 + f.analysis_id AS covariate_id, CAST(f.covariate_value AS DOUBLE) AS covariate_value
FROM found f
JOIN analysis a ON a.analysis_id = f.analysis_id AND a.series = 'demographics'
