"""Score a run with a model: the tables score and score_evidence, and the probability as a feature (analysis 692).

Scoring again with a model of the same name and phenotype replaces what it wrote before. All that is written stands
outside the run's identity. run.json is brought up to date last, so that an interrupted scoring is noticed, and mended
by doing it again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...models.calibration import Calibration
from ...models.pack import ModelPack, open_pack
from ...models.registry import stage_of
from ...models.score_rows import EvidenceOptions, ScoredBy, ScoreTables, score_part, score_tables
from ...nlp.tables import SCORE, SCORE_EVIDENCE
from ..concepts import Registry, spelled_id
from ..database import batches, connect, put
from ..durable import exclusive, write_json, write_table
from ..errors import RunError
from ..plan import LOCK, RUN
from ..readers.corpus import hash_file
from ..run_folder import RunFolder
from ..sql import read_sql
from .patient_data import PatientSource, feature_registry
from .probability_feature import add_probability
from .ready_model import needs_of, same_notes, threshold_of


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """What `phenotext score` is asked for. `policy` None: the model's own; `out` None: into the run."""

    model: Path
    run: Path
    out: Path | None = None
    policy: str | None = None
    id_key: Path | None = None
    notes: Path | None = None
    options: EvidenceOptions = field(default_factory=EvidenceOptions)


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """What was written where: rows by status, how many are flagged, and the model's stage."""

    out: Path
    pack: ModelPack
    stage: str
    policy: str | None
    threshold: float | None
    status: dict[str, int]
    flagged: int
    evidence: int
    replaced: int
    trained_on_these: bool


def score_run(request: ScoreRequest) -> ScoreReport:
    """Score every cohort row of a run. Raises RunError or PackError for what the user can put right."""
    pack, run = open_pack(request.model), RunFolder.open(request.run)
    stage = stage_of(pack)
    if stage == "retired":
        raise RunError("the model is retired", where=str(request.model), remedy="score with one that is in use")
    pack.check_registry(feature_registry(run), run.end_day)
    policy, threshold = threshold_of(pack, request.policy)
    source = PatientSource.of_run(run, id_key=request.id_key, notes=request.notes)
    by = ScoredBy(
        model_name=pack.name,
        model_version=pack.manifest["version"],
        model_sha256=pack.sha256,
        phenotype_code=pack.manifest["phenotype_code"],
        base_concept_id=phenotype_concept(run, pack.manifest["phenotype_code"]),
        threshold=threshold,
        run_id=run.run_id,
    )
    tables = _scored(pack, run, source, by, request.options)
    out = request.out or run.path
    with exclusive(_made(out) / LOCK):
        before = _kept(out, by)
        evidence = _with_mention_ids(run, tables)
        _write(out, "score", SCORE, [before[0], tables.score], "score_id")
        _write(out, "score_evidence", SCORE_EVIDENCE, [before[1], evidence], "score_id, rank")
        if request.out is None:
            probability_files = add_probability(run, tables.score, pack.manifest["phenotype_name"])
            _update_run_document(run, pack, ["score.parquet", "score_evidence.parquet", *probability_files])
    flagged = sum(value is True for value in tables.score.column("flagged").to_pylist())
    status = dict(sorted(Counter(tables.score.column("status").to_pylist()).items()))
    return ScoreReport(
        out=out,
        pack=pack,
        stage=stage,
        policy=policy,
        threshold=threshold,
        status=status,
        flagged=flagged,
        evidence=evidence.num_rows,
        replaced=before[2],
        trained_on_these=same_notes(pack, run),
    )


