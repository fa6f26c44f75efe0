-- Mentions as OMOP CDM 5.4 NOTE_NLP. All that the table has no column for goes into term_modifiers, as name=value pairs
-- that begin with those of the CDM's own example; `%`, `,`, `=`, `|` and `:` in a value are written %25, %2C, %3D, %7C, %3A.
-- The cues come last, so that what does not fit into 2,000 characters is a cue, never a fact.
-- in:  evidence, codes, export_option (no_text, nlp_date, exists_by_patient)      out: note_nlp, with n_cut (cues left out)
WITH mention AS (
    SELECT
        e.*,
        coalesce(c.description, e.code) AS concept_name,
        concat_ws(',',
            'negated=' || CASE e.negation WHEN 'negated' THEN 'yes' ELSE 'no' END,
            'subject=' || e.experiencer,
            'certainty=' || e.certainty,
            'conditional=' || CASE e.temporality WHEN 'hypothetical' THEN 'true' ELSE 'false' END,
            'temporality=' || e.temporality,
            'assertion=' || e.assertion,
            'offset_end=' || e."end",
            'code=' || escaped(e.code),
            'evidence_id=' || e.evidence_id,
            'event_id=' || e.event_id,
            'subject_id=' || e.subject_id,
            'copied_from_note_id=' || e.copied_from_note_id,
            'section=' || escaped(left(e.section, 200)),
            'value=' || e.numeric_value,
            'unit=' || escaped(left(e.unit, 100)),
            'onset=' || escaped(strftime(e.onset_time, '%Y-%m-%dT%H:%M:%S.%f')),
            'link_score=' || e.link_score,
            'version=' || escaped(left(e.nlp_version, 50))
        ) AS facts,
        nullif(array_to_string(
            list_transform(e.triggers, lambda t: t."start" || ':' || t."end" || ':' || escaped(t."rule")), '|'), '') AS cues
    FROM evidence e
    LEFT JOIN codes c ON c.code = e.code
),
fitted AS (
    SELECT
        *,
        2000 - length(facts) - length(',cues=') AS room,
        CASE
            WHEN cues IS NULL THEN NULL
            WHEN length(cues) <= room THEN cues
            WHEN contains(left(cues, room + 1), '|') THEN regexp_extract(left(cues, room + 1), '^(.*)\|', 1)
        END AS cues_kept
    FROM mention
)
SELECT
    evidence_id                                                                    AS note_nlp_id,
    note_id,
    CAST(NULL AS BIGINT)                                                           AS section_concept_id,
    CASE WHEN NOT o.no_text THEN left(snippet, 250) END                            AS snippet,
    CAST("start" AS VARCHAR)                                                       AS "offset",
    left(CASE WHEN o.no_text OR lexical_variant IS NULL OR lexical_variant = ''
              THEN concept_name ELSE lexical_variant END, 250)                     AS lexical_variant,
    CASE WHEN base_concept_id < 2000000000 THEN base_concept_id ELSE 0 END         AS note_nlp_concept_id,
    base_concept_id                                                                AS note_nlp_source_concept_id,
    left(nlp_system || ' ' || nlp_version, 250)                                    AS nlp_system,
    o.nlp_date,
    CAST(NULL AS TIMESTAMP)                                                        AS nlp_datetime,
    CASE
        WHEN negation = 'negated' AND assertion <> 'historical' THEN 'N'  -- resolved: the patient had it
        WHEN o.exists_by_patient AND (experiencer <> 'patient' OR temporality = 'hypothetical') THEN 'N'
        ELSE 'Y'
    END                                                                            AS term_exists,
    CASE temporality WHEN 'historical' THEN 'past' WHEN 'recent' THEN 'present' END AS term_temporal,
    facts || coalesce(',cues=' || cues_kept, '')                                   AS term_modifiers,
    len(triggers) - CASE WHEN cues_kept IS NULL THEN 0 ELSE len(string_split(cues_kept, '|')) END AS n_cut
FROM fitted
CROSS JOIN export_option o
ORDER BY note_id, "start", "end", code, evidence_id
