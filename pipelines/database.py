"""DuckDB as the pipeline uses it: in memory, deterministic, and without leaving results half read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

BATCH_ROWS = 122_880
Database = duckdb.DuckDBPyConnection


def connect(spill: Path | None = None) -> Database:
    """An in-memory database. What outgrows memory is spilled to `spill`: tables of codes, never of text."""
    database = duckdb.connect(":memory:")
    database.execute("SET TimeZone = 'UTC'")
    database.execute("SET enable_progress_bar = false")
    database.execute("SET autoinstall_known_extensions = false")
    if spill is not None:
        spill.mkdir(parents=True, exist_ok=True)
        database.execute(f"SET temp_directory = {quoted(spill)}")
    return database


def literal(text: str) -> str:
    """A text as SQL.

    >>> literal("5' nucleotidase")
    "'5'' nucleotidase'"
    """
    return "'" + text.replace("'", "''") + "'"


def quoted(path: Path) -> str:
    """A path as an SQL string."""
    return literal(str(path))


def batches(database: Database, query: str) -> Iterator[pa.RecordBatch]:
    """Result of a query, batch by batch."""
    yield from database.sql(query).to_arrow_reader(BATCH_ROWS)


def value(database: Database, query: str, parameters: Sequence[object] = ()) -> Any:
    """First cell of the result; None if there is no row."""
    rows = database.execute(query, list(parameters)).fetchall()
    return rows[0][0] if rows else None


def put(database: Database, name: str, table: pa.Table) -> None:
    """Copy an Arrow table into the database."""
    database.register("incoming", table)
    database.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
    database.unregister("incoming")
