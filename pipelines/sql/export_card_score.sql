-- Flagged scores, each with the passages and features it rests on.
-- in:  score, score_evidence, evidence, event, note, codes, covariate_ref      out: one row a score
SELECT
    s.subject_id, s.score_id, s.phenotype_code, s.model_name, s.model_version, s.model_sha256, s.probability, s.threshold,
    s.n_notes,
    strftime(s.prediction_time, '%Y-%m-%d')                     AS day,
    coalesce(c.description, s.phenotype_code)                   AS name,
    coalesce(b.basis, [])                                       AS basis
FROM score s
LEFT JOIN codes c ON c.code = s.phenotype_code
LEFT JOIN (
    SELECT
        x.score_id,
        list({
            'criterion': x.method || ' ' || printf('%.3f', x.contribution),
            'name': coalesce(d.description, f.covariate_name, 'passage'),
            'assertion': coalesce(e.assertion, v.assertion, f.assertion),
            'day': strftime(coalesce(e.note_time, v.clinical_time, n.note_time), '%Y-%m-%d'),
            'source': coalesce(n.note_class, CASE WHEN n.note_id IS NOT NULL THEN 'note' END, v.source, f.source),
            'note_id': n.note_id,
            'start': coalesce(x."start", e."start"),
            'end': coalesce(x."end", e."end"),
            'snippet': e.snippet
        } ORDER BY x.rank)                                      AS basis
    FROM score_evidence x
    LEFT JOIN evidence e ON e.evidence_id = x.evidence_id
    LEFT JOIN event v ON v.event_id = x.event_id
    LEFT JOIN note n ON n.note_id = coalesce(x.note_id, e.note_id, v.note_id)
    LEFT JOIN codes d ON d.code = coalesce(e.code, split_part(v.code, '//', 1))
    LEFT JOIN covariate_ref f ON f.covariate_id = x.covariate_id
    GROUP BY x.score_id
) b USING (score_id)
WHERE s.status = 'ok' AND s.flagged
ORDER BY s.subject_id, s.prediction_time, s.score_id
