-- How often one code was found in a run, by assertion.
-- in:  evidence      out: assertion, mentions, notes; the commonest first
SELECT assertion, count(*) AS mentions, count(DISTINCT note_id) AS notes
FROM evidence
WHERE code = ?
GROUP BY assertion
ORDER BY mentions DESC, assertion