def _made(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot be written ({error.strerror})", where=str(out)) from None
    return out


def phenotype_concept(run: RunFolder, phenotype_code: str) -> int:
    """base_concept_id of VOCAB/CODE in the run's terminology; else the number that spells the code."""
    vocabulary, _, code = phenotype_code.partition("/")
    number = Registry(run.terminology()).find(vocabulary, code) or spelled_id(vocabulary, code)
    if not number:
        raise RunError(
            "the phenotype's code is not in the run's terminology, and its vocabulary has no numbers of its own",
            where=phenotype_code,
            remedy="train with a code of the terminology, such as SNOMED/44054006",
        )
    return number


def _scored(
    pack: ModelPack, run: RunFolder, source: PatientSource, by: ScoredBy, options: EvidenceOptions
) -> ScoreTables:
    model, calibration = pack.model(), Calibration.from_json(pack.calibration)
    parts = [
        score_part(model, calibration.probability, data, by.threshold, options)
        for data in source.parts(needs_of(model))
    ]
    reference = run.table("covariate_ref")
    names = reference.column("feature_name").to_pylist()
    ids = dict(zip(names, reference.column("covariate_id").to_pylist(), strict=True))
    return score_tables(parts, by, ids, options)


def _kept(out: Path, by: ScoredBy) -> tuple[pa.Table, pa.Table, int]:
    """Rows of other models that stand there, and how many of this one are replaced."""
    folder = RunFolder(out, {}, {})
    score, evidence = folder.table("score"), folder.table("score_evidence")
    names = zip(score.column("model_name").to_pylist(), score.column("phenotype_code").to_pylist(), strict=True)
    other = [name != (by.model_name, by.phenotype_code) for name in names]
    others = score.filter(pa.array(other, pa.bool_()))
    ids = set(others.column("score_id").to_pylist())
    kept = evidence.filter(pa.array([number in ids for number in evidence.column("score_id").to_pylist()], pa.bool_()))
    return others, kept, score.num_rows - others.num_rows


def _with_mention_ids(run: RunFolder, tables: ScoreTables) -> pa.Table:
    """score_evidence with the mentions: in a passage the one nearest to its strongest word, of a feature the latest
    that it counted."""
    at, note, start, end = ([], [], [], [])
    for place, focus in enumerate(tables.focus):
        if focus is not None:
            for column, number in zip((at, note, start, end), (place, *focus), strict=True):
                column.append(number)
    if not tables.evidence.num_rows:
        return tables.evidence
    numbers = pa.int64()
    database = run.connect()
    try:
        put(database, "focus", pa.table(
            {"place": pa.array(at, numbers), "note_id": pa.array(note, numbers), "first": pa.array(start, numbers),
             "last": pa.array(end, numbers)}
        ))  # fmt: skip
        basis = tables.evidence.append_column("place", pa.array(range(tables.evidence.num_rows), numbers))
        put(database, "basis", basis)
        put(database, "scored", tables.score.select(["score_id", "row_id", "subject_id", "prediction_time"]))
        database.execute(f"CREATE OR REPLACE TABLE horizon AS SELECT CAST({run.end_day} AS INTEGER) AS end_day")
        return database.sql(read_sql("score_mention")).to_arrow_table().cast(SCORE_EVIDENCE)
    finally:
        database.close()


def _write(out: Path, name: str, schema: pa.Schema, parts: list[pa.Table], order: str) -> None:
    database = connect()
    try:
        put(database, "parts", pa.concat_tables(parts))
        write_table(out / f"{name}.parquet", schema, batches(database, f"SELECT * FROM parts ORDER BY {order}"))
    finally:
        database.close()


def _update_run_document(run: RunFolder, pack: ModelPack, written: list[str]) -> None:
    """run.json: the new hashes, and which model scored which phenotype. Its identity stays."""
    entry = {
        "phenotype_code": pack.manifest["phenotype_code"],
        "model_name": pack.name,
        "model_version": pack.manifest["version"],
        "model_sha256": pack.sha256,
    }
    before: list[dict[str, Any]] = run.document.get("scores", [])
    # the last to score a phenotype stands last: its probability is the feature
    others = [item for item in before if (item["phenotype_code"], item["model_name"]) != tuple(entry.values())[:2]]
    files = {**run.document["files"], **{name: hash_file(run.path / name) for name in written}}
    write_json(run.path / RUN, {**run.document, "files": files, "scores": [*others, entry]})
