"""The Arrow tables that the rooms exchange: names, types, nullability, keys and one line of description per column.

No logic lives here. The tables are those of the structured-feature schema; `event` is a MEDS `DataSchema` table with
extension columns, `codes` and `subject_split` are MEDS metadata. Every schema carries its primary key and every field
its description in the Arrow metadata, so a Parquet file explains itself:

>>> primary_key(EVENT)
('subject_id', 'event_id')
>>> EVENT.field("code").metadata[b"description"].decode()[:12]
'VOCAB/CODE[/'
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = "1.0"

_I64 = pa.int64()
_I32 = pa.int32()
_F32 = pa.float32()
_F64 = pa.float64()
_TEXT = pa.string()
_TIME = pa.timestamp("us")
_BOOL = pa.bool_()


def _field(name: str, kind: pa.DataType, description: str, *, null: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=null, metadata={"description": description})


def _table(name: str, key: tuple[str, ...], *fields: pa.Field) -> pa.Schema:
    return pa.schema(fields, metadata={"table": name, "primary_key": ",".join(key), "schema_version": SCHEMA_VERSION})


def primary_key(schema: pa.Schema) -> tuple[str, ...]:
    """Names of the columns that together are unique in a table of this schema."""
    return tuple((schema.metadata or {})[b"primary_key"].decode().split(","))


TRIGGER = pa.struct(
    [
        pa.field("text", _TEXT, nullable=True, metadata={"description": "the cue as written; null under phi=minimal"}),
        pa.field("start", _I32, nullable=False, metadata={"description": "first character of the cue in the note"}),
        pa.field("end", _I32, nullable=False, metadata={"description": "one past the last character of the cue"}),
        pa.field("rule", _TEXT, nullable=False, metadata={"description": "the rule that fired"}),
    ]
)

EVENT = _table(
    "event",
    ("subject_id", "event_id"),
    _field("subject_id", _I64, "patient; integer ids of the source are kept, others are blake2b-63"),
    _field("time", _TIME, "MEDS time: available_time for notes, service date for claims", null=True),
    _field(
        "code", _TEXT, "VOCAB/CODE[//ABSENT|POSSIBLE|HISTORICAL|FAMILY|HYPOTHETICAL]; bare = present in the patient"
    ),
    _field("numeric_value", _F32, "value, where the fact has one", null=True),
    _field("text_value", pa.large_string(), "always null from notes", null=True),
    _field("clinical_time", _TIME, "when it was so: note time or service date, never back-dated"),
    _field("available_time", _TIME, "when a user could have known it (note signed, claim paid); >= clinical_time"),
    _field("concept_id", _I64, "base_concept_id where assertion = present, else 0"),
    _field(
        "base_concept_id", _I64, "the concept, whatever the assertion: OMOP's id; 0 unknown; >= 2,000,000,000 local"
    ),
    _field("domain", _TEXT, "OMOP domain: Condition, Drug, Procedure, Measurement, Observation, ..."),
    _field("assertion", _TEXT, "present|absent|possible|historical|family|hypothetical"),
    _field("source", _TEXT, "claims|ehr|note"),
    _field("type_concept_id", _I64, "OMOP type concept; 32858 = NLP"),
    _field("source_code", _TEXT, "the code as the source wrote it", null=True),
    _field("visit_id", _I64, "encounter", null=True),
    _field("note_id", _I64, "note, for events from notes", null=True),
    _field("event_id", _I64, "blake2b-63 of source, clinical time, code, visit, note, value, unit, ordinal"),
    _field("run_id", _TEXT, "the run that wrote the row (run.json)"),
)

EVIDENCE = _table(
    "evidence",
    ("evidence_id",),
    _field("evidence_id", _I64, "blake2b-63 of note, start, end, code"),
    _field("event_id", _I64, "the event this mention supports; null where it makes none", null=True),
    _field("subject_id", _I64, "patient"),
    _field("note_id", _I64, "note"),
    _field("note_time", _TIME, "clinical time of the note"),
    _field("available_time", _TIME, "when the note could be read"),
    _field("note_class", _TEXT, "type of note as the source names it", null=True),
    _field("section", _TEXT, "normalised section name, snake case", null=True),
    _field("start", _I32, "first character of the mention in the note's text"),
    _field("end", _I32, "one past the last character"),
    _field("note_hash", _TEXT, "sha256 of the note's UTF-8 text, or HMAC-sha256 with --id-key"),
    _field("lexical_variant", _TEXT, "the mention as written; null under phi=minimal", null=True),
    _field("snippet", _TEXT, "surrounding text; null under phi=minimal", null=True),
    _field("code", _TEXT, "VOCAB/CODE without assertion"),
    _field("base_concept_id", _I64, "the concept, whatever the assertion"),
    _field("negation", _TEXT, "affirmed|negated"),
    _field("certainty", _TEXT, "certain|uncertain"),
    _field("temporality", _TEXT, "recent|historical|hypothetical"),
    _field("experiencer", _TEXT, "patient|family|other"),
    _field("assertion", _TEXT, "present|absent|possible|historical|family|other|hypothetical"),
    _field("triggers", pa.list_(pa.field("item", TRIGGER, nullable=False)), "the cues that decided"),
    _field("copied_from_note_id", _I64, "earlier note this passage was copied from", null=True),
    _field("link_score", _F32, "score of the link to the concept", null=True),
    _field("numeric_value", _F32, "value stated with the mention", null=True),
    _field("unit", _TEXT, "UCUM unit of numeric_value", null=True),
    _field("onset_time", _TIME, "onset stated in the note", null=True),
    _field("nlp_system", _TEXT, "phenotext"),
    _field("nlp_version", _TEXT, "version of the package"),
    _field("run_id", _TEXT, "the run that wrote the row"),
)

NOTE = _table(
    "note",
    ("note_id",),
    _field("note_id", _I64, "note"),
    _field("subject_id", _I64, "patient"),
    _field("note_time", _TIME, "clinical time of the note"),
    _field("available_time", _TIME, "when the note could be read"),
    _field("available_defaulted", _BOOL, "available_time is note_time + the default lag"),
    _field("note_class", _TEXT, "type of note as the source names it", null=True),
    _field("visit_id", _I64, "encounter", null=True),
    _field("provider_id", _I64, "author", null=True),
    _field("site_id", _I64, "site of care", null=True),
    _field("n_characters", _I32, "length of the text"),
    _field("note_hash", _TEXT, "sha256 of the note's UTF-8 text, or HMAC-sha256 with --id-key"),
    _field("n_mentions", _I32, "rows of evidence"),
    _field("run_id", _TEXT, "the run that wrote the row"),
)

COHORT = _table(
    "cohort",
    ("row_id",),
    _field("row_id", _I64, "one patient as of one time"),
    _field("subject_id", _I64, "patient"),
    _field("prediction_time", _TIME, "only what was available then may be used"),
    _field("cohort_id", _I64, "cohort definition"),
    _field("observation_start", _TIME, "start of observation", null=True),
    _field("observation_end", _TIME, "end of observation", null=True),
    _field("label", _F64, "outcome, where the user gave one", null=True),
    _field("split", _TEXT, "train|tuning|held_out, or the user's own"),
    _field("lookback", _TEXT, "enough|short|unknown: was the patient observed for the minimum look-back", null=True),
)

FEATURE = _table(
    "feature",
    ("row_id", "covariate_id"),
    _field("row_id", _I64, "row of cohort"),
    _field("covariate_id", _I64, "base_concept_id * 1000 + analysis_id"),
    _field("covariate_value", _F64, "zeros are omitted, except note volume (693-695) and where missing is not zero"),
)

ROLLUP = _table(
    "rollup",
    ("rollup_base_concept_id", "member_base_concept_id"),
    _field("rollup_base_concept_id", _I64, "the ancestor, or the id of a named set (>= 8,000,000,000,000)"),
    _field("member_base_concept_id", _I64, "a concept whose events count for it; itself among them"),
)

COVARIATE_REF = _table(
    "covariate_ref",
    ("covariate_id",),
    _field("covariate_id", _I64, "base_concept_id * 1000 + analysis_id"),
    _field("covariate_name", _TEXT, "readable name"),
    _field("analysis_id", _I64, "row of analysis_ref"),
    _field("concept_id", _I64, "base_concept_id; 0 for note volume, age, days and dates"),
    _field("value_as_concept_id", _I64, "FeatureExtraction column; null here", null=True),
    _field("collisions", _I64, "FeatureExtraction column; null here", null=True),
    _field("feature_name", _TEXT, "^[a-z0-9_]+$, stable across sites: scoring joins on it"),
    _field("code", _TEXT, "VOCAB/CODE of the concept", null=True),
    _field("assertion", _TEXT, "assertion counted", null=True),
    _field("source", _TEXT, "note|claims|ehr|structured|person; structured = claims or ehr"),
    _field("window", _TEXT, "any|365d|180d|30d"),
    _field("agg", _TEXT, "binary|count|recency|last|min|max|value|notes|days|probability"),
)

CONCEPT = _table(
    "concept",
    ("base_concept_id",),
    _field("base_concept_id", _I64, "as in event"),
    _field("code", _TEXT, "VOCAB/CODE of the concept, as feature names spell it"),
    _field("name", _TEXT, "its name"),
    _field("domain", _TEXT, "its OMOP domain"),
)

ANALYSIS_REF = _table(
    "analysis_ref",
    ("analysis_id",),
    _field("analysis_id", _I64, "FeatureExtraction's id, or the registry's"),
    _field("analysis_name", _TEXT, "readable name"),
    _field("domain_id", _TEXT, "domain counted"),
    _field("start_day", _I32, "first day of the window before prediction; null = any time", null=True),
    _field("end_day", _I32, "last day of the window; -1 = the day before prediction_time"),
    _field("is_binary", _TEXT, "Y|N"),
    _field("missing_means_zero", _TEXT, "Y|N"),
    _field("feature_name", _TEXT, "pattern of the feature names"),
    _field("assertion", _TEXT, "assertion counted", null=True),
    _field("source", _TEXT, "note|claims|ehr|structured|person; structured = claims or ehr"),
    _field("window", _TEXT, "any|365d|180d|30d"),
    _field("agg", _TEXT, "binary|count|recency|last|min|max|value|notes|days|probability"),
)

CODES = _table(
    "codes",
    ("code",),
    _field("code", _TEXT, "as in event"),
    _field("description", _TEXT, "name of the concept and the assertion", null=True),
    _field("parent_codes", pa.list_(_TEXT), "standard codes this code maps to; never for an assertion", null=True),
    _field("concept_id", _I64, "as in event: 0 unless present"),
    _field("base_concept_id", _I64, "the concept, whatever the assertion; 0 where one code maps to several"),
    _field("assertion", _TEXT, "assertion of the code"),
    _field("domain", _TEXT, "OMOP domain"),
)

SUBJECT_SPLIT = _table(
    "subject_split",
    ("subject_id",),
    _field("subject_id", _I64, "patient"),
    _field("split", _TEXT, "train|tuning|held_out, or the user's own"),
)

QUARANTINE = _table(
    "quarantine",
    ("file", "row"),
    _field("reason", _TEXT, "why the row was left out: a name, never its content"),
    _field("file", _TEXT, "file, relative to the input; null under phi=minimal where names may hold ids", null=True),
    _field("row", _I64, "1-based: line of .jsonl, data row of .csv and .parquet, 1 for a .txt file"),
    _field("note_id", _I64, "note, where it could be read", null=True),
)

ID_MAP = _table(
    "id_map",
    ("kind", "id"),
    _field("kind", _TEXT, "patient|note|visit|provider|site"),
    _field("id", _I64, "as in the tables"),
    _field("source_id", _TEXT, "as in the source"),
)

NOTE_TEXT = _table(
    "note_text",
    ("note_id",),
    _field("note_id", _I64, "note"),
    _field("text", pa.large_string(), "the text, unchanged"),
)

SCORE = _table(
    "score",
    ("score_id",),
    _field("score_id", _I64, "one score of one cohort row"),
    _field("row_id", _I64, "row of cohort"),
    _field("subject_id", _I64, "patient"),
    _field("prediction_time", _TIME, "as of when"),
    _field("phenotype_code", _TEXT, "VOCAB/CODE of the phenotype"),
    _field("base_concept_id", _I64, "its concept"),
    _field("model_name", _TEXT, "classifier"),
    _field("model_version", _TEXT, "its version"),
    _field("model_sha256", _TEXT, "its content"),
    _field("raw_score", _F64, "before calibration", null=True),
    _field("probability", _F64, "calibrated", null=True),
    _field("threshold", _F64, "above it the patient is flagged", null=True),
    _field("flagged", _BOOL, "probability >= threshold", null=True),
    _field("rank", _I32, "1 = highest score of the phenotype", null=True),
    _field("n_notes", _I32, "notes read"),
    _field("n_chunks", _I32, "pieces of them scored"),
    _field("status", _TEXT, "ok|no_notes|out_of_scope|error"),
    _field("run_id", _TEXT, "the run that wrote the row"),
)

SCORE_EVIDENCE = _table(
    "score_evidence",
    ("score_id", "rank"),
    _field("score_id", _I64, "row of score"),
    _field("rank", _I32, "1 = largest contribution"),
    _field("evidence_id", _I64, "mention", null=True),
    _field("note_id", _I64, "note", null=True),
    _field("event_id", _I64, "event", null=True),
    _field("covariate_id", _I64, "feature", null=True),
    _field("start", _I32, "first character of the passage", null=True),
    _field("end", _I32, "one past the last character", null=True),
    _field("contribution", _F64, "share of the score"),
    _field("method", _TEXT, "how the contribution was computed"),
)

PERSON = _table(
    "person",
    ("subject_id",),
    _field("subject_id", _I64, "patient"),
    _field("birth_date", _TIME, "day of birth; the first day of what the source gives (year, month)", null=True),
    _field("death_time", _TIME, "time of death", null=True),
    _field("gender_concept_id", _I64, "8507 male, 8532 female, 0 unknown"),
    _field("race_concept_id", _I64, "OMOP concept; 0 unknown"),
    _field("ethnicity_concept_id", _I64, "OMOP concept; 0 unknown"),
    _field("site_id", _I64, "site of care", null=True),
    _field("run_id", _TEXT, "the run that wrote the row"),
)

OBSERVATION_PERIOD = _table(
    "observation_period",
    ("subject_id", "observation_start"),
    _field("subject_id", _I64, "patient"),
    _field("observation_start", _TIME, "first day on which the source would know of the patient's care"),
    _field("observation_end", _TIME, "last such day; >= observation_start"),
    _field("run_id", _TEXT, "the run that wrote the row"),
)

PHENOTYPE_ROW = _table(
    "phenotype_row",
    ("phenotype_id", "subject_id", "index_time", "row_id"),
    _field("phenotype_id", _TEXT, "name of the definition"),
    _field("version", _TEXT, "its version"),
    _field("definition_sha256", _TEXT, "its content"),
    _field("subject_id", _I64, "patient"),
    _field("index_time", _TIME, "when the patient came to match, by the definition's index rule"),
    _field("row_id", _I64, "row of cohort, where the definition was run as of one", null=True),
    _field("run_id", _TEXT, "the run whose tables were read"),
)

PHENOTYPE_EVIDENCE = _table(
    "phenotype_evidence",
    ("phenotype_id", "subject_id", "index_time", "row_id", "criterion", "ordinal"),
    _field("phenotype_id", _TEXT, "name of the definition"),
    _field("subject_id", _I64, "patient"),
    _field("index_time", _TIME, "as in phenotype_row"),
    _field("row_id", _I64, "as in phenotype_row", null=True),
    _field("criterion", _TEXT, "path in the tree of criteria, such as inclusion/2"),
    _field("held", _BOOL, "the criterion was met"),
    _field("event_id", _I64, "event it rests on", null=True),
    _field("evidence_id", _I64, "mention it rests on", null=True),
    _field("note_id", _I64, "note it rests on", null=True),
    _field("ordinal", _I32, "0, 1, ... within the criterion"),
    _field("run_id", _TEXT, "the run whose tables were read"),
)

TABLES: dict[str, pa.Schema] = {
    (schema.metadata or {})[b"table"].decode(): schema
    for schema in (
        EVENT,
        EVIDENCE,
        NOTE,
        COHORT,
        FEATURE,
        ROLLUP,
        COVARIATE_REF,
        CONCEPT,
        ANALYSIS_REF,
        CODES,
        SUBJECT_SPLIT,
        QUARANTINE,
        ID_MAP,
        NOTE_TEXT,
        SCORE,
        SCORE_EVIDENCE,
        PERSON,
        OBSERVATION_PERIOD,
        PHENOTYPE_ROW,
        PHENOTYPE_EVIDENCE,
    )
}
