"""Mentions as the OMOP CDM 5.4 table NOTE_NLP, and the way back.

term_exists is Y or N, and N only for what is negated. A resolved problem is negated and historical on the axes, yet the
patient had it: its assertion is `historical` and it says Y, with term_temporal = past.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ...nlp.tables import EVIDENCE
from ..database import Database, value
from ..errors import RunError
from ..run_folder import RunFolder
from ..sql import read_sql
from .export_run import processing_date, without_text
from .ledger import Ledger
from .omop_fields import check_lengths, write_omop

TermExists = Literal["negation", "patient"]
# The columns of evidence that come back unchanged, whatever `phi` is.
KEPT = (
    "evidence_id", "event_id", "subject_id", "note_id", "section", "start", "end", "code", "base_concept_id",
    "negation", "certainty", "temporality", "experiencer", "assertion", "copied_from_note_id", "link_score",
    "numeric_value", "unit", "onset_time", "nlp_version",
)  # fmt: skip
_ESCAPES = (("%", "%25"), (",", "%2C"), ("=", "%3D"), ("|", "%7C"), (":", "%3A"))


@dataclass(frozen=True, slots=True)
class NoteNlp:
    """Options: `term_exists` = negation (N for denials only) or patient (as the CDM's convention words it: N also for
    what is somebody else's or conditional); `no_text`; `processed_on` = nlp_date."""

    term_exists: TermExists = "negation"
    no_text: bool = False
    processed_on: str | None = None
    form: ClassVar[str] = "note-nlp"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write note_nlp.parquet and note_nlp.csv."""
        if self.term_exists not in ("negation", "patient"):
            raise RunError(f"--term-exists {self.term_exists} is not known", remedy="use negation or patient")
        no_text = without_text(run, self.no_text)
        escaped = "t"
        for plain, written in _ESCAPES:
            escaped = f"replace({escaped}, '{plain}', '{written}')"
        database.execute(f"CREATE MACRO escaped(t) AS {escaped}")
        database.execute(
            "CREATE TABLE export_option AS SELECT CAST(? AS BOOLEAN) AS no_text, CAST(? AS DATE) AS nlp_date, "
            "CAST(? AS BOOLEAN) AS exists_by_patient",
            [no_text, processing_date(run, self.processed_on), self.term_exists == "patient"],
        )
        database.execute(f"CREATE TEMP VIEW note_nlp_row AS {read_sql('export_note_nlp')}")
        write_omop(database, "note_nlp", "SELECT * EXCLUDE (n_cut) FROM note_nlp_row", folder, "note_nlp", ledger)
        _check(folder / "note_nlp.parquet")
        _count(database, no_text, ledger)


def _count(database: Database, no_text: bool, ledger: Ledger) -> None:
    for reason, condition in (
        ("snippet_without_text", "o.no_text"),
        ("snippet_cut_to_250_characters", "NOT o.no_text AND length(snippet) > 250"),
        ("lexical_variant_replaced_by_name", "o.no_text OR lexical_variant IS NULL OR lexical_variant = ''"),
        ("lexical_variant_cut_to_250_characters", "NOT o.no_text AND length(lexical_variant) > 250"),
        ("note_class_has_no_field", "note_class IS NOT NULL"),
    ):
        query = f"SELECT count(*) FROM evidence CROSS JOIN export_option o WHERE {condition}"
        ledger.withhold(reason, value(database, query))
    cut = value(database, "SELECT coalesce(sum(n_cut), 0)::BIGINT FROM note_nlp_row")
    ledger.withhold("cues_beyond_2000_characters", cut)
    if not no_text:
        texts = value(
            database,
            'SELECT coalesce(sum(len(list_filter(triggers, lambda t: t."text" IS NOT NULL))), 0)::BIGINT FROM evidence',
        )
        ledger.withhold("cue_text_has_no_field", texts)


def _check(path: Path) -> None:
    with pq.ParquetFile(path) as source:
        for batch in source.iter_batches(65_536):
            broken = check_lengths("note_nlp", batch)
            if broken:
                raise RunError(
                    f"a row breaks the CDM: {', '.join(broken)}", where=path.name, remedy="shorten the codes or units"
                )


def parse_modifiers(text: str) -> dict[str, str]:
    """The pairs of a term_modifiers that `note-nlp` wrote; the value of `cues` stays escaped.

    >>> parse_modifiers("negated=no,subject=patient,code=SNOMED/195967001,unit=mg%2CdL")["unit"]
    'mg,dL'
    """
    pairs = (part.split("=", 1) for part in text.split(","))
    return {name: value if name == "cues" else _unescaped(value) for name, value in pairs}


def _unescaped(value: str) -> str:
    for plain, written in reversed(_ESCAPES):
        value = value.replace(written, plain)
    return value


def _cues(text: str | None) -> list[dict[str, Any]]:
    if not text:
        return []
    parts = (cue.split(":", 2) for cue in text.split("|"))
    return [{"text": None, "start": int(a), "end": int(b), "rule": _unescaped(rule)} for a, b, rule in parts]


_NUMBERS = {"event_id": int, "copied_from_note_id": int, "value": float, "link_score": float}


def read_note_nlp(path: Path) -> Iterator[pa.RecordBatch]:
    """Evidence from an exported note_nlp.parquet, batch by batch: the columns `KEPT` and `triggers` (without texts)."""
    schema = pa.schema([EVIDENCE.field(name) for name in (*KEPT, "triggers")])
    with pq.ParquetFile(path) as source:
        for batch in source.iter_batches(16_384):
            rows = [_evidence(row) for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=schema)


def _evidence(row: dict[str, Any]) -> dict[str, Any]:
    import datetime

    said = parse_modifiers(row["term_modifiers"])
    numbers = {name: kind(said[name]) if name in said else None for name, kind in _NUMBERS.items()}
    return {
        "evidence_id": row["note_nlp_id"],
        "event_id": numbers["event_id"],
        "subject_id": int(said["subject_id"]),
        "note_id": row["note_id"],
        "section": said.get("section"),
        "start": int(row["offset"]),
        "end": int(said["offset_end"]),
        "code": said["code"],
        "base_concept_id": row["note_nlp_source_concept_id"],
        "negation": "negated" if said["negated"] == "yes" else "affirmed",
        "certainty": said["certainty"],
        "temporality": said["temporality"],
        "experiencer": said["subject"],
        "assertion": said["assertion"],
        "copied_from_note_id": numbers["copied_from_note_id"],
        "link_score": numbers["link_score"],
        "numeric_value": numbers["value"],
        "unit": said.get("unit"),
        "onset_time": datetime.datetime.fromisoformat(said["onset"]) if "onset" in said else None,
        "nlp_version": said.get("version"),
        "triggers": _cues(said.get("cues")),
    }
