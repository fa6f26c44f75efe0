-- Scores with the notes and events that they rest on, patient by patient.
-- in:  score, score_evidence, evidence, codes      out: one row a score
SELECT
    s.score_id, s.subject_id, s.phenotype_code, s.probability, s.threshold, s.flagged, s.model_name, s.model_version,
    strftime(s.prediction_time, '%Y-%m-%d')                    AS day,
    coalesce(c.description, s.phenotype_code)                  AS name,
    coalesce(b.notes, [])                                      AS notes
FROM score s
LEFT JOIN codes c ON c.code = s.phenotype_code
LEFT JOIN (
    SELECT score_id, list({'note_id': note_id, 'note_class': note_class, 'day': strftime(note_time, '%Y-%m-%d')}
                          ORDER BY note_id) AS notes
    FROM (
        SELECT DISTINCT x.score_id, coalesce(x.note_id, e.note_id, v.note_id) AS note_id
        FROM score_evidence x
        LEFT JOIN evidence e ON e.evidence_id = x.evidence_id
        LEFT JOIN event v ON v.event_id = x.event_id
    )
    JOIN note USING (note_id)
    GROUP BY score_id
) b USING (score_id)
WHERE s.status = 'ok'
ORDER BY s.subject_id, s.prediction_time, s.score_id
