-- One row a patient, as of the midnight that ends the day of the last thing known about the patient.
-- in:  event, note      out: subject_id, prediction_time
SELECT
    subject_id,
    CAST(CAST(max(available_time) AS DATE) + INTERVAL 1 DAY AS TIMESTAMP) AS prediction_time
FROM (
    SELECT subject_id, available_time FROM note
    UNION ALL
    SELECT subject_id, available_time FROM event
)
GROUP BY subject_id
ORDER BY subject_id
