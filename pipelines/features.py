"""Features of a cohort, from the SQL that the run and the leak tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from .registry import read_registry
from .sql import read_sql

BATCH_ROWS = 122_880


def connect(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database. What outgrows memory is spilled to `spill`: tables of codes, never of text."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET autoinstall_known_extensions = false")
    if spill is not None:
        spill.mkdir(parents=True, exist_ok=True)
        connection.execute(f"SET temp_directory = '{str(spill).replace(chr(39), chr(39) * 2)}'")
    return connection


def load_analyses(connection: duckdb.DuckDBPyConnection, end_day: int) -> None:
    """Tables `analysis` and `horizon`."""
    connection.register("analysis_source", read_registry())
    connection.execute("CREATE OR REPLACE TABLE analysis AS SELECT * FROM analysis_source")
    connection.unregister("analysis_source")
    connection.execute("CREATE OR REPLACE TABLE horizon AS SELECT CAST(? AS INTEGER) AS end_day", [end_day])


def batches(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """Result of a query, batch by batch."""
    yield from connection.execute(query).to_arrow_reader(BATCH_ROWS)


def compute_features(connection: duckdb.DuckDBPyConnection, table: str = "feature") -> None:
    """Table `feature` from `cohort`, `event`, `note`, `analysis` and `horizon`."""
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {read_sql('feature')}")
