-- Mentions of the most frequent concepts; those of other concepts are gathered by domain (code is null there).
-- Sums over assertions, concepts and domains come with their own numbers of patients, which do not add up.
-- in:  evidence, codes; ? = how many concepts      out: domain, code, assertion (null = all), level, mentions, patients
WITH concept_domain AS (
    -- one domain a concept; every code of events and evidence stands in codes
    SELECT regexp_replace(code, '//[A-Z]+$', '') AS code, min(domain) AS domain FROM codes GROUP BY ALL
),
frequent AS (
    SELECT code FROM evidence GROUP BY code ORDER BY count(*) DESC, code LIMIT ?
),
mention AS (
    SELECT coalesce(d.domain, 'unknown') AS domain, f.code, f.code IS NULL AS other, e.assertion, e.subject_id
    FROM evidence e
    LEFT JOIN frequent f ON f.code = e.code
    LEFT JOIN concept_domain d ON d.code = e.code
)
SELECT
    domain, code, assertion,
    CASE WHEN grouping(domain) = 1 THEN 'all' WHEN grouping(other) = 1 THEN 'domain' ELSE 'concept' END AS level,
    count(*) AS mentions,
    count(DISTINCT subject_id) AS patients
FROM mention
GROUP BY GROUPING SETS (
    (domain, code, other, assertion), (domain, code, other), (domain, assertion), (domain), (assertion), ()
)
ORDER BY ALL
