"""The tables that features are computed from: those of a finished run, and claims events that come beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..nlp.tables import CODES, CONCEPT, EVENT, OBSERVATION_PERIOD, PERSON
from .concepts import Concept, Registry, concept_table
from .database import Database, put, quoted, value
from .errors import RunError
from .events_folder import CONCEPTS
from .run_folder import RunFolder
from .sql import read_sql

EVENTS_FILE = "event.parquet"
_LOCAL = 2_000_000_000


@dataclass(frozen=True, slots=True)
class JoinedCounts:
    """Events by source; `events_twice` are both the run's and the claims folder's, and counted once; patients who are
    in both, None without a claims folder.
    """

    events: dict[str, int]
    events_twice: int = 0
    subjects_in_both: int | None = None


def join_events(database: Database, run: RunFolder, events: Path | None) -> JoinedCounts:
    """Tables and views `event`, `note`, `person`, `observation_period`, `concept` and `rollup` of the database.

    What is known of a person is taken from the folder of events where it has the person, else from the run.
    Raises RunError where that folder is damaged.
    """
    for name in ("note", "rollup"):
        run.attach(database, name)
    shared, twice = None, 0
    if events is None:
        for name in ("event", "person", "observation_period"):
            run.attach(database, name)
    else:
        _attach(database, run, "event", events / EVENTS_FILE, EVENT)
        database.execute(
            "CREATE TABLE run_structured AS SELECT subject_id, event_id FROM run_event WHERE source <> 'note'"
        )
        database.execute(
            "CREATE VIEW event AS SELECT * FROM run_event UNION ALL "
            "SELECT * FROM added_event ANTI JOIN run_structured USING (subject_id, event_id)"
        )
        for name, schema in (("person", PERSON), ("observation_period", OBSERVATION_PERIOD)):
            _attach(database, run, name, events / f"{name}.parquet", schema)
            database.execute(
                f"CREATE VIEW {name} AS SELECT * FROM added_{name} UNION ALL "
                f"SELECT * FROM run_{name} ANTI JOIN added_{name} USING (subject_id)"
            )
        twice = value(
            database, "SELECT count(*) FROM added_event SEMI JOIN run_structured USING (subject_id, event_id)"
        )
        shared = value(
            database,
            "SELECT count(*) FROM (SELECT DISTINCT subject_id FROM added_event) SEMI JOIN "
            "(SELECT subject_id FROM note UNION ALL SELECT subject_id FROM run_event) USING (subject_id)",
        )
    _concepts(database, run, events)
    by_source = database.execute("SELECT source, count(*) FROM event GROUP BY 1 ORDER BY 1").fetchall()
    return JoinedCounts(dict(by_source), twice, shared)


def _attach(database: Database, run: RunFolder, name: str, path: Path, schema: pa.Schema) -> None:
    """Views `run_<name>` and `added_<name>` with the columns of the schema."""
    columns = ", ".join(f'"{column}"' for column in schema.names)
    for prefix, files in (("run", run.files(name)), ("added", [path] if path.is_file() else [])):
        if not files:
            put(database, f"{prefix}_{name}", schema.empty_table())
            continue
        for file in files:
            missing = set(schema.names) - set(_column_names(file))
            if missing:
                raise RunError(
                    f"no column {', '.join(sorted(missing))}",
                    where=str(file),
                    remedy="import the claims again with `phenotext claims import`",
                )
        listed = ", ".join(quoted(file) for file in files)
        database.execute(
            f"CREATE VIEW {prefix}_{name} AS SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false)"
        )


def _column_names(path: Path) -> list[str]:
    try:
        return pq.read_schema(path).names
    except (pa.ArrowInvalid, OSError):
        raise RunError("not a readable Parquet file", where=str(path), remedy="make it again") from None


def _concepts(database: Database, run: RunFolder, events: Path | None) -> None:
    """Table `concept`: what the run and the folder of events call their concepts, the run first."""
    parts: list[str] = []
    sources = [(run.files("concept"), run.files("codes"))]
    if events is not None:
        sources.append(([events / CONCEPTS], [events / "codes.parquet"]))
    for place, (concept_files, code_files) in enumerate(sources):
        concept_files = [file for file in concept_files if file.is_file()]
        code_files = [file for file in code_files if file.is_file()]
        if concept_files:
            query = f"SELECT base_concept_id, code, name, domain FROM read_parquet({quoted(concept_files[0])})"
        elif code_files:
            put(database, f"codes_{place}", pq.read_table(code_files[0], columns=CODES.names))
            query = read_sql("concept_of_codes").format(codes=f"codes_{place}")
        else:
            continue
        parts.append(f"SELECT {place} AS place, * FROM ({query})")
    union = " UNION ALL ".join(parts) or "SELECT 0 AS place, 0 AS base_concept_id, '' AS code, '' AS name, '' AS domain"
    database.execute(
        "CREATE TABLE concept AS SELECT base_concept_id, code, name, domain "
        f"FROM ({union}) WHERE base_concept_id > 0 "
        "QUALIFY row_number() OVER (PARTITION BY base_concept_id ORDER BY place, code, domain) = 1"
    )


def name_missing_concepts(database: Database, run: RunFolder) -> None:
    """Add to `concept` what `used_covariate` has and it lacks: from the run's terminology, else by the id alone."""
    missing = [
        number
        for (number,) in database.execute(
            "SELECT DISTINCT u.covariate_id // 1000 AS id FROM used_covariate u "
            "JOIN analysis a ON a.analysis_id = u.covariate_id % 1000 AND a.series NOT IN ('volume', 'demographics') "
            "ANTI JOIN concept c ON c.base_concept_id = u.covariate_id // 1000 ORDER BY id"
        ).fetchall()
    ]
    if not missing:
        return
    registry = Registry(run.terminology())
    found: list[Concept] = []
    for number in missing:
        if number in registry:
            found.append(registry.concept(number))
        else:
            vocabulary = "OMOP" if number < _LOCAL else "LOCAL"
            found.append(Concept(number, f"{vocabulary}/{number}", f"concept {number}", "any"))
    add_concepts(database, found)


def add_concepts(database: Database, concepts: list[Concept]) -> None:
    """Add concepts to `concept`; an id that is there already keeps its name."""
    put(database, "added_concept", concept_table(concepts).cast(CONCEPT))
    database.execute("INSERT INTO concept SELECT * FROM added_concept ANTI JOIN concept USING (base_concept_id)")
