"""What must hold in the tables beyond names and types: values, grammars, bounds, references, order, cross rules.

Data only: a rule says what must hold, in words and in standard SQL; `phenotext validate` runs it. A condition that is
null for a row (a value is missing) does not break a rule: whether it may be missing is the column's nullability.

>>> [rule.name for rule in rules_of("subject_split")]
['subject_split.split.pattern', 'subject_split.order']
"""

from __future__ import annotations

from .rule_kinds import Allowed, Bounds, JoinCheck, Order, Pattern, Reference, RowCheck, Rule

VOCABULARY = r"[A-Za-z][A-Za-z0-9 ._-]*"
# one code; a single slash may stand in a site's own code, two never: they begin the assertion
PLAIN_CODE = rf"{VOCABULARY}/[^/\s](?:[^/]|/[^/])*"
ASSERTED_CODE = rf"{PLAIN_CODE}(?://(?:ABSENT|POSSIBLE|HISTORICAL|FAMILY|HYPOTHETICAL))?"
EVENT_CODE = rf"MEDS_BIRTH|MEDS_DEATH|{ASSERTED_CODE}"
SHA256 = "[0-9a-f]{64}"

ASSERTIONS = ("present", "absent", "possible", "historical", "family", "hypothetical")
SOURCES = ("claims", "ehr", "note")
FEATURE_SOURCES = (*SOURCES, "structured", "person")
WINDOWS = ("any", "365d", "180d", "30d")
AGGREGATES = ("binary", "count", "recency", "last", "min", "max", "value", "notes", "days", "probability")

_HASH = "is a sha256 in hexadecimal digits"
_PLAIN = "is VOCAB/CODE"
_CODE = "is VOCAB/CODE[//ABSENT|POSSIBLE|HISTORICAL|FAMILY|HYPOTHETICAL], or MEDS_BIRTH, MEDS_DEATH"
_SUFFIX_IS_ASSERTION = (
    "assertion = lower(CASE WHEN contains(code, '//') THEN split_part(code, '//', 2) ELSE 'present' END)"
)
_CONCEPT_ID = "concept_id = CASE assertion WHEN 'present' THEN base_concept_id ELSE 0 END"
_SPLIT = "is a plain name: letters, digits, _ and -"

_EVENT: tuple[Rule, ...] = (
    Pattern("event", "code", EVENT_CODE, _CODE),
    Allowed("event", "assertion", ASSERTIONS),
    Allowed("event", "source", SOURCES),
    Pattern("event", "domain", "[A-Z][A-Za-z /]*", "is the name of an OMOP domain"),
    Bounds("event", "subject_id", 0),
    Bounds("event", "event_id", 0),
    Bounds("event", "base_concept_id", 0),
    Bounds("event", "numeric_value"),
    RowCheck("event", "suffix", "the code ends with its assertion, present without one", _SUFFIX_IS_ASSERTION),
    RowCheck("event", "concept_id", "concept_id = base_concept_id where present, else 0", _CONCEPT_ID),
    RowCheck(
        "event", "available_time", "available_time is at or after clinical_time", "available_time >= clinical_time"
    ),
    RowCheck(
        "event", "time", "time is available_time for notes, else clinical_time or null",
        "\"time\" = CASE source WHEN 'note' THEN available_time ELSE clinical_time END "
        "AND (source <> 'note' OR \"time\" IS NOT NULL)",
    ),
    RowCheck(
        "event", "of_a_note", "an event of a note has its note_id and type_concept_id 32858 (NLP), no other has either",
        "(source = 'note') = (note_id IS NOT NULL) AND (source = 'note') = (type_concept_id = 32858)",
    ),
    RowCheck("event", "text_value", "text_value is null from notes", "source <> 'note' OR text_value IS NULL"),
    Reference("event", ("code",), "codes", ("code",)),
    Reference("event", ("note_id",), "note", ("note_id",)),
    Reference("event", ("subject_id",), "subject_split", ("subject_id",)),
    Reference(
        "event", ("subject_id", "event_id"), "evidence", ("subject_id", "event_id"), "source = 'note'",
        "an event of a note has a mention in evidence",
    ),
    JoinCheck(
        "event", "as_note", "an event has the patient, the times and the encounter of its note", "note", ("note_id",),
        "t.subject_id = o.subject_id AND t.clinical_time = o.note_time AND t.available_time = o.available_time "
        "AND t.visit_id IS NOT DISTINCT FROM o.visit_id",
    ),
    JoinCheck(
        "event", "as_codes", "assertion, and base_concept_id unless it is 0 in codes, are those of the code", "codes",
        ("code",), "t.assertion = o.assertion AND (o.base_concept_id = 0 OR t.base_concept_id = o.base_concept_id)",
    ),
    Order("event", ("subject_id", "time", "event_id")),
)  # fmt: skip

