-- Periods of observation: those that overlap or follow each other within a day are one.
-- Where the source knows of none, a person is observed from the first fact to the last.
-- in:  period_row, claims_row, subject, run_id      out: observation_period
WITH given AS (
    SELECT s.subject_id, date_trunc('day', p.period_start) AS first, date_trunc('day', p.period_end) AS last
    FROM period_row p JOIN subject s USING (person_id)
    WHERE p.period_end >= p.period_start AND year(p.period_start) >= 1800 AND year(p.period_end) <= 2300
),
period AS (
    SELECT * FROM given
    UNION ALL
    SELECT s.subject_id, date_trunc('day', min(r.clinical_time)), date_trunc('day', max(r.clinical_time))
    FROM claims_row r JOIN subject s USING (person_id)
    WHERE NOT EXISTS (SELECT 1 FROM period_row)
    GROUP BY s.subject_id
),
started AS (
    SELECT *, first > max(last) OVER (
        PARTITION BY subject_id ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) + INTERVAL 1 DAY AS gap
    FROM period
),
island AS (
    SELECT *, count(*) FILTER (WHERE coalesce(gap, TRUE)) OVER (PARTITION BY subject_id ORDER BY first, last) AS number
    FROM started
)
SELECT subject_id, min(first) AS observation_start, max(last) AS observation_end, {run_id} AS run_id
FROM island
GROUP BY subject_id, number
ORDER BY subject_id, observation_start
