"""Features of a cohort, from the SQL that the run and the leak tests share."""

from __future__ import annotations

from .database import Database, put
from .registry import read_registry
from .sql import read_sql


def load_analyses(database: Database, end_day: int) -> None:
    """Tables `analysis` and `horizon`."""
    put(database, "analysis", read_registry())
    database.execute("CREATE OR REPLACE TABLE horizon AS SELECT CAST(? AS INTEGER) AS end_day", [end_day])


def compute_features(database: Database, table: str = "feature") -> None:
    """Table `feature` from `cohort`, `event`, `note`, `analysis` and `horizon`."""
    database.execute(f"CREATE OR REPLACE TABLE {table} AS {read_sql('feature')}")
