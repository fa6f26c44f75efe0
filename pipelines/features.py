"""Features of a cohort, from the SQL that the run, the leak tests and `phenotext features` share.

The rows of the cohort are taken part by part, each part of as many rows as join about `PART_EVENTS` events: memory
stays bounded whatever the number of events, and the parts, written one after the other, are in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from ..nlp.tables import FEATURE, OBSERVATION_PERIOD, PERSON, ROLLUP
from .analysis_choice import AnalysisChoice
from .database import Database, batches, put, value
from .registry import read_registry
from .sql import read_sql

PART_EVENTS = 4_000_000
DEMOGRAPHIC_CONCEPTS = Path(__file__).parent / "data" / "demographic_concepts.csv"
_ALWAYS = ("concept_feature", "volume_feature")
_OPTIONAL = {
    "rollup": "rollup_feature",
    "person": "demographic_feature",
    "observation_period": "demographic_feature",
    "given_feature": "given_feature",
}


def load_analyses(database: Database, end_day: int, choice: AnalysisChoice | None = None) -> None:
    """Tables `analysis`, `horizon` and `demographic_concept`; those of `_OPTIONAL` without rows where there are none.

    `choice` names the analyses that are wanted, all by default. Note volume is always there.
    """
    registry = read_registry()
    if choice is not None:
        volume = [series == "volume" for series in registry.column("series").to_pylist()]
        registry = registry.filter(choice.mask(registry.column("analysis_id"), volume))
    put(database, "analysis", registry)
    tables = {"rollup": ROLLUP, "person": PERSON, "observation_period": OBSERVATION_PERIOD, "given_feature": FEATURE}
    put(database, "demographic_concept", csv.read_csv(DEMOGRAPHIC_CONCEPTS))
    for name, schema in tables.items():
        if not has_table(database, name):
            put(database, name, schema.empty_table())
    database.execute("CREATE OR REPLACE TABLE horizon AS SELECT CAST(? AS INTEGER) AS end_day", [end_day])


def has_table(database: Database, name: str) -> bool:
    """Whether there is a table or view of this name."""
    return value(database, "SELECT count(*) > 0 FROM information_schema.tables WHERE table_name = ?", [name])


def feature_batches(database: Database, part_events: int = PART_EVENTS) -> Iterator[pa.RecordBatch]:
    """Feature rows of `cohort`, ordered by row_id and covariate_id; see the SQL files for the tables that are read.

    Until the last batch is taken, the database must not be used for anything else.
    """
    for query in _parts(database, part_events):
        yield from batches(database, f"{query} ORDER BY row_id, covariate_id")


def compute_features(database: Database, table: str = "feature", part_events: int = PART_EVENTS) -> None:
    """The same rows as a table of the database, in no order."""
    database.execute(f"CREATE OR REPLACE TABLE {table} (row_id BIGINT, covariate_id BIGINT, covariate_value DOUBLE)")
    for query in _parts(database, part_events):
        database.execute(f"INSERT INTO {table} {query}")


def _parts(database: Database, part_events: int) -> Iterator[str]:
    """A query for each part of the cohort, in order; what it reads stands until the next is asked for."""
    wanted = [*_ALWAYS]
    for table, name in _OPTIONAL.items():
        if name not in wanted and value(database, f"SELECT count(*) > 0 FROM (SELECT 1 FROM {table} LIMIT 1)"):
            wanted.append(name)
    observed = _has_column(database, "cohort", "observation_start")
    if observed and "demographic_feature" not in wanted and value(
        database, "SELECT count(observation_start) > 0 FROM cohort"
    ):  # fmt: skip
        wanted.append("demographic_feature")
    database.execute("CREATE OR REPLACE TEMP TABLE part_size AS SELECT CAST(? AS BIGINT) AS events", [part_events])
    for first, last in database.execute(read_sql("feature_parts")).fetchall():
        with _part(database, first, last, observed):
            names = list(wanted)
            if value(database, "SELECT count(numeric_value) > 0 FROM known_event"):
                names.append("value_feature")
            yield " UNION ALL ".join(f"(SELECT * FROM ({read_sql(name)}))" for name in names)


@contextmanager
def _part(database: Database, first: int, last: int, observed: bool) -> Iterator[None]:
    tables = ("cohort_part", "known_event", "known_note")
    start = "observation_start" if observed else "CAST(NULL AS TIMESTAMP)"
    database.execute(
        "CREATE OR REPLACE TEMP TABLE cohort_part AS "
        f"SELECT row_id, subject_id, prediction_time, {start} AS observation_start "
        "FROM cohort WHERE row_id BETWEEN ? AND ?",
        [first, last],
    )
    for name in tables[1:]:
        database.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {read_sql(name)}")
    try:
        yield
    finally:
        for name in tables:
            database.execute(f"DROP TABLE IF EXISTS {name}")


def _has_column(database: Database, table: str, column: str) -> bool:
    return any(row[0] == column for row in database.execute(f"DESCRIBE {table}").fetchall())
