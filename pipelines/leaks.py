"""Two tests that features know nothing of the future, run on the tables of a finished run.

1. *Deletion*: features computed after everything that became available later is deleted are byte-identical.
2. *Shuffling*: with the later rows given one another's facts, and all rows in another order, they are too.

Both are done for the run's own cohort, and for each patient as of the middle of the own history, where there is more
later on to leak.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from .database import Database, connect, quoted, value
from .errors import RunError
from .features import compute_features, load_analyses
from .plan import RUN, finished_run
from .sql import read_sql


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """Outcome of one test: `later_rows` is what could have leaked."""

    name: str
    cohort: str
    rows: int
    features: int
    later_rows: int
    identical: bool


def check_leaks(out: Path) -> list[LeakCheck]:
    """Run the tests on the run in `out`. Raises RunError if there is no finished run."""
    document = finished_run(out) if out.is_dir() else None
    if document is None:
        raise RunError(
            f"no finished run here (no {RUN})", where=str(out), remedy="name the --out folder of `phenotext run`"
        )
    if not any((out / "data").rglob("*.parquet")):
        return []  # a run without events has nothing that could leak
    database = connect()
    try:
        for name, path in (("all_event", out / "data" / "*" / "*.parquet"), ("all_note", out / "note.parquet")):
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet({quoted(path)})")
        if (out / "rollup.parquet").is_file():
            database.execute(f"CREATE TABLE rollup AS SELECT * FROM read_parquet({quoted(out / 'rollup.parquet')})")
        load_analyses(database, document["identity"]["options"]["end_day"])
        own = f"SELECT row_id, subject_id, prediction_time FROM read_parquet({quoted(out / 'cohort.parquet')})"
        checks = _check(database, "the run's cohort", own)
        checks += _check(database, "mid-history", read_sql("mid_history_cohort"))
        return checks
    finally:
        database.close()


def _check(database: Database, cohort: str, query: str) -> list[LeakCheck]:
    database.execute(f"CREATE OR REPLACE TABLE asked AS {query}")
    _use(database, "asked", "all_event", "all_note")
    compute_features(database, "expected")
    expected = _bytes(database, "expected")
    # every cohort row gets a copy of its patient's rows of its own, so that what is later can differ by row
    database.execute(
        "CREATE OR REPLACE TABLE by_row AS SELECT row_id, row_id AS subject_id, prediction_time FROM asked"
    )
    for name in ("event", "note"):
        database.execute(
            f"CREATE OR REPLACE TABLE own_{name} AS "
            f"SELECT a.row_id AS subject_id, a.prediction_time, x.* EXCLUDE (subject_id) "
            f"FROM asked a JOIN all_{name} x ON x.subject_id = a.subject_id"
        )
    later = sum(
        value(database, f"SELECT count(*) FROM own_{name} WHERE available_time > prediction_time")
        for name in ("event", "note")
    )
    rows, features = value(database, "SELECT count(*) FROM asked"), value(database, "SELECT count(*) FROM expected")
    checks = []
    for name, file in (("deletion", "leak_delete"), ("shuffling", "leak_shuffle")):
        for table in ("event", "note"):
            database.execute(f"CREATE OR REPLACE TABLE changed_{table} AS {read_sql(f'{file}_{table}')}")
        _use(database, "by_row", "changed_event", "changed_note")
        compute_features(database, "found")
        checks.append(LeakCheck(name, cohort, rows, features, later, _bytes(database, "found") == expected))
    return checks


def _use(database: Database, cohort: str, event: str, note: str) -> None:
    for name, table in (("cohort", cohort), ("event", event), ("note", note)):
        database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {table}")


def _bytes(database: Database, table: str) -> str:
    """sha256 of the features as a Parquet file."""
    rows = database.sql(f"SELECT * FROM {table} ORDER BY row_id, covariate_id").to_arrow_table()
    buffer = io.BytesIO()
    pq.write_table(rows.combine_chunks(), buffer, compression="zstd")
    return hashlib.sha256(buffer.getvalue()).hexdigest()
