"""Two tests that features know nothing of the future, run on the tables of a finished run or of a feature request.

1. *Deletion*: features computed after everything that became available later is deleted are byte-identical.
2. *Shuffling*: with the later rows given one another's facts, and all rows in another order, they are too.

Both are done for the cohort asked for, and for each patient as of the middle of the own history, where there is more
later on to leak. What is known of a person is cut too: a later death is deleted, observation ends with the prediction.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ..nlp.tables import FEATURE
from .database import BATCH_ROWS, Database, value
from .features import compute_features, load_analyses
from .run_folder import RunFolder
from .sql import read_sql

_KEPT_APART = ("event", "note", "person", "observation_period")
_COHORT = "row_id, subject_id, prediction_time, observation_start, observation_end"


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
    run = RunFolder.open(out)
    if not run.files("event"):
        return []  # a run without events has nothing that could leak
    database = run.connect()
    try:
        load_analyses(database, run.end_day)
        return leak_checks(database, "the run's cohort")
    finally:
        database.close()


def leak_checks(database: Database, name: str) -> list[LeakCheck]:
    """Run the tests on the tables of a database after `load_analyses`. They change what `cohort`, `event` and the
    other tables stand for, so this is the last use of the database.
    """
    for table in ("cohort", *_KEPT_APART):
        database.execute(f"CREATE TABLE all_{table} AS SELECT * FROM {table}")
        _drop(database, table)
    checks = _check(database, name, f"SELECT {_COHORT} FROM all_cohort")
    empty = "CAST(NULL AS TIMESTAMP) AS observation_start, CAST(NULL AS TIMESTAMP) AS observation_end"
    return checks + _check(database, "mid-history", f"SELECT *, {empty} FROM ({read_sql('mid_history_cohort')})")


def _drop(database: Database, name: str) -> None:
    kind = "VIEW" if value(
        database, "SELECT count(*) > 0 FROM duckdb_views() WHERE view_name = ? AND NOT internal", [name]
    ) else "TABLE"  # fmt: skip
    database.execute(f"DROP {kind} {name}")


def _check(database: Database, cohort: str, query: str) -> list[LeakCheck]:
    database.execute(f"CREATE OR REPLACE TABLE asked AS {query}")
    _use(database, "asked", "all")
    compute_features(database, "expected")
    expected = _bytes(database, "expected")
    # every cohort row gets a copy of its patient's rows of its own, so that what is later can differ by row
    database.execute(
        "CREATE OR REPLACE TABLE by_row AS SELECT row_id, row_id AS subject_id, prediction_time, observation_start, "
        "least(observation_end, prediction_time) AS observation_end FROM asked"
    )
    for name in _KEPT_APART:
        database.execute(
            f"CREATE OR REPLACE TABLE own_{name} AS "
            f"SELECT a.row_id AS subject_id, a.prediction_time, x.* EXCLUDE (subject_id) "
            f"FROM asked a JOIN all_{name} x ON x.subject_id = a.subject_id"
        )
    later = sum(
        value(database, f"SELECT count(*) FROM own_{name} WHERE available_time > prediction_time")
        for name in ("event", "note")
    )
    for name in ("person", "observation_period"):
        database.execute(f"CREATE OR REPLACE TABLE changed_{name} AS {read_sql(f'leak_delete_{name}')}")
    rows, features = value(database, "SELECT count(*) FROM asked"), value(database, "SELECT count(*) FROM expected")
    checks = []
    for name, file in (("deletion", "leak_delete"), ("shuffling", "leak_shuffle")):
        for table in ("event", "note"):
            database.execute(f"CREATE OR REPLACE TABLE changed_{table} AS {read_sql(f'{file}_{table}')}")
        _use(database, "by_row", "changed")
        compute_features(database, "found")
        checks.append(LeakCheck(name, cohort, rows, features, later, _bytes(database, "found") == expected))
    return checks


def _use(database: Database, cohort: str, prefix: str) -> None:
    database.execute(f"CREATE OR REPLACE VIEW cohort AS SELECT * FROM {cohort}")
    for name in _KEPT_APART:
        database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {prefix}_{name}")


class _Digest(io.RawIOBase):
    """A file that keeps nothing but the hash of what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.sha256.update(data)
        return memoryview(data).nbytes


def _bytes(database: Database, table: str) -> str:
    """sha256 of the features as a Parquet file."""
    digest = _Digest()
    reader = database.sql(f"SELECT * FROM {table} ORDER BY row_id, covariate_id").to_arrow_reader(BATCH_ROWS)
    with pq.ParquetWriter(digest, FEATURE, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch.cast(FEATURE))
    return digest.sha256.hexdigest()
