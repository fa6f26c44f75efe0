-- Patients who match a definition, each with what the criteria rest on.
-- in:  phenotype_row, phenotype_evidence, evidence, event, note, codes      out: one row a patient and index time
SELECT
    r.subject_id,
    r.phenotype_id,
    r.version,
    r.definition_sha256,
    strftime(r.index_time, '%Y-%m-%d')                          AS day,
    coalesce(b.basis, [])                                       AS basis
FROM phenotype_row r
LEFT JOIN (
    SELECT
        p.phenotype_id, p.subject_id, p.index_time,
        list({
            'criterion': p.criterion,
            'name': coalesce(c.description, split_part(v.code, '//', 1), e.code),
            'assertion': coalesce(e.assertion, v.assertion),
            'day': strftime(coalesce(e.note_time, v.clinical_time), '%Y-%m-%d'),
            'source': coalesce(n.note_class, CASE WHEN n.note_id IS NOT NULL THEN 'note' END, v.source),
            'note_id': n.note_id,
            'start': e."start",
            'end': e."end",
            'snippet': e.snippet
        } ORDER BY p.criterion, p.ordinal)                      AS basis
    FROM phenotype_evidence p
    LEFT JOIN evidence e ON e.evidence_id = p.evidence_id
    LEFT JOIN event v ON v.event_id = p.event_id AND v.subject_id = p.subject_id
    LEFT JOIN note n ON n.note_id = coalesce(p.note_id, e.note_id, v.note_id)
    LEFT JOIN codes c ON c.code = coalesce(e.code, split_part(v.code, '//', 1))
    WHERE p.held AND (p.evidence_id IS NOT NULL OR p.event_id IS NOT NULL)
    GROUP BY p.phenotype_id, p.subject_id, p.index_time
) b USING (phenotype_id, subject_id, index_time)
ORDER BY r.subject_id, r.index_time, r.phenotype_id
