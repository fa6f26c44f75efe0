"""Claims in OMOP tables -> events that meet the notes' concepts.

A code is mapped in this order: through the terminology's maps, where it has any of the code's vocabulary (several
concepts give several rows); a code of the terminology itself to its concept; ICD-10-CM, where the terminology has no
maps of it, through the project's table to the SNOMED concept that notes use too; else the concept id that the source
gives; else the code keeps a number of its own. What was not mapped stays in `event` and is counted, by vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..nlp.tables import EVENT
from .claims_source import load_source, source_columns
from .claims_tables import AVAILABLE, CLAIMS_TABLES, ClaimsTable, find_table
from .code_targets import CodeTargets, UnmappedCodes
from .concepts import Concept, Registry, spelled_id
from .database import Database, put, value
from .errors import RunError
from .ids import Identifier
from .mappings import read_mapping
from .readers import BadRow
from .source_codes import vocabulary_and_code
from .sql import read_sql
from .worker import event_id

_CODE_SCHEMA = pa.schema(
    [
        ("domain", pa.string()),
        ("source_value", pa.string()),
        ("source_concept_id", pa.int64()),
        ("code", pa.string()),
        ("name", pa.string()),
        ("parent", pa.string()),
        ("base_concept_id", pa.int64()),
    ]
)


@dataclass(slots=True)
class Claims:
    """What a claims folder gave: events (table `claims_event` of the database), and the rest for the run's books."""

    bad: list[BadRow] = field(default_factory=list)
    concepts: set[Concept] = field(default_factory=set)
    ids: list[tuple[str, int, str]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)


def no_claims(database: Database) -> Claims:
    """Empty tables in place of claims."""
    put(database, "claims_event", EVENT.empty_table())
    put(database, "claim_code", _CODE_SCHEMA.empty_table())
    return Claims()


def load_claims(
    database: Database, folder: Path, registry: Registry, key: bytes, claims_hours: int, run_id: str
) -> Claims:
    """Read the folder into the tables `claims_event` and `claim_code` of the database."""
    claims = Claims()
    subjects = _people(database, folder, claims, key)
    _visits(database, folder, claims, key)
    database.execute("CREATE TABLE lag AS SELECT CAST(? AS BIGINT) AS claims_hours", [claims_hours])
    database.execute(
        "CREATE TABLE claims_row (file VARCHAR, domain VARCHAR, line BIGINT, person_id VARCHAR, "
        "clinical_time TIMESTAMP, available_time TIMESTAMP, source_concept_id BIGINT, source_value VARCHAR, "
        "type_concept_id BIGINT, "
        "visit_occurrence_id VARCHAR, numeric_value FLOAT, unit VARCHAR)"
    )
    for table in CLAIMS_TABLES:
        path = find_table(folder, table.name)
        if path is not None:
            _read_table(database, path, table, claims, subjects)
    if not subjects:  # no person table: person ids are the notes' patient ids
        _subjects_from_rows(database, claims, key)
    _codes(database, registry, claims)
    _events(database, claims, run_id)
    return claims


def _people(database: Database, folder: Path, claims: Claims, key: bytes) -> bool:
    path = find_table(folder, "person")
    pairs: list[tuple[str, str]] = []
    if path is not None:
        load_source(database, path)
        names = source_columns(database)
        if "person_id" not in names or "person_source_value" not in names:
            raise RunError(
                "no column person_id or person_source_value", where=path.name, remedy="add it, or take the file away"
            )
        pairs = database.execute(
            "SELECT DISTINCT trim(person_id), coalesce(nullif(trim(person_source_value), ''), trim(person_id)) "
            "FROM claims_source WHERE trim(person_id) <> '' ORDER BY ALL"
        ).fetchall()
    _subjects(database, claims, key, pairs)
    return path is not None


def _subjects(database: Database, claims: Claims, key: bytes, pairs: list[tuple[str, str]]) -> None:
    identify = Identifier("patient", key)
    numbers = [identify(source) for _, source in pairs]
    claims.ids.extend(("patient", number, source) for number, (_, source) in zip(numbers, pairs))
    table = pa.table(
        {
            "person_id": pa.array([person for person, _ in pairs], pa.string()),
            "subject_id": pa.array(numbers, pa.int64()),
        }
    )
    put(database, "subject_source", table)
    database.execute(
        "CREATE OR REPLACE TABLE subject AS "
        "SELECT person_id, min(subject_id) AS subject_id FROM subject_source GROUP BY person_id"
    )


def _subjects_from_rows(database: Database, claims: Claims, key: bytes) -> None:
    people = database.execute("SELECT DISTINCT person_id FROM claims_row ORDER BY ALL").fetchall()
    _subjects(database, claims, key, [(person, person) for (person,) in people])


def _visits(database: Database, folder: Path, claims: Claims, key: bytes) -> None:
    """Visits by the encounter id that notes use too, where the visit table has it."""
    path = find_table(folder, "visit_occurrence")
    pairs: list[tuple[str, str]] = []
    if path is not None:
        load_source(database, path)
        names = source_columns(database)
        if "visit_occurrence_id" in names:
            source = "nullif(trim(visit_source_value), '')" if "visit_source_value" in names else "NULL"
            pairs = database.execute(
                f"SELECT trim(visit_occurrence_id), min(coalesce({source}, trim(visit_occurrence_id))) "
                "FROM claims_source WHERE trim(visit_occurrence_id) <> '' GROUP BY 1 ORDER BY 1"
            ).fetchall()
    identify = Identifier("visit", key)
    numbers = [identify(source) for _, source in pairs]
    claims.ids.extend(("visit", number, source) for number, (_, source) in zip(numbers, pairs))
    visit_ids = pa.array([visit for visit, _ in pairs], pa.string())
    put(database, "visit", pa.table({"visit_occurrence_id": visit_ids, "visit_id": pa.array(numbers, pa.int64())}))