_EVIDENCE: tuple[Rule, ...] = (
    Pattern("evidence", "code", PLAIN_CODE, _PLAIN),
    Pattern("evidence", "note_hash", SHA256, _HASH),
    Allowed("evidence", "negation", ("affirmed", "negated")),
    Allowed("evidence", "certainty", ("certain", "uncertain")),
    Allowed("evidence", "temporality", ("recent", "historical", "hypothetical")),
    Allowed("evidence", "experiencer", ("patient", "family", "other")),
    Allowed("evidence", "assertion", (*ASSERTIONS, "other")),
    Pattern("evidence", "section", "[a-z0-9_]+", "is in snake case"),
    Bounds("evidence", "evidence_id", 0),
    Bounds("evidence", "base_concept_id", 0),
    Bounds("evidence", "start", 0),
    Bounds("evidence", "link_score", 0, 1),
    Bounds("evidence", "numeric_value"),
    RowCheck("evidence", "span", "end is after start", '"end" > "start"'),
    RowCheck(
        "evidence", "axes", "the assertion agrees with negation, temporality and experiencer",
        "CASE assertion WHEN 'absent' THEN negation = 'negated' WHEN 'family' THEN experiencer = 'family' "
        "WHEN 'other' THEN experiencer = 'other' WHEN 'hypothetical' THEN temporality = 'hypothetical' "
        "WHEN 'possible' THEN certainty = 'uncertain' WHEN 'present' THEN experiencer = 'patient' "
        "AND negation = 'affirmed' WHEN 'historical' THEN temporality = 'historical' END",
    ),
    RowCheck(
        "evidence", "makes_event",
        "every mention makes an event, but those of other people, denials about them, and copied passages",
        "CASE WHEN assertion = 'other' OR (assertion = 'absent' AND experiencer <> 'patient') THEN event_id IS NULL "
        "ELSE event_id IS NOT NULL OR copied_from_note_id IS NOT NULL END",
    ),
    RowCheck(
        "evidence", "cues", "every cue has start >= 0 and end > start",
        'len(list_filter(triggers, lambda cue: cue."start" < 0 OR cue."end" <= cue."start")) = 0',
    ),
    RowCheck(
        "evidence", "minimal", "with phi=minimal lexical_variant, snippet and the text of the triggers are null",
        "lexical_variant IS NULL AND snippet IS NULL "
        "AND len(list_filter(triggers, lambda cue: cue.text IS NOT NULL)) = 0",
        only="phi=minimal",
    ),
    Reference("evidence", ("note_id",), "note", ("note_id",)),
    Reference("evidence", ("copied_from_note_id",), "note", ("note_id",)),
    Reference("evidence", ("subject_id", "event_id"), "event", ("subject_id", "event_id")),
    JoinCheck(
        "evidence", "as_note", "a mention has the patient, the times and the class of its note", "note", ("note_id",),
        "t.subject_id = o.subject_id AND t.note_time = o.note_time AND t.available_time = o.available_time "
        "AND t.note_class IS NOT DISTINCT FROM o.note_class",
    ),
    JoinCheck(
        "evidence", "note_hash", "note_hash is that of the note", "note", ("note_id",), "t.note_hash = o.note_hash"
    ),
    JoinCheck(
        "evidence", "within_note", "the mention and its cues lie within the note's n_characters", "note", ("note_id",),
        't."end" <= o.n_characters AND len(list_filter(t.triggers, lambda cue: cue."end" > o.n_characters)) = 0',
    ),
    JoinCheck(
        "evidence", "as_event", "a mention has the note, code, concept and assertion of its event", "event",
        ("subject_id", "event_id"),
        "t.note_id = o.note_id AND t.base_concept_id = o.base_concept_id AND t.assertion = o.assertion "
        "AND t.code = split_part(o.code, '//', 1)",
    ),
)  # fmt: skip

