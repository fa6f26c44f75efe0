"""For every rule of the schema a way to break it in a copy of a valid run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa

from phenotext.nlp.rule_kinds import Allowed, Bounds, JoinCheck, Order, Pattern, Reference, RowCheck, Rule
from phenotext.nlp.tables import TABLES

from .valid_run import Copy, Row

EARLY, LATE = datetime(1900, 1, 1), datetime(2290, 1, 1)


def any_row(row: Row) -> bool:
    del row
    return True


def of_note(row: Row) -> bool:
    return row["source"] == "note"


def mention(row: Row) -> bool:
    return row["assertion"] == "present"


# Row conditions and joins: which row to change, and how, so that the rule no longer holds.
SPOIL: dict[str, tuple[Callable[[Row], bool], dict[str, Any]]] = {
    "event.suffix": (of_note, {"assertion": "family"}),
    "event.concept_id": (lambda row: row["assertion"] == "absent", {"concept_id": 7}),
    "event.available_time": (of_note, {"clinical_time": LATE}),
    "event.time": (of_note, {"time": EARLY}),
    "event.of_a_note": (of_note, {"type_concept_id": 32817}),
    "event.text_value": (of_note, {"text_value": "words"}),
    "event.as_note": (of_note, {"visit_id": 999}),
    "event.as_codes": (of_note, {"base_concept_id": 999}),
    "evidence.span": (mention, {"end": 0}),
    "evidence.axes": (mention, {"negation": "negated"}),
    "evidence.makes_event": (mention, {"event_id": None}),
    "evidence.cues": (mention, {"triggers": [{"text": None, "start": 3, "end": 2, "rule": "r"}]}),
    "evidence.as_note": (mention, {"note_time": EARLY}),
    "evidence.note_hash": (mention, {"note_hash": "0" * 64}),
    "evidence.within_note": (mention, {"end": 1_000_000}),
    "evidence.as_event": (mention, {"base_concept_id": 999}),
    "note.available_time": (any_row, {"available_time": EARLY}),
    "note.n_mentions": (any_row, {"n_mentions": 99}),
    "note_text.length": (any_row, {"text": "short"}),
    "note_text.note_hash": (any_row, {"text": "another text"}),
    "cohort.observation": (any_row, {"observation_start": LATE, "observation_end": EARLY}),
    "cohort.volume": (any_row, {"row_id": 4_000}),
    "cohort.split": (any_row, {"split": "elsewhere"}),
    "person.death": (any_row, {"death_time": EARLY}),
    "observation_period.period": (any_row, {"observation_end": EARLY}),
    "feature.zeros": (lambda row: row["covariate_id"] % 1000 == 620, {"covariate_value": 0.0}),
    "feature.binary": (lambda row: row["covariate_id"] % 1000 == 620, {"covariate_value": 2.0}),
    "covariate_ref.covariate_id": (lambda row: row["concept_id"] > 0, {"concept_id": 5}),
    "covariate_ref.one_name": (lambda row: row["covariate_id"] == 694, {"feature_name": "note_volume_any_notes"}),
    "covariate_ref.as_analysis": (any_row, {"agg": "median"}),
    "analysis_ref.window": (lambda row: row["start_day"] is not None, {"end_day": -9999}),
    "analysis_ref.one_end": (any_row, {"end_day": 5}),
    "codes.suffix": (mention, {"assertion": "absent"}),
    "codes.concept_id": (lambda row: row["assertion"] == "absent", {"concept_id": 5}),
    "codes.parents": (lambda row: row["assertion"] == "absent", {"parent_codes": ["SNOMED/64572001"]}),
    "codes.parents_bare": (mention, {"parent_codes": ["SNOMED/64572001//ABSENT"]}),
    "score.flagged": (any_row, {"probability": 0.1}),
    "score.status_ok": (any_row, {"status": "error"}),
    "score.as_cohort": (any_row, {"prediction_time": EARLY}),
    "score_evidence.something": (
        any_row, {"evidence_id": None, "note_id": None, "event_id": None, "covariate_id": None},
    ),
    "score_evidence.span": (any_row, {"start": 5, "end": 5}),
    "score_evidence.within_note": (any_row, {"end": 1_000_000}),
}  # fmt: skip


def spoil(rule: Rule, copy: Copy) -> Row | None:
    """Break the rule; the primary key of the row that breaks it now, None where several do."""
    match rule:
        case Allowed():
            return copy.change(rule.table, any_row, **{rule.column: "zebra"})
        case Pattern():
            return copy.change(rule.table, any_row, **{rule.column: "no such//thing!"})
        case Bounds():
            wrong = float("nan") if rule.low is None else rule.low - 1
            whole = pa.types.is_integer(TABLES[rule.table].field(rule.column).type)
            return copy.change(rule.table, any_row, **{rule.column: int(wrong) if whole else wrong})
        case Reference(where="flagged"):
            copy.write("score_evidence", [])
            return None
        case Reference():
            wanted = of_note if rule.where else any_row
            text = pa.types.is_string(TABLES[rule.table].field(rule.columns[-1]).type)
            return copy.change(rule.table, wanted, **{rule.columns[-1]: "SNOMED/1" if text else 987_654_321_987})
        case Order():
            copy.write(rule.table, copy.rows(rule.table)[::-1])
            return None
        case RowCheck() | JoinCheck():
            wanted, values = SPOIL[rule.name]
            return copy.change(rule.table, wanted, **values)
