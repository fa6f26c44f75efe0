"""Notes and claims for the tests of the exporters: every assertion, several domains, text hard on formats."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from phenotext.nlp.tables import TABLES
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings

from .conftest import write_jsonl

SENTINEL = "zebrafinchsentinel"
NOTES: list[dict[str, Any]] = [
    {
        "note_id": "n1", "patient_id": "ada", "note_time": "2021-01-10T09:00:00", "note_class": "Clinic note",
        "encounter_id": "e1", "provider_id": "dr-a", "site_id": "north",
        "text": f"HPI: Patient has asthma. No pneumonia. {SENTINEL}\nFamily history: Mother had breast cancer.",
    },
    {
        "note_id": "n2", "patient_id": "ada", "note_time": "2021-03-01",
        "text": "Asthma is stable. Possible pneumonia. Deep venous thrombosis resolved. History of stroke. "
        f"Return if chest pain develops. {SENTINEL}",
    },
    {
        "note_id": "n3", "patient_id": "bob", "note_time": "2021-02-01T10:00:00", "note_class": "=1+1, \"quoted\"",
        "text": "Her husband has COPD.\nHe had appendectomy. Colonoscopy today. LVEF 35 %. Denies chest pain. "
        + SENTINEL,
    },
    {"note_id": "n4", "patient_id": "77", "note_time": "2021-02-03T10:00:00", "text": f"Nothing here, {SENTINEL}."},
]  # fmt: skip


def make_run(folder: Path, **options: Any) -> RunResult:
    """A finished run of NOTES with claims of two patients."""
    folder.mkdir(parents=True, exist_ok=True)
    claims = folder / "claims"
    claims.mkdir()
    (claims / "person.csv").write_text(
        "person_id,person_source_value,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n"
        "10,ada,8532,1960,4,5\n11,bob,8507,1955,1,31\n"
    )
    (claims / "condition_occurrence.csv").write_text(
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value,paid_date\n"
        "1,10,0,2020-01-12,J45.909,2020-02-01\n2,11,0,2020-05-12,E11.9,2020-06-01\n3,11,0,2020-05-13,007,2020-06-01\n"
    )
    (claims / "observation_period.csv").write_text(
        "person_id,observation_period_start_date,observation_period_end_date\n10,2021-02-01,2022-01-01\n"
        "11,2019-01-01,2022-01-01\n"
    )
    notes = write_jsonl(folder / "notes.jsonl", NOTES)
    return run(Settings(notes, folder / "out", claims=claims, **options))


def copy_with(run_folder: Path, target: Path, **tables: list[dict[str, Any]]) -> Path:
    """A copy of a run in which some tables are replaced by these rows."""
    shutil.copytree(run_folder, target)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows, schema=TABLES[name]), target / f"{name}.parquet")
    return target


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Every file of an export."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