_NOTE: tuple[Rule, ...] = (
    Pattern("note", "note_hash", SHA256, _HASH),
    Bounds("note", "note_id", 0),
    Bounds("note", "subject_id", 0),
    Bounds("note", "n_characters", 1),
    Bounds("note", "n_mentions", 0),
    RowCheck("note", "available_time", "available_time is at or after note_time", "available_time >= note_time"),
    RowCheck(
        "note", "n_mentions", "n_mentions is the note's number of rows in evidence",
        "n_mentions = (SELECT count(*) FROM evidence e WHERE e.note_id = note.note_id)", ("evidence",),
    ),
    Reference("note", ("subject_id",), "subject_split", ("subject_id",)),
    Pattern("quarantine", "reason", "[a-z0-9_]+", "is a name in snake case, never content"),
    Bounds("quarantine", "row", 0),
    Allowed("id_map", "kind", ("patient", "note", "visit", "provider", "site")),
    Bounds("id_map", "id", 0),
    Order("id_map", ("kind", "id")),
    Reference("note_text", ("note_id",), "note", ("note_id",)),
    JoinCheck(
        "note_text", "length", "the text has n_characters characters", "note", ("note_id",),
        "length(t.text) = o.n_characters",
    ),
    JoinCheck(
        "note_text", "note_hash", "the text has the note's hash", "note", ("note_id",),
        "sha256(CAST(t.text AS VARCHAR)) = o.note_hash", only="no id key",
    ),
)  # fmt: skip

_SUBJECTS: tuple[Rule, ...] = (
    Bounds("cohort", "row_id", 0),
    Bounds("cohort", "label"),
    RowCheck(
        "cohort", "observation", "observation_end is not before observation_start",
        "observation_end >= observation_start",
    ),
    RowCheck(
        "cohort", "volume", "note volume (693, 694, 695) is in feature for every row",
        "(SELECT count(*) FROM feature f WHERE f.row_id = cohort.row_id AND f.covariate_id IN (693, 694, 695)) = 3",
        ("feature",),
    ),
    Reference("cohort", ("subject_id",), "subject_split", ("subject_id",)),
    JoinCheck(
        "cohort", "split", "a patient has one split, that of subject_split", "subject_split", ("subject_id",),
        "t.split = o.split",
    ),
    Order("cohort", ("row_id",)),
    Allowed("cohort", "lookback", ("enough", "short", "unknown")),
    Pattern("subject_split", "split", "[A-Za-z0-9][A-Za-z0-9_-]*", _SPLIT),
    Order("subject_split", ("subject_id",)),
    Bounds("person", "subject_id", 0),
    Bounds("person", "gender_concept_id", 0),
    RowCheck("person", "death", "death is not before the day of birth", "death_time >= date_trunc('day', birth_date)"),
    Order("person", ("subject_id",)),
    RowCheck(
        "observation_period", "period", "observation_end is not before observation_start",
        "observation_end >= observation_start",
    ),
    Order("observation_period", ("subject_id", "observation_start")),
)  # fmt: skip

