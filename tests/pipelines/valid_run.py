"""A small valid run with every table, and ways to change one thing in a copy of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from phenotext.nlp.tables import TABLES, primary_key
from phenotext.pipelines.durable import write_table
from phenotext.pipelines.readers.corpus import hash_file
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import NOTES, rows, write_jsonl

Row = dict[str, Any]
CLAIMS = (
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value,paid_date\n"
    "1,ada,0,2021-01-12,J45.909,2021-02-01\n"
    "2,ada,0,2021-01-13,Z99.9,2021-02-01\n"
    "3,ada,0,soon,J45.909,2021-02-01\n"
)
PLACES = {
    "codes": "metadata/codes.parquet",
    "concept": "metadata/concepts.parquet",
    "subject_split": "metadata/subject_splits.parquet",
    "id_map": "private/id_map.parquet",
    "note_text": "private/text.parquet",
}


def make_run(folder: Path, **options: Any) -> Path:
    """Notes, claims and a roll-up: every table that a run writes, with rows."""
    texts = [
        "Return if asthma develops. History of pneumonia. Mother had asthma. Her husband has asthma.",
        "No family history of asthma. Possible asthma.",
    ]
    more = [
        {"note_id": f"v{place}", "patient_id": "77", "note_time": f"2021-02-{10 + place}T08:00:00", "text": text}
        for place, text in enumerate(texts)
    ]
    notes = write_jsonl(folder / "notes.jsonl", [*NOTES, *more, {"note_id": "n9", "patient_id": "ada", "text": ""}])
    claims = folder / "claims"
    claims.mkdir()
    (claims / "condition_occurrence.csv").write_text(CLAIMS)
    rollup = folder / "rollup.yaml"
    rollup.write_text('rollups:\n  - name: lung\n    concepts: "195967001 OR 233604007"\n')
    out = folder / "out"
    run(Settings(notes, out, claims=claims, rollup=rollup, **options))
    return out


def add_results(out: Path) -> None:
    """Tables that other commands put beside those of a run, built from the run's own rows."""
    run_id = json.loads((out / "run.json").read_text())["run_id"]
    cohort, evidence = rows(out, "cohort"), rows(out, "evidence")
    flagged, other = cohort[:2]
    mention = next(row for row in evidence if row["subject_id"] == flagged["subject_id"] and row["event_id"])

    def score(number: int, row: Row, probability: float) -> Row:
        return {
            "score_id": number, "row_id": row["row_id"], "subject_id": row["subject_id"],
            "prediction_time": row["prediction_time"], "phenotype_code": "SNOMED/195967001", "base_concept_id": 1,
            "model_name": "toy", "model_version": "1", "model_sha256": "0" * 64, "raw_score": probability,
            "probability": probability, "threshold": 0.5, "flagged": probability >= 0.5, "rank": number, "n_notes": 1,
            "n_chunks": 1, "status": "ok", "run_id": run_id,
        }  # fmt: skip

    time = datetime(2021, 3, 1)
    phenotype = {"phenotype_id": "toy", "subject_id": flagged["subject_id"], "index_time": time, "run_id": run_id}
    mention_ids = {name: mention[name] for name in ("event_id", "evidence_id", "note_id")}
    periods = [
        {"subject_id": row["subject_id"], "observation_start": time, "observation_end": time, "run_id": run_id}
        for row in (flagged, other)
    ]
    people = [
        {"subject_id": row["subject_id"], "birth_date": datetime(1950, 1, 1), "death_time": None,
         "gender_concept_id": 8532, "race_concept_id": 0, "ethnicity_concept_id": 0, "site_id": None, "run_id": run_id}
        for row in (flagged, other)
    ]  # fmt: skip
    passage = {"start": mention["start"], "end": mention["end"], "contribution": 1.0, "method": "toy"}
    tables: dict[str, list[Row]] = {
        "score": [score(1, flagged, 0.9), score(2, other, 0.1)],
        "score_evidence": [
            {"score_id": 1, "rank": rank, "covariate_id": 693, **mention_ids, **passage} for rank in (1, 2)
        ],
        "person": sorted(people, key=lambda row: row["subject_id"]),
        "observation_period": sorted(periods, key=lambda row: row["subject_id"]),
        "phenotype_row": [
            phenotype
            | {"version": "1", "definition_sha256": "1" * 64, "row_id": flagged["row_id"], "phenotype_id": name}
            for name in ("toy", "toy2")
        ],
        "phenotype_evidence": [
            phenotype
            | mention_ids
            | {"row_id": flagged["row_id"], "criterion": "inclusion/1", "held": True, "ordinal": place}
            for place in (0, 1)
        ],
    }
    for name, content in tables.items():
        path = out / f"{name}.parquet"
        write_table(path, TABLES[name], pa.Table.from_pylist(content, TABLES[name]).to_batches())
        Copy(out).rehash(path)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a run that is about to be spoiled; run.json is made to fit, unless it is what is spoiled."""

    out: Path

    @classmethod
    def of(cls, out: Path, to: Path) -> Copy:
        shutil.copytree(out, to)
        return cls(to)

    def file(self, table: str) -> Path:
        if table == "event" and (self.out / "data").is_dir():
            return max((self.out / "data").rglob("*.parquet"), key=lambda path: pq.read_metadata(path).num_rows)
        return self.out / PLACES.get(table, f"{table}.parquet")

    def rows(self, table: str) -> list[Row]:
        return pq.read_table(self.file(table)).to_pylist()

    def write(self, table: str, content: list[Row], schema: pa.Schema | None = None) -> None:
        """Write rows back, null or not; and the file's new hash."""
        columns: pa.Schema = schema if schema is not None else TABLES[table]
        free = pa.schema([field.with_nullable(True) for field in columns])
        path = self.file(table)
        pq.write_table(pa.Table.from_pylist(content, free), path)
        self.rehash(path)

    def rehash(self, path: Path) -> None:
        paper = next(self.out / told for told in ("run.json", "import.json") if (self.out / told).is_file())
        document = json.loads(paper.read_text())
        name = path.relative_to(self.out).as_posix()
        if name in document["files"]:
            sha256 = hash_file(path)
            document["files"][name] = sha256 if paper.name == "run.json" else {"sha256": sha256}
            paper.write_text(json.dumps(document))

    def change(self, table: str, wanted: Callable[[Row], bool], **values: Any) -> Row:
        """Change the first row that is wanted. Returns the primary key that it has now."""
        content = self.rows(table)
        row = next(row for row in content if wanted(row))
        row.update(values)
        self.write(table, content)
        return {name: row[name] for name in primary_key(TABLES[table])}
