-- The features that occur, and note volume whether it occurs or not.
-- in:  used_covariate (covariate_id), analysis, concept, demographic_concept      out: covariate_ref
WITH
used AS (
    SELECT covariate_id FROM used_covariate
    UNION
    SELECT analysis_id FROM analysis WHERE series = 'volume'
),
split AS (
    SELECT u.covariate_id, u.covariate_id // 1000 AS block, a.*,
           a.series = 'demographics' AND a.analysis_id IN (1, 4, 5) AS is_demographic_concept,
           a.series IN ('demographics', 'volume') AS is_other
    FROM used u
    JOIN analysis a ON a.analysis_id = u.covariate_id % 1000
),
named AS (
    SELECT
        s.*,
        CASE WHEN is_demographic_concept THEN coalesce(d.name, 'concept ' || s.block)
             WHEN s.series = 'demographics' AND s.analysis_id = 3 THEN format('{}-{}', 5 * s.block, 5 * s.block + 4)
             WHEN s.series = 'demographics' AND s.analysis_id IN (6, 7) THEN CAST(s.block AS VARCHAR)
             ELSE c.name END AS name,
        CASE WHEN s.series = 'demographics' AND s.analysis_id = 3 THEN format('{}_{}', 5 * s.block, 5 * s.block + 4)
             WHEN s.series = 'demographics' THEN CAST(s.block AS VARCHAR)
             ELSE regexp_replace(lower(c.code), '[^a-z0-9]+', '_', 'g') END AS word,
        CASE WHEN is_demographic_concept THEN 'OMOP/' || s.block ELSE c.code END AS code
    FROM split s
    LEFT JOIN concept c ON c.base_concept_id = s.block AND NOT s.is_other
    LEFT JOIN demographic_concept d ON d.concept_id = s.block AND s.is_demographic_concept
)
SELECT
    covariate_id,
    analysis_name || coalesce(': ' || name, '')           AS covariate_name,
    analysis_id,
    CASE WHEN is_other AND NOT is_demographic_concept THEN 0 ELSE block END AS concept_id,
    CAST(NULL AS BIGINT)                                  AS value_as_concept_id,
    CAST(NULL AS BIGINT)                                  AS collisions,
    replace(feature_name, 'CODE', coalesce(word, ''))     AS feature_name,
    code,
    assertion,
    source,
    "window",
    agg
FROM named
ORDER BY covariate_id