_YES_NO = ("Y", "N")
_FEATURE: tuple[Rule, ...] = (
    Bounds("feature", "covariate_value"),
    Bounds("feature", "covariate_id", 0),
    RowCheck(
        "feature", "zeros", "zeros are left out, except note volume and where missing does not mean zero",
        "covariate_value <> 0 OR covariate_id IN (693, 694, 695) OR (SELECT any_value(a.missing_means_zero) "
        "FROM analysis_ref a WHERE a.analysis_id = feature.covariate_id % 1000) = 'N'", ("analysis_ref",),
    ),
    RowCheck(
        "feature", "binary", "the value of a binary feature is 1",
        "covariate_value = 1 OR (SELECT any_value(a.is_binary) FROM analysis_ref a "
        "WHERE a.analysis_id = feature.covariate_id % 1000) = 'N'", ("analysis_ref",),
    ),
    Reference("feature", ("row_id",), "cohort", ("row_id",)),
    Reference("feature", ("covariate_id",), "covariate_ref", ("covariate_id",)),
    Order("feature", ("row_id", "covariate_id")),
    Bounds("rollup", "rollup_base_concept_id", 1),
    Bounds("rollup", "member_base_concept_id", 1),
    Order("rollup", ("rollup_base_concept_id", "member_base_concept_id")),
    Pattern("concept", "code", PLAIN_CODE, _PLAIN),
    Bounds("concept", "base_concept_id", 1),
    Order("concept", ("base_concept_id",)),
    Pattern("covariate_ref", "feature_name", "[a-z0-9_]+", "has small letters, digits and _ only"),
    Pattern("covariate_ref", "code", PLAIN_CODE, _PLAIN),
    Allowed("covariate_ref", "assertion", (*ASSERTIONS, "")),
    Allowed("covariate_ref", "source", FEATURE_SOURCES),
    Allowed("covariate_ref", "window", WINDOWS),
    Allowed("covariate_ref", "agg", AGGREGATES),
    RowCheck(
        "covariate_ref", "covariate_id", "covariate_id = concept_id * 1000 + analysis_id; demographics: ends with it",
        "covariate_id = concept_id * 1000 + analysis_id "
        "OR (analysis_id < 100 AND covariate_id % 1000 = analysis_id)",
    ),
    RowCheck(
        "covariate_ref", "one_name", "no two features have one feature_name",
        "(SELECT count(*) FROM covariate_ref c WHERE c.feature_name = covariate_ref.feature_name) = 1",
    ),
    Reference("covariate_ref", ("analysis_id",), "analysis_ref", ("analysis_id",)),
    JoinCheck(
        "covariate_ref", "as_analysis", "assertion, source, window and agg are those of the analysis", "analysis_ref",
        ("analysis_id",), "coalesce(t.assertion, '') = coalesce(o.assertion, '') AND t.source = o.source "
        "AND t.\"window\" = o.\"window\" AND t.agg = o.agg",
    ),
    Order("covariate_ref", ("covariate_id",)),
    Bounds("analysis_ref", "analysis_id", 1, 999),
    Allowed("analysis_ref", "assertion", (*ASSERTIONS, "")),
    Allowed("analysis_ref", "is_binary", _YES_NO),
    Allowed("analysis_ref", "missing_means_zero", _YES_NO),
    Allowed("analysis_ref", "source", FEATURE_SOURCES),
    Allowed("analysis_ref", "window", WINDOWS),
    Allowed("analysis_ref", "agg", AGGREGATES),
    Pattern(
        "analysis_ref", "feature_name", "(?:[a-z0-9_]|CODE)+", "has small letters, digits, _, and CODE for the code"
    ),
    RowCheck("analysis_ref", "window", "the window ends at or after its start", "end_day >= start_day"),
    RowCheck(
        "analysis_ref", "one_end", "all windows end on one day",
        "end_day = (SELECT min(end_day) FROM analysis_ref)",
    ),
    Order("analysis_ref", ("analysis_id",)),
)  # fmt: skip

_CODES: tuple[Rule, ...] = (
    Pattern("codes", "code", EVENT_CODE, _CODE),
    Allowed("codes", "assertion", ASSERTIONS),
    Bounds("codes", "base_concept_id", 0),
    RowCheck("codes", "suffix", "the code ends with its assertion, present without one", _SUFFIX_IS_ASSERTION),
    RowCheck("codes", "concept_id", "concept_id = base_concept_id where present, else 0", _CONCEPT_ID),
    RowCheck(
        "codes", "parents", "a code with an assertion has no parent_codes",
        "assertion = 'present' OR parent_codes IS NULL OR len(parent_codes) = 0",
    ),
    RowCheck(
        "codes", "parents_bare", "parent codes carry no assertion",
        "parent_codes IS NULL OR len(list_filter(parent_codes, lambda parent: contains(parent, '//'))) = 0",
    ),
    Order("codes", ("code",)),
)  # fmt: skip

