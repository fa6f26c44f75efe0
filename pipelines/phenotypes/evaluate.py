"""A definition tried on a run: which patients match, when, and on what evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...nlp.tables import PHENOTYPE_EVIDENCE, PHENOTYPE_ROW
from ..cohort_file import read_cohort
from ..database import Database, literal, put, quoted, value
from ..durable import flush_folder, write_bytes, write_json, write_table
from ..errors import RunError
from ..ids import Identifier, key_fingerprint, read_key
from ..run_folder import RunFolder
from .compile import Options, compile_definition
from .criterion_sql import listed
from .definition import Definition
from .sets import SET_SCHEMA, ResolvedSets, resolve_sets

FOLDER = "phenotypes"
DOCUMENT = "phenotype.json"
AS_OF_SCHEMA = pa.schema(
    [
        ("row_id", pa.int64()),
        ("subject_id", pa.int64()),
        ("prediction_time", pa.timestamp("us")),
        ("observation_start", pa.timestamp("us")),
        ("observation_end", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True, slots=True)
class PhenotypeResult:
    """What a definition gave: the two tables, and the paper on them (phenotype.json)."""

    rows: pa.Table
    evidence: pa.Table
    document: dict[str, Any]
    sql: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with all that a statement of the definition reads."""

    database: Database
    sets: ResolvedSets
    as_of: pa.Table | None
    event_unit: bool

    def statement(self, definition: Definition, options: Options) -> str:
        """The SQL that fits this database."""
        options = replace(options, as_of=self.as_of is not None)
        return compile_definition(definition, options, event_unit=self.event_unit)


def as_of_table(run: RunFolder, cohort: Path | None, id_key: Path | None = None) -> pa.Table | None:
    """Who, as of when (AS_OF_SCHEMA). The word `run` is the run's own cohort; None gives None.

    Raises RunError for a cohort file that cannot be read, and a missing id key.
    """
    if cohort is None:
        return None
    if str(cohort) == "run":
        table = run.table("cohort")
    else:
        key = read_key(id_key) if id_key is not None else b""
        wanted = run.document["identity"].get("id_key")
        if wanted != key_fingerprint(key):
            raise RunError(
                "the ids of the run were made with another key" if key else "the ids of the run were made with a key",
                where=str(run.path),
                remedy="give --id-key the run's key",
            )
        table = read_cohort(cohort, Identifier("patient", key))
    return table.select(AS_OF_SCHEMA.names).cast(AS_OF_SCHEMA).sort_by("row_id")


@contextmanager
def prepare(run: RunFolder, definition: Definition, as_of: pa.Table | None = None) -> Iterator[Prepared]:
    """Open the run for a definition; the database is closed at the end."""
    sets = resolve_sets(definition, run.terminology())
    database = run.connect()
    try:
        put(database, "phenotype_concept", sets.table.cast(SET_SCHEMA))
        if as_of is not None:
            put(database, "phenotype_as_of", as_of)
        columns = {row[0] for row in database.execute("DESCRIBE event").fetchall()}
        yield Prepared(database, sets, as_of, "unit" in columns)
    finally:
        database.close()


def evaluate(
    run: RunFolder, definition: Definition, *, as_of: pa.Table | None = None, only: str | None = None
) -> PhenotypeResult:
    """Try a definition on a run.

    Args:
        as_of: rows of `as_of_table`: the definition is tried on what was known at each prediction time.
        only: take facts from this source alone (note, claims, ehr).
    """
    options = Options(only=only)
    with prepare(run, definition, as_of) as prepared:
        database = prepared.database
        sql = prepared.statement(definition, options)
        database.execute(f"CREATE TEMP TABLE phenotype_result AS {sql}")
        rows = _rows(database, definition, run.run_id)
        evidence = _evidence(database, definition, run.run_id)
        counted = prepared.statement(definition, replace(options, counts=True))
        counts: dict[str, Any] = {
            "candidates": 0,
            "criteria": dict(sorted(database.execute(counted).fetchall())),
        }
        counts["candidates"] = counts["criteria"].pop("")
        counts["rows"] = rows.num_rows
        counts["patients"] = value(database, "SELECT count(DISTINCT subject_id) FROM phenotype_result")
        if as_of is None:
            counts["tried"] = value(
                database,
                "SELECT count(*) FROM (SELECT subject_id FROM event UNION SELECT subject_id FROM note UNION "
                "SELECT subject_id FROM person UNION SELECT subject_id FROM observation_period)",
            )
        else:
            counts["tried"] = as_of.num_rows
        warnings = [*prepared.sets.warnings(), *_warnings(database, definition, only)]
        terminology = run.document["identity"]["terminology"]
        document = {
            "phenotype_id": definition.phenotype_id,
            "name": definition.name,
            "version": definition.version,
            "status": definition.status,
            "definition_sha256": definition.sha256,
            "schema_version": definition.document["schema_version"],
            "definition": definition.document,
            "run_id": run.run_id,
            "terminology": terminology,
            "only": only,
            "as_of_sha256": None if as_of is None else _table_hash(as_of),
            "counts": counts,
            "concept_sets": {name: report.to_json() for name, report in prepared.sets.reports.items()},
            "warnings": warnings,
        }
    return PhenotypeResult(rows, evidence, document, sql)


