"""Persons, periods of observation and visits with the numbers of the tables, in place of the source's own ids."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from ...nlp.tables import OBSERVATION_PERIOD, PERSON
from ..database import Database, literal, put, value
from ..ids import Identifier
from ..readers import BadRow
from ..sql import read_sql

VISIT = pa.schema(
    [
        pa.field("visit_id", pa.int64(), nullable=False, metadata={"description": "encounter or claim"}),
        pa.field("subject_id", pa.int64(), nullable=False, metadata={"description": "patient"}),
        pa.field("visit_start", pa.timestamp("us"), metadata={"description": "first moment"}),
        pa.field("visit_end", pa.timestamp("us"), metadata={"description": "last moment"}),
        pa.field("visit_concept_id", pa.int64(), nullable=False, metadata={"description": "OMOP concept; 0 unknown"}),
        pa.field("run_id", pa.string(), nullable=False, metadata={"description": "the run that wrote the row"}),
    ],
    metadata={"table": "visit", "primary_key": "visit_id"},
)


@dataclass(slots=True)
class Numbered:
    """What numbering gave for the books: ids with their sources, and rows that could not be used."""

    ids: list[tuple[str, int, str]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def number_people(database: Database, key: bytes, run_id: str) -> Numbered:
    """Tables `subject` (person_id, subject_id), `visit` (visit_occurrence_id, visit_id), `person`, `visit_table` and
    `observation_period`, the latter three in the schemas of the tables. Needs `claims_row` and the relations of
    persons."""
    numbered = Numbered()
    if not value(database, "SELECT complete FROM people_complete LIMIT 1"):
        # nobody lists the persons: their ids in the facts are the patient ids, and those of who was only enrolled too
        database.execute(
            "INSERT INTO known_person SELECT DISTINCT person_id, person_id FROM ("
            "SELECT person_id FROM claims_row UNION ALL SELECT person_id FROM period_row WHERE person_id IS NOT NULL"
            ") WHERE person_id NOT IN (SELECT person_id FROM known_person)"
        )
    pairs = database.execute("SELECT DISTINCT person_id, source_id FROM known_person ORDER BY ALL").fetchall()
    numbers = _numbers("patient", pairs, key, numbered)
    table = pa.table({"person_id": pa.array([one for one, _ in pairs], pa.string()), "subject_id": numbers})
    put(database, "subject_source", table)
    database.execute(
        "CREATE OR REPLACE TABLE subject AS "
        "SELECT person_id, min(subject_id) AS subject_id FROM subject_source GROUP BY person_id"
    )
    pairs = database.execute(
        "SELECT visit_occurrence_id, min(source_id) FROM visit_row GROUP BY 1 ORDER BY 1"
    ).fetchall()
    numbers = _numbers("visit", pairs, key, numbered)
    put(
        database,
        "visit",
        pa.table({"visit_occurrence_id": pa.array([one for one, _ in pairs], pa.string()), "visit_id": numbers}),
    )
    sites = [(one, one) for (one,) in database.execute(
        "SELECT DISTINCT site FROM person_row WHERE site IS NOT NULL ORDER BY site"
    ).fetchall()]  # fmt: skip
    numbers = _numbers("site", sites, key, numbered)
    put(database, "site", pa.table({"site": pa.array([one for one, _ in sites], pa.string()), "site_id": numbers}))
    for file, line, reason in database.execute(read_sql("claims_bad_period")).fetchall():
        numbered.bad.append(BadRow(file, line, reason))
    for name, schema in (("person", PERSON), ("observation_period", OBSERVATION_PERIOD), ("visit_table", VISIT)):
        rows = database.sql(read_sql(f"claims_{name}").format(run_id=literal(run_id))).to_arrow_table()
        put(database, name, rows.select(schema.names).cast(schema))
    return numbered


def _numbers(kind: str, pairs: list[tuple[str, str]], key: bytes, numbered: Numbered) -> pa.Array:
    identify = Identifier(kind, key)
    numbers = [identify(source) for _, source in pairs]
    numbered.ids.extend((kind, number, source) for number, (_, source) in zip(numbers, pairs))
    return pa.array(numbers, pa.int64())
