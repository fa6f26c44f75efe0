-- Every patient as of the midnight that ends the middle day of the patient's history.
-- in:  all_event, all_note      out: row_id, subject_id, prediction_time
SELECT
    row_number() OVER (ORDER BY subject_id) AS row_id,
    subject_id,
    CAST(CAST(quantile_disc(available_time, 0.5) AS DATE) + INTERVAL 1 DAY AS TIMESTAMP) AS prediction_time
FROM (
    SELECT subject_id, available_time FROM all_note
    UNION ALL
    SELECT subject_id, available_time FROM all_event
)
GROUP BY subject_id