_SCORE: tuple[Rule, ...] = (
    Allowed("score", "status", ("ok", "no_notes", "out_of_scope", "error")),
    Pattern("score", "phenotype_code", PLAIN_CODE, _PLAIN),
    Pattern("score", "model_sha256", SHA256, _HASH),
    Bounds("score", "raw_score"),
    Bounds("score", "probability", 0, 1),
    Bounds("score", "threshold", 0, 1),
    Bounds("score", "rank", 1),
    Bounds("score", "n_notes", 0),
    Bounds("score", "n_chunks", 0),
    RowCheck(
        "score", "flagged", "flagged says whether probability >= threshold",
        "flagged = coalesce(probability >= threshold, false)",
    ),
    RowCheck(
        "score", "status_ok", "only a score with status ok has a probability and may be flagged",
        "status = 'ok' OR (probability IS NULL AND NOT coalesce(flagged, false))",
    ),
    Reference("score", ("row_id",), "cohort", ("row_id",)),
    JoinCheck(
        "score", "as_cohort", "patient and prediction_time are those of the cohort row", "cohort", ("row_id",),
        "t.subject_id = o.subject_id AND t.prediction_time = o.prediction_time",
    ),
    Reference(
        "score", ("score_id",), "score_evidence", ("score_id",), "flagged",
        "a flagged score has a row in score_evidence",
    ),
    Order("score", ("score_id",)),
    Bounds("score_evidence", "rank", 1),
    Bounds("score_evidence", "contribution"),
    RowCheck(
        "score_evidence", "something", "at least one of evidence_id, note_id, event_id, covariate_id is given",
        "coalesce(evidence_id, note_id, event_id, covariate_id) IS NOT NULL",
    ),
    RowCheck("score_evidence", "span", "start >= 0 and end is after start", '"start" >= 0 AND "end" > "start"'),
    JoinCheck(
        "score_evidence", "within_note", "the passage lies within the note's n_characters", "note", ("note_id",),
        't."end" <= o.n_characters',
    ),
    Reference("score_evidence", ("score_id",), "score", ("score_id",)),
    Reference("score_evidence", ("evidence_id",), "evidence", ("evidence_id",)),
    Reference("score_evidence", ("note_id",), "note", ("note_id",)),
    Reference("score_evidence", ("event_id",), "event", ("event_id",)),
    Reference("score_evidence", ("covariate_id",), "covariate_ref", ("covariate_id",)),
    Order("score_evidence", ("score_id", "rank")),
)  # fmt: skip

_PHENOTYPE: tuple[Rule, ...] = (
    Pattern("phenotype_row", "definition_sha256", SHA256, _HASH),
    Order("phenotype_row", ("phenotype_id", "subject_id", "index_time", "row_id")),
    Bounds("phenotype_evidence", "ordinal", 0),
    Reference("phenotype_evidence", ("evidence_id",), "evidence", ("evidence_id",)),
    Reference("phenotype_evidence", ("note_id",), "note", ("note_id",)),
    Reference("phenotype_evidence", ("subject_id", "event_id"), "event", ("subject_id", "event_id")),
    Order("phenotype_evidence", ("phenotype_id", "subject_id", "index_time", "row_id", "criterion", "ordinal")),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *_EVENT, *_EVIDENCE, *_NOTE, *_SUBJECTS, *_FEATURE, *_CODES, *_SCORE, *_PHENOTYPE,
)  # fmt: skip


def rules_of(table: str) -> tuple[Rule, ...]:
    """Rules of one table, in order."""
    return tuple(rule for rule in RULES if rule.table == table)
