"""Small runs written by hand: a few facts become the tables of a finished run."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.nlp.starter import starter_terminology
from phenotext.nlp.tables import EVENT, EVIDENCE, NOTE, OBSERVATION_PERIOD, PERSON, TABLES
from phenotext.pipelines.concepts import Registry
from phenotext.pipelines.phenotypes.definition import Definition
from phenotext.pipelines.phenotypes.evaluate import PhenotypeResult, evaluate
from phenotext.pipelines.phenotypes.read_definition import build_definition
from phenotext.pipelines.run_folder import RunFolder

DAY_ZERO = datetime(2020, 1, 1)
HEART_FAILURE, DIABETES, COPD = "SNOMED/84114007", "SNOMED/44054006", "SNOMED/13645005"
EJECTION_FRACTION = "SNOMED/250908004"


def day(number: float) -> datetime:
    return DAY_ZERO + timedelta(days=number)


@dataclass(slots=True)
class RunMaker:
    """Gathers facts and writes them as a run."""

    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    periods: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=lambda: {"purpose": "research"})

    def fact(
        self,
        subject: int,
        at: float,
        code: str,
        *,
        source: str = "claims",
        assertion: str = "present",
        value: float | None = None,
        unit: str | None = None,
        section: str | None = None,
        note_class: str | None = None,
        note: int | None = None,
        available: float | None = None,
        domain: str = "Condition",
    ) -> int:
        """Add one event, with a mention if it is from a note; gives its event_id."""
        number = len(self.events) + 1
        system, _, plain = code.partition("/")
        concept = Registry(starter_terminology()).find(system, plain)
        time, known = day(at), day(at if available is None else available)
        note = (note or 1000 + number) if source == "note" else None
        self.events.append(
            {
                "subject_id": subject, "time": time, "clinical_time": time, "available_time": known,
                "code": code + ("" if assertion == "present" else f"//{assertion.upper()}"),
                "numeric_value": value, "base_concept_id": concept, "concept_id": concept, "domain": domain,
                "assertion": assertion, "source": source, "type_concept_id": 0, "note_id": note, "event_id": number,
                "run_id": "r",
            }
        )  # fmt: skip
        if note is not None:
            self.notes[note] = {
                "note_id": note, "subject_id": subject, "note_time": time, "available_time": known,
                "available_defaulted": False, "n_characters": 10, "note_hash": "h", "n_mentions": 1, "run_id": "r",
            }  # fmt: skip
            self.evidence.append(
                {
                    "evidence_id": 10_000 + number, "event_id": number, "subject_id": subject, "note_id": note,
                    "note_time": time, "available_time": known, "note_class": note_class, "section": section,
                    "start": 0, "end": 1, "note_hash": "h", "code": code, "base_concept_id": concept,
                    "negation": "affirmed", "certainty": "certain", "temporality": "recent", "experiencer": "patient",
                    "assertion": assertion, "triggers": [], "numeric_value": value, "unit": unit,
                    "nlp_system": "phenotext", "nlp_version": "0", "run_id": "r",
                }
            )  # fmt: skip
        return number

    def person(self, subject: int, born: datetime | None, gender: int = 0) -> None:
        """8507 is male, 8532 female."""
        self.people.append(
            {
                "subject_id": subject, "birth_date": born, "gender_concept_id": gender, "race_concept_id": 0,
                "ethnicity_concept_id": 0, "run_id": "r",
            }
        )  # fmt: skip

    def observed(self, subject: int, first: float, last: float) -> None:
        self.periods.append(
            {"subject_id": subject, "observation_start": day(first), "observation_end": day(last), "run_id": "r"}
        )

    def write(self) -> RunFolder:
        """The run, opened."""
        tables = (
            ("data/train/0.parquet", self.events, EVENT),
            ("evidence.parquet", self.evidence, EVIDENCE),
            ("note.parquet", list(self.notes.values()), NOTE),
            ("person.parquet", self.people, PERSON),
            ("observation_period.parquet", self.periods, OBSERVATION_PERIOD),
        )
        for name, rows, schema in tables:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        ids = [{"kind": "patient", "id": n, "source_id": f"p{n}"} for n in {e["subject_id"] for e in self.events}]
        (self.folder / "private").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(ids, schema=TABLES["id_map"]), self.folder / "private" / "id_map.parquet")
        terminology = {"name": "phenotext-starter", "release": "1", "sha256": starter_terminology().sha256}
        document = {
            "run_id": "r", "identity": {"terminology": terminology, "id_key": None}, "declared": self.declared,
            "counts": {}, "files": {},
        }  # fmt: skip
        (self.folder / "settings.json").write_text(json.dumps({"terminology": None, "end_day": -1, "phi": "full"}))
        (self.folder / "run.json").write_text(json.dumps(document))
        return RunFolder.open(self.folder)


def definition_of(criteria: dict[str, Any], tmp_path: Path, **more: Any) -> Definition:
    """A definition around criteria; concept sets hf, dm, copd and ef are there."""
    document = {
        "schema_version": "1.0", "id": "test", "name": "Test", "version": "1.0", "description": "d", "rationale": "r",
        "sources": ["s"], "author": "a", "status": "unvalidated",
        "concept_sets": {
            "hf": {"codes": [HEART_FAILURE]}, "dm": {"codes": [DIABETES]}, "copd": {"codes": [COPD]},
            "ef": {"codes": [EJECTION_FRACTION, "LOINC/10230-1"]},
        },
        "index": {"rule": "first", "of": "dx"}, "criteria": criteria, **more,
    }  # fmt: skip
    return build_definition(document, "test.yaml", tmp_path)


@pytest.fixture
def maker(tmp_path: Path) -> RunMaker:
    return RunMaker(tmp_path / "run")


@pytest.fixture
def define(tmp_path: Path) -> Callable[..., Definition]:
    return lambda criteria, **more: definition_of(criteria, tmp_path, **more)


@pytest.fixture
def matches(maker: RunMaker, define: Callable[..., Definition]) -> Callable[..., dict[int, list[float]]]:
    """Who matches, with the index days: writes what `maker` holds and evaluates the criteria."""

    def found(criteria: dict[str, Any], *, only: str | None = None, **more: Any) -> dict[int, list[float]]:
        result: PhenotypeResult = evaluate(maker.write(), define(criteria, **more), only=only)
        days: dict[int, list[float]] = {}
        for row in result.rows.to_pylist():
            days.setdefault(row["subject_id"], []).append((row["index_time"] - DAY_ZERO).total_seconds() / 86400)
        return days

    return found
