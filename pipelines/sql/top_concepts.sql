-- Concepts by patients who have them; denials stand beside them.
-- in:  evidence, codes      out: code, name, patients, mentions, denied
SELECT
    e.code,
    any_value(coalesce(c.description, e.code))                             AS name,
    count(DISTINCT e.subject_id) FILTER (WHERE e.assertion = 'present')    AS patients,
    count(*) FILTER (WHERE e.assertion = 'present')                        AS mentions,
    count(*) FILTER (WHERE e.assertion = 'absent')                         AS denied
FROM evidence e
LEFT JOIN codes c ON c.code = e.code
GROUP BY e.code
HAVING patients > 0
ORDER BY patients DESC, mentions DESC, e.code
LIMIT ?