def _read_table(database: Database, path: Path, table: ClaimsTable, claims: Claims, subjects: bool) -> None:
    claims.bad.extend(BadRow(path.name, line, "wrong_cell_count") for line in load_source(database, path))
    names = source_columns(database)

    def column(*candidates: str) -> str:
        return next((f'"{name}"' for name in candidates if name in names), "CAST(NULL AS VARCHAR)")

    if "person_id" not in names or not {f"{table.start}_date", f"{table.start}_datetime"} & names:
        raise RunError(
            f"no column person_id, or none of {table.start}_date and {table.start}_datetime",
            where=path.name,
            remedy="name the columns as the OMOP CDM does",
        )
    query = read_sql("claims_rows").format(
        person="person_id",
        start_datetime=column(f"{table.start}_datetime"),
        start_date=column(f"{table.start}_date"),
        available=column(*AVAILABLE),
        concept=column(f"{table.prefix}_concept_id"),
        source_value=column(f"{table.prefix}_source_value"),
        type_concept=column(f"{table.prefix}_type_concept_id"),
        visit=column("visit_occurrence_id"),
        value=column("value_as_number"),
        unit=column("unit_source_value"),
    )
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE checked AS SELECT q.*, {_reason(subjects)} AS reason FROM ({query}) q"
    )
    for line, reason in database.execute(
        "SELECT line, reason FROM checked WHERE reason IS NOT NULL ORDER BY line"
    ).fetchall():
        claims.bad.append(BadRow(path.name, line, reason))
    unread = value(
        database,
        "SELECT count(*) FROM checked WHERE reason IS NULL AND available_time IS NULL AND available_text IS NOT NULL",
    )
    claims.counts["unread_available_times"] = claims.counts.get("unread_available_times", 0) + unread
    database.execute(
        "INSERT INTO claims_row SELECT ?, ?, line, person_id, clinical_time, available_time, source_concept_id, "
        "source_value, type_concept_id, visit_occurrence_id, numeric_value, unit FROM checked WHERE reason IS NULL "
        "ORDER BY line",
        [path.name, table.domain],
    )


def _reason(subjects: bool) -> str:
    unknown = "WHEN person_id NOT IN (SELECT person_id FROM subject) THEN 'unknown_person'" if subjects else ""
    return (
        f"CASE WHEN person_id IS NULL THEN 'no_patient' {unknown} WHEN start_text IS NULL THEN 'no_date' "
        "WHEN clinical_time IS NULL OR year(clinical_time) NOT BETWEEN 1800 AND 2300 THEN 'unreadable_date' "
        "WHEN source_value IS NULL AND source_concept_id = 0 THEN 'no_code' END"
    )


def _codes(database: Database, registry: Registry, claims: Claims) -> None:
    """Table `claim_code`: what each code of the claims stands for."""
    targets_of = CodeTargets(registry, read_mapping())
    unmapped = UnmappedCodes()
    used = database.execute(
        "SELECT domain, source_value, source_concept_id, count(*) FROM claims_row GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    rows: list[dict[str, Any]] = []
    counts: dict[str, int] = dict.fromkeys(
        ("rows", "rows_mapped", "rows_source_concept", "rows_unmapped", "codes_unmapped"), 0
    )
    for domain, source_value, source_concept_id, n in used:
        vocabulary, code = (
            vocabulary_and_code(domain, source_value) if source_value else ("OMOP", str(source_concept_id))
        )
        targets = targets_of.of(vocabulary, code)
        if not targets and source_concept_id in registry:
            targets = [registry.concept(source_concept_id)]
        full = f"{vocabulary}/{code}"
        counts["rows"] += n
        if targets:
            counts["rows_mapped"] += n
        elif source_concept_id:
            counts["rows_source_concept"] += n
            targets = [Concept(source_concept_id, f"OMOP/{source_concept_id}", full, domain)]
        else:
            counts["rows_unmapped"] += n
            counts["codes_unmapped"] += 1
            unmapped.add(vocabulary, code, n)
            targets = [Concept(spelled_id(vocabulary, code), full, full, domain)]
        for target in targets:
            if target.base_concept_id:
                claims.concepts.add(target)
            parent = target.code if target.code != full and target.base_concept_id else None
            rows.append(
                {
                    "domain": domain,
                    "source_value": source_value,
                    "source_concept_id": source_concept_id,
                    "code": full,
                    "name": f"{target.name} ({full})" if parent else target.name,
                    "parent": parent,
                    "base_concept_id": target.base_concept_id,
                }
            )
    claims.counts.update(counts, unmapped=unmapped.by_vocabulary())
    put(database, "claim_code", pa.Table.from_pylist(rows, schema=_CODE_SCHEMA))


def _events(database: Database, claims: Claims, run_id: str) -> None:
    table = database.sql(read_sql("claims_event")).to_arrow_table()
    times = table.column("clinical_time").cast(pa.int64()).to_pylist()
    parts = (table.column(name).to_pylist() for name in ("code", "visit_id", "numeric_value", "unit", "ordinal"))
    numbers = [
        event_id("claims", time, code, visit, None, number, unit, ordinal)
        for time, code, visit, number, unit, ordinal in zip(times, *parts)
    ]
    defaulted = table.column("available_defaulted").to_pylist()
    claims.counts["events"] = table.num_rows
    claims.counts["events_default_lag"] = sum(defaulted)
    table = table.append_column("event_id", pa.array(numbers, pa.int64()))
    table = table.append_column("run_id", pa.repeat(pa.scalar(run_id), table.num_rows))
    put(database, "claims_event", table.select(EVENT.names).cast(EVENT))