def default_folder(run: RunFolder, definition: Definition, only: str | None, as_of: bool) -> Path:
    """Where a result is kept if the user does not say."""
    name = definition.phenotype_id + (f".{only}" if only else "") + (".as_of" if as_of else "")
    return run.path / FOLDER / name


def write_result(result: PhenotypeResult, out: Path) -> None:
    """Write the tables, the statement and, last, phenotype.json."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / DOCUMENT).is_file())):
        raise RunError("is not a folder of a phenotype result", where=str(out), remedy="give --out a new folder")
    out.mkdir(parents=True, exist_ok=True)
    (out / DOCUMENT).unlink(missing_ok=True)
    write_table(out / "phenotype_row.parquet", PHENOTYPE_ROW, result.rows.to_batches())
    write_table(out / "phenotype_evidence.parquet", PHENOTYPE_EVIDENCE, result.evidence.to_batches())
    write_bytes(out / "phenotype.sql", result.sql.encode())
    write_json(out / DOCUMENT, result.document)
    flush_folder(out)


def read_result(folder: Path) -> PhenotypeResult:
    """A result that was written. Raises RunError if there is none."""
    import pyarrow.parquet as pq

    if not (folder / DOCUMENT).is_file():
        raise RunError(
            f"no phenotype result here (no {DOCUMENT})",
            where=str(folder),
            remedy="make one with `phenotext phenotype run DEF RUN`",
        )
    return PhenotypeResult(
        pq.read_table(folder / "phenotype_row.parquet", schema=PHENOTYPE_ROW),
        pq.read_table(folder / "phenotype_evidence.parquet", schema=PHENOTYPE_EVIDENCE),
        json.loads((folder / DOCUMENT).read_bytes()),
        (folder / "phenotype.sql").read_text(encoding="utf-8"),
    )


def script(run: RunFolder, definition: Definition, as_of: pa.Table | None, only: str | None) -> str:
    """The statement with all that it reads: a script that DuckDB runs by itself, beside the run."""
    with prepare(run, definition, as_of) as prepared:
        statement = prepared.statement(definition, Options(only=only))
        lines = ["-- Views of the run's tables"]
        for name in ("event", "evidence", "note", "person", "observation_period"):
            files = run.files(name)
            if files:
                paths = ", ".join(quoted(file.resolve()) for file in files)
                source = f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false)"
            else:
                columns = prepared.database.execute(f"DESCRIBE {name}").fetchall()
                empty = ", ".join(f'CAST(NULL AS {column[1]}) AS "{column[0]}"' for column in columns)
                source = f"SELECT {empty} WHERE false"
            lines.append(f"CREATE OR REPLACE TEMP VIEW {name} AS {source};")
        lines.append("-- Concepts and source codes of the concept sets")
        lines.append(_values("phenotype_concept", prepared.sets.table))
        if as_of is not None:
            lines.append(_values("phenotype_as_of", as_of))
    return "\n".join(lines) + "\n\n" + statement.rstrip() + ";\n"


def _values(name: str, table: pa.Table) -> str:
    kinds = {pa.int64(): "BIGINT", pa.string(): "VARCHAR", pa.timestamp("us"): "TIMESTAMP"}
    columns = ", ".join(f"{field.name} {kinds[field.type]}" for field in table.schema)
    head = f"CREATE OR REPLACE TEMP TABLE {name} ({columns});"
    rows = [
        "(" + ", ".join("NULL" if cell is None else _literal(cell) for cell in row.values()) + ")"
        for row in table.to_pylist()
    ]
    return head if not rows else head + f"\nINSERT INTO {name} VALUES\n    " + ",\n    ".join(rows) + ";"


def _literal(cell: object) -> str:
    return str(cell) if isinstance(cell, int) else literal(str(cell))


def _rows(database: Database, definition: Definition, run_id: str) -> pa.Table:
    table = database.sql(
        "SELECT DISTINCT subject_id, index_time, row_id FROM phenotype_result WHERE criterion = 'inclusion' "
        "ORDER BY subject_id, index_time, row_id"
    ).to_arrow_table()
    return _constant(
        table,
        PHENOTYPE_ROW,
        phenotype_id=definition.phenotype_id,
        version=definition.version,
        definition_sha256=definition.sha256,
        run_id=run_id,
    )


def _evidence(database: Database, definition: Definition, run_id: str) -> pa.Table:
    table = database.sql(
        "SELECT subject_id, row_id, index_time, criterion, held, event_id, evidence_id, note_id, ordinal "
        "FROM phenotype_result ORDER BY subject_id, index_time, row_id, criterion, ordinal"
    ).to_arrow_table()
    return _constant(table, PHENOTYPE_EVIDENCE, phenotype_id=definition.phenotype_id, run_id=run_id)


def _constant(table: pa.Table, schema: pa.Schema, **columns: str) -> pa.Table:
    for name, cell in columns.items():
        table = table.append_column(name, pa.repeat(pa.scalar(cell), table.num_rows))
    return table.select(schema.names).cast(schema)


def _table_hash(table: pa.Table) -> str:
    digest = hashlib.sha256()
    for row in table.to_pylist():
        digest.update(json.dumps([str(cell) for cell in row.values()]).encode())
    return digest.hexdigest()


def _warnings(database: Database, definition: Definition, only: str | None) -> list[str]:
    """What the run lacks that the definition asks for, a sentence each."""
    told: list[str] = []
    present = {name for (name,) in database.execute("SELECT DISTINCT source FROM event").fetchall()}
    for leaf in definition.leaves():
        name = leaf.name or leaf.path
        if leaf.of_person:
            continue
        sources = [source for source in leaf.sources if only in (None, source)]
        if not sources:
            told.append(f"Criterion {name}: takes no facts from {only}, so it cannot hold here")
        elif not present & set(sources):
            told.append(f"Criterion {name}: the run has no events from {' or '.join(sources)}, so it cannot hold")
        if leaf.value is not None and leaf.concept_sets:
            told += _value_warnings(database, name, leaf.concept_sets, sources, leaf.value.units)
    people = value(database, "SELECT count(*) FROM person")
    if not people and any(
        leaf.sex is not None or leaf.min_age is not None or leaf.max_age is not None for leaf in definition.leaves()
    ):
        told.append("The run has no table person, so no criterion of age or sex can hold")
    periods = value(database, "SELECT count(*) FROM observation_period")
    if not periods and (
        definition.observation is not None or any(leaf.same_observation for leaf in definition.leaves())
    ):
        told.append("The run has no observation periods" + _unknown(definition))
    return told


def _unknown(definition: Definition) -> str:
    if definition.observation is not None and definition.observation.keep_unknown:
        return "; patients are kept, as the definition says (observation: unknown: keep)"
    return ", so nobody meets a demand for observed days, but for cohort rows that give their own"


def _value_warnings(
    database: Database, name: str, sets: Iterable[str], sources: Iterable[str], units: tuple[str, ...]
) -> list[str]:
    places = listed(sources) or "''"
    members = f"FROM phenotype_concept WHERE set_name IN ({listed(sets)})"
    facts, numbers, with_unit = database.execute(
        f"""SELECT count(*), count(coalesce(v.numeric_value, e.numeric_value)), count(v.unit)
            FROM event e
            LEFT JOIN evidence v ON v.subject_id = e.subject_id AND v.event_id = e.event_id AND e.source = 'note'
            WHERE e.source IN ({places})
              AND (e.base_concept_id IN (SELECT base_concept_id {members})
                   OR upper(split_part(e.code, '//', 1)) IN (SELECT code_key {members}))"""
    ).fetchall()[0]
    if not numbers:
        return [f"Criterion {name}: none of its {facts} facts in this run has a value, so it cannot hold"]
    if units and with_unit < numbers:
        return [f"Criterion {name}: {numbers - with_unit} of {numbers} values have no unit"]
    return []
