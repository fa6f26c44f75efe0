-- score_evidence with the mentions behind it: in a passage the mention nearest to its strongest word, of a feature the
-- latest mention that it counted and that was known at the prediction time.
-- in:  basis (score_evidence with place), focus, scored, evidence, covariate_ref, horizon      out: score_evidence
WITH
of_passage AS (
    SELECT f.place,
           arg_min(e.evidence_id, (abs(e."start" - f.first) + abs(e."end" - f.last), e.evidence_id)) AS evidence_id
    FROM focus f
    JOIN basis b USING (place)
    JOIN evidence e ON e.note_id = f.note_id AND e."start" < b."end" AND e."end" > b."start"
    GROUP BY f.place
),
of_feature AS (
    SELECT b.place, arg_max(e.evidence_id, (e.note_time, e.note_id, e."start", e.evidence_id)) AS evidence_id
    FROM basis b
    JOIN scored s USING (score_id)
    JOIN covariate_ref c USING (covariate_id)
    JOIN evidence e ON e.subject_id = s.subject_id AND e.base_concept_id = c.concept_id AND e.assertion = c.assertion
    CROSS JOIN horizon h
    WHERE b.note_id IS NULL AND c.source = 'note' AND e.available_time <= s.prediction_time
      AND date_diff('day', CAST(s.prediction_time AS DATE), CAST(e.note_time AS DATE)) <= h.end_day
    GROUP BY b.place
)
SELECT
    b.score_id,
    b.rank,
    coalesce(p.evidence_id, f.evidence_id)                 AS evidence_id,
    coalesce(b.note_id, e.note_id)                         AS note_id,
    b.event_id,
    b.covariate_id,
    coalesce(b."start", e."start")                         AS "start",
    coalesce(b."end", e."end")                             AS "end",
    b.contribution,
    b.method
FROM basis b
LEFT JOIN of_passage p USING (place)
LEFT JOIN of_feature f USING (place)
LEFT JOIN evidence e ON e.evidence_id = f.evidence_id
ORDER BY b.score_id, b.rank
