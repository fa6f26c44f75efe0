-- Note events with their mentions, patient by patient. A resolution cue is what makes a mention negated and historical
-- on the axes and `historical` as assertion; a denial of the past is `absent`.
-- in:  event, evidence, note, codes      out: one row an event
SELECT
    e.subject_id,
    e.event_id,
    split_part(e.code, '//', 1)                                                    AS code,
    coalesce(regexp_replace(c.description, ' \([a-z]+\)$', ''), split_part(e.code, '//', 1)) AS name,
    e.assertion,
    strftime(e.clinical_time, '%Y-%m-%d')                                          AS day,
    e.note_id,
    n.note_class,
    strftime(n.note_time, '%Y-%m-%d')                                              AS note_day,
    m.resolved,
    m.places,
    m.snippet,
    m.system
FROM event e
JOIN note n USING (note_id)
LEFT JOIN codes c ON c.code = e.code
JOIN (
    SELECT
        subject_id,
        event_id,
        bool_or(negation = 'negated' AND assertion = 'historical')                 AS resolved,
        list({'start': "start", 'end': "end"} ORDER BY "start", "end")             AS places,
        first(snippet ORDER BY "start", "end")                                     AS snippet,
        min(nlp_system || ' ' || nlp_version)                                      AS system
    FROM evidence
    WHERE event_id IS NOT NULL
    GROUP BY subject_id, event_id
) m ON m.subject_id = e.subject_id AND m.event_id = e.event_id
WHERE e.source = 'note'
  AND (e.domain = 'Condition' AND e.assertion IN ('present', 'possible', 'absent', 'historical') OR e.assertion = 'family')
ORDER BY e.subject_id, e.clinical_time, e.event_id
