-- A person as known at prediction_time: a later death is not.
SELECT * EXCLUDE (prediction_time) REPLACE (CASE WHEN death_time <= prediction_time THEN death_time END AS death_time)
FROM own_person
