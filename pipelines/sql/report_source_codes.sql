-- Codes of claims and EHR records by vocabulary.      in:  event      out: vocabulary, codes
SELECT split_part(code, '/', 1) AS vocabulary, count(DISTINCT code) AS codes
FROM event
WHERE source <> 'note'
GROUP BY vocabulary
ORDER BY codes DESC, vocabulary
