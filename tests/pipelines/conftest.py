"""A small corpus written for these tests, and the ways to run it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings

SENTINEL = "zebrafinchsentinel"  # stands in every note, and must stand nowhere it should not

NOTES: list[dict[str, Any]] = [
    {
        "note_id": "n1",
        "patient_id": "ada",
        "note_time": "2021-01-10T09:00:00",
        "available_time": "2021-01-10T12:00:00",
        "note_class": "Clinic note",
        "encounter_id": "e1",
        "provider_id": "dr-a",
        "site_id": "north",
        "text": f"HPI: Patient has asthma. No pneumonia. {SENTINEL}\nFamily history: Mother had breast cancer.",
    },
    {
        "note_id": "n2",
        "patient_id": "ada",
        "note_time": "2021-03-01",
        "available_time": "2021-03-02T08:00:00",
        "text": f"Asthma is stable. Possible pneumonia. Asthma again. {SENTINEL}",
    },
    {
        "note_id": "n3",
        "patient_id": "bob",
        "note_time": "2021-02-01T10:00:00",
        "text": f"Denies chest pain. {SENTINEL}",
    },
    {
        "note_id": "n4",
        "patient_id": "77",
        "note_time": "2021-02-03T10:00:00",
        "text": f"Nothing coded here, {SENTINEL}.",
    },
]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def many_notes(count: int) -> list[dict[str, Any]]:
    """Notes of 40 patients that say different things."""
    diseases = ["asthma", "pneumonia", "hypertension", "chest pain", "breast cancer", "fever"]
    frames = ["Patient has {}.", "No {}.", "Possible {}.", "Mother had {}.", "Return if {} develops.", "History of {}."]
    return [
        {
            "note_id": f"m{i}",
            "patient_id": f"p{i % 40}",
            "note_time": f"20{10 + i % 9}-{1 + i % 12:02d}-{1 + i % 28:02d}T10:00:00",
            "text": " ".join(frames[(i + k) % 6].format(diseases[(i * k + i) % 6]) for k in range(5)) + f" {SENTINEL}",
        }
        for i in range(count)
    ]


@pytest.fixture
def notes_file(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "notes.jsonl", NOTES)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A finished run of NOTES, for tests that only read it."""
    folder = tmp_path_factory.mktemp("finished")
    return run(Settings(write_jsonl(folder / "notes.jsonl", NOTES), folder / "out"))


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    """Rows of a table; `event` is gathered from the MEDS data files."""
    if name == "event":
        return [row for path in sorted((out / "data").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return pq.read_table(out / f"{name}.parquet").to_pylist()


def table_bytes(out: Path) -> Mapping[str, bytes]:
    """Every file of a run but those that say when and where it was done."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "source.json", "settings.json", ".lock")
    }


COMMAND = [sys.executable, "-m", "phenotext"]


@pytest.fixture(scope="session")
def export_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with notes and claims for the tests of the exporters, which only read it."""
    from .export_corpus import make_run

    return make_run(tmp_path_factory.mktemp("export_source")).out


@pytest.fixture(scope="session")
def minimal_export_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with phi=minimal."""
    from .export_corpus import make_run

    folder = tmp_path_factory.mktemp("minimal_export_source")
    (folder / "key").write_text("0123456789abcdef0123456789abcdef")
    return make_run(folder / "run", phi="minimal", id_key=folder / "key").out
