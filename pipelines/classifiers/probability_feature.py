"""The calibrated probability of a classifier as a feature of the run: analysis 692 of the registry."""

from __future__ import annotations

import re

import pyarrow as pa

from ...nlp.tables import ANALYSIS_REF, COVARIATE_REF, FEATURE
from ..database import batches, put
from ..durable import write_table
from ..registry import read_registry
from ..run_folder import RunFolder

ANALYSIS = 692


def add_probability(run: RunFolder, score: pa.Table, phenotype_name: str) -> list[str]:
    """Put the probabilities of `score` (one model's rows) into feature, covariate_ref and analysis_ref.

    Rows that stand there for the phenotype are replaced: a row has one probability of a phenotype, that of the model
    which scored last. Returns the names of the files written.
    """
    if not score.num_rows:
        return []
    known = [value is not None for value in score.column("probability").to_pylist()]
    scored = score.filter(pa.array(known, pa.bool_()))
    phenotype_code: str = score.column("phenotype_code")[0].as_py()
    covariate_id: int = score.column("base_concept_id")[0].as_py() * 1000 + ANALYSIS
    fresh = pa.table(
        {
            "row_id": scored.column("row_id"),
            "covariate_id": pa.repeat(pa.scalar(covariate_id, pa.int64()), scored.num_rows),
            "covariate_value": scored.column("probability"),
        }
    )
    database = run.connect()
    try:
        put(database, "fresh", fresh)
        put(database, "covariate", _reference(covariate_id, phenotype_code, phenotype_name))
        put(database, "analysis", _analysis(run.end_day))
        for name, schema, query in (
            (
                "feature",
                FEATURE,
                f"SELECT * FROM feature WHERE covariate_id <> {covariate_id} UNION ALL SELECT * FROM fresh "
                "ORDER BY row_id, covariate_id",
            ),
            (
                "covariate_ref",
                COVARIATE_REF,
                f"SELECT * FROM covariate_ref WHERE covariate_id <> {covariate_id} "
                "UNION ALL BY NAME SELECT * FROM covariate ORDER BY covariate_id",
            ),
            (
                "analysis_ref",
                ANALYSIS_REF,
                f"SELECT * FROM analysis_ref WHERE analysis_id <> {ANALYSIS} "
                "UNION ALL BY NAME SELECT * FROM analysis ORDER BY analysis_id",
            ),
        ):
            write_table(run.path / f"{name}.parquet", schema, batches(database, query))
    finally:
        database.close()
    return ["feature.parquet", "covariate_ref.parquet", "analysis_ref.parquet"]


def _registered() -> dict[str, object]:
    return next(row for row in read_registry().to_pylist() if row["analysis_id"] == ANALYSIS)


def _analysis(end_day: int) -> pa.Table:
    row = {**_registered(), "end_day": end_day}
    return pa.Table.from_pylist([{name: row[name] for name in ANALYSIS_REF.names}], ANALYSIS_REF)


def _reference(covariate_id: int, phenotype_code: str, phenotype_name: str) -> pa.Table:
    analysis = _registered()
    word = re.sub(r"[^a-z0-9]+", "_", phenotype_code.lower())
    row = {
        "covariate_id": covariate_id,
        "covariate_name": f"{analysis['analysis_name']}: {phenotype_name}",
        "analysis_id": ANALYSIS,
        "concept_id": covariate_id // 1000,
        "feature_name": str(analysis["feature_name"]).replace("CODE", word),
        "code": phenotype_code,
        **{name: analysis[name] for name in ("assertion", "source", "window", "agg")},
    }
    return pa.Table.from_pylist([row], COVARIATE_REF)
