-- All that was known at prediction_time, and nothing else.
SELECT * EXCLUDE (prediction_time) FROM own_note WHERE available_time <= prediction_time
