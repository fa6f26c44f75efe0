"""Features of a cohort, from the SQL that the run and the leak tests share."""

from __future__ import annotations

from .database import Database, put, value
from .registry import read_registry
from .sql import read_sql


def load_analyses(database: Database, end_day: int) -> None:
    """Tables `analysis` and `horizon`, and `rollup` without rows where there is none."""
    put(database, "analysis", read_registry())
    database.execute(
        "CREATE TABLE IF NOT EXISTS rollup (rollup_base_concept_id BIGINT, member_base_concept_id BIGINT)"
    )
    database.execute("CREATE OR REPLACE TABLE horizon AS SELECT CAST(? AS INTEGER) AS end_day", [end_day])


def compute_features(database: Database, table: str = "feature") -> None:
    """Table `feature` from `cohort`, `event`, `note`, `rollup`, `analysis` and `horizon`."""
    database.execute(f"CREATE OR REPLACE TABLE {table} AS {read_sql('feature')}")
    if value(database, "SELECT count(*) FROM rollup"):
        database.execute(f"INSERT INTO {table} {read_sql('rollup_feature')}")
