"""The columns of a feature matrix, frozen or from the run, and its cells as numbered triples.

Columns are joined by feature_name, which is the same at every site; ids need not be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..database import Database, put, value
from ..errors import RunError
from ..run_folder import RunFolder
from .ledger import Ledger

COLUMNS_FORMAT = "phenotext-columns/1"
_BATCH = 122_880


@dataclass(frozen=True, slots=True)
class Columns:
    """Feature names in order, with what each counts (`agg`) and whether an empty cell means zero."""

    names: tuple[str, ...]
    aggs: tuple[str, ...]
    zero_if_missing: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.names)


def run_columns(run: RunFolder, database: Database, sources: tuple[str, ...]) -> Columns:
    """The features of a run in order of their names; of some sources only, where any are given.

    Raises RunError where two features have one name, or a source has none.
    """
    twice = database.execute(
        "SELECT feature_name FROM covariate_ref GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 3"
    ).fetchall()
    if twice:
        names = ", ".join(name for (name,) in twice)
        raise RunError(f"two features have one name ({names})", where=str(run.path), remedy="run again")
    known = [name for (name,) in database.execute("SELECT DISTINCT source FROM covariate_ref ORDER BY 1").fetchall()]
    unknown = [name for name in sources if name not in known]
    if unknown:
        raise RunError(
            f"no features of source {', '.join(unknown)}",
            where=str(run.path),
            remedy=f"use {', '.join(known) or 'none'}",
        )
    rows = database.execute(
        "SELECT r.feature_name, r.agg, coalesce(a.missing_means_zero, 'Y') = 'Y' FROM covariate_ref r "
        "LEFT JOIN analysis_ref a USING (analysis_id) WHERE len(?) = 0 OR r.source IN (SELECT unnest(?)) "
        "ORDER BY r.feature_name",
        [list(sources), list(sources)],
    ).fetchall()
    names, aggs, zeros = zip(*rows) if rows else ((), (), ())
    return Columns(tuple(names), tuple(aggs), tuple(zeros))


def columns_document(run: RunFolder, columns: Columns, end_day: int) -> dict[str, Any]:
    """What is frozen beside a model: the columns, and what must be the same when patients are scored."""
    return {
        "format": COLUMNS_FORMAT,
        "run_id": run.run_id,
        **_must_agree(run, end_day),
        "columns": [
            {"feature_name": name, "agg": agg, "missing_means_zero": zero}
            for name, agg, zero in zip(columns.names, columns.aggs, columns.zero_if_missing)
        ],
    }


def _must_agree(run: RunFolder, end_day: int) -> dict[str, Any]:
    identity = run.document.get("identity", {})
    return {
        "registry_sha256": identity.get("terminology", {}).get("registry_sha256"),
        "analysis_registry": identity.get("analysis_registry"),
        "end_day": end_day,
    }


def frozen_columns(path: Path, run: RunFolder, end_day: int) -> Columns:
    """Columns from a file of `columns_document`.

    Raises RunError for a file that is none, and where the run numbers concepts or counts days in another way than the
    run that the columns are of: the same name would then mean something else.
    """
    try:
        document = json.loads(path.read_bytes())
        entries = document["columns"]
        columns = Columns(
            tuple(str(entry["feature_name"]) for entry in entries),
            tuple(str(entry["agg"]) for entry in entries),
            tuple(bool(entry["missing_means_zero"]) for entry in entries),
        )
        told = document["format"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(
            "is no file of frozen columns", where=str(path), remedy="give the columns.json of `phenotext export matrix`"
        ) from None
    if told != COLUMNS_FORMAT or len(set(columns.names)) != len(columns):
        raise RunError("is no list of columns that can be read", where=str(path), remedy=f"format {COLUMNS_FORMAT}")
    for name, ours in _must_agree(run, end_day).items():
        if document.get(name) != ours:
            raise RunError(
                f"{name} of the columns and of the run differ, so the same name may mean something else",
                where=str(path),
                remedy="run with the terminology, the version and --end-day of the run that trained the model",
            )
    return columns


def match_columns(run: RunFolder, database: Database, columns: Columns, frozen: bool, ledger: Ledger) -> None:
    """Table `column_place` (covariate_id, place), and in the books what the run lacks and has too much."""
    place = pa.table(
        {"feature_name": pa.array(columns.names, pa.string()), "place": pa.array(range(len(columns)), pa.int32())}
    )
    put(database, "column_name", place)
    database.execute(
        "CREATE OR REPLACE TABLE column_place AS "
        "SELECT r.covariate_id, n.place FROM covariate_ref r JOIN column_name n USING (feature_name)"
    )
    database.execute(
        "CREATE OR REPLACE TABLE row_place AS "
        "SELECT row_id, CAST(row_number() OVER (ORDER BY row_id) - 1 AS BIGINT) AS place FROM cohort"
    )
    found = value(database, "SELECT count(*) FROM column_place")
    ledger.remarks["columns"] = len(columns)
    if frozen:
        ledger.remarks["columns_missing_in_run"] = len(columns) - found
    extra = value(database, "SELECT count(*) FROM covariate_ref") - found
    ledger.withhold("column_not_in_frozen_list" if frozen else "column_of_another_source", extra)
    cells = value(
        database,
        "SELECT count(*) FROM feature WHERE covariate_id NOT IN (SELECT covariate_id FROM column_place)",
    )
    ledger.withhold("cell_of_dropped_column", cells)
    lost = value(database, "SELECT count(*) FROM feature WHERE row_id NOT IN (SELECT row_id FROM cohort)")
    if lost:
        raise RunError(f"{lost} feature rows belong to no cohort row", where=str(run.path), remedy="run again")


def cells(database: Database) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Row places [n] int64, column places [n] int32 and values [n] float64, in order of row and column, in batches."""
    query = (
        "SELECT r.place AS row_place, c.place AS column_place, f.covariate_value AS cell "
        "FROM feature f JOIN row_place r USING (row_id) JOIN column_place c USING (covariate_id) ORDER BY 1, 2"
    )
    for batch in database.sql(query).to_arrow_reader(_BATCH):
        yield (
            batch.column(0).to_numpy(zero_copy_only=False),
            batch.column(1).to_numpy(zero_copy_only=False).astype(np.int32),
            batch.column(2).to_numpy(zero_copy_only=False),
        )


def row_count(database: Database) -> int:
    """Rows of the matrix: those of the cohort, whether they have features or not."""
    return value(database, "SELECT count(*) FROM cohort")


ROWS_QUERY = "SELECT * FROM cohort ORDER BY row_id"
