-- Observation as known at prediction_time: it is not known how much longer it lasts.
SELECT * EXCLUDE (prediction_time) REPLACE (least(observation_end, prediction_time) AS observation_end)
FROM own_observation_period
WHERE observation_start <= prediction_time
