-- Whether each row was observed long enough: from min_lookback days before the day of prediction to end_day.
-- enough: one period covers these days; short: none does; unknown: nothing is known of the patient's observation.
-- in:  cohort, observation_period, horizon (end_day), asked_lookback (one row: days)      out: row_id, lookback
WITH period AS (
    SELECT row_id, CAST(observation_start AS DATE) AS first_day,
           coalesce(CAST(observation_end AS DATE), DATE '9999-12-31') AS last_day
    FROM cohort
    WHERE observation_start IS NOT NULL
    UNION ALL
    SELECT c.row_id, CAST(o.observation_start AS DATE), CAST(o.observation_end AS DATE)
    FROM cohort c
    JOIN observation_period o USING (subject_id)
    WHERE c.observation_start IS NULL
)
SELECT
    c.row_id,
    CASE WHEN count(p.first_day) = 0 THEN 'unknown'
         WHEN bool_or(p.first_day <= CAST(c.prediction_time AS DATE) - l.days
                      AND p.last_day >= CAST(c.prediction_time AS DATE) + h.end_day) THEN 'enough'
         ELSE 'short' END AS lookback
FROM cohort c
LEFT JOIN period p USING (row_id)
CROSS JOIN asked_lookback l
CROSS JOIN horizon h
GROUP BY c.row_id, c.prediction_time, l.days, h.end_day
