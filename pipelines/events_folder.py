"""The folder that `phenotext claims import` writes: events with everything a run or a feature table needs of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..nlp.tables import EVENT, OBSERVATION_PERIOD, PERSON, SCHEMA_VERSION
from .adapters.people import VISIT
from .claims_codes import CODE_SCHEMA
from .concepts import Concept, Registry
from .database import Database, put, quoted
from .errors import RunError
from .ids import key_fingerprint
from .lag import Lag
from .readers import BadRow
from .readers.corpus import hash_file

IMPORT = "import.json"
_AGAIN = "import the claims again with `phenotext claims import` and the same options as the run"
# table of the database -> file and schema
TABLES: dict[str, tuple[str, pa.Schema]] = {
    "claims_event": ("event.parquet", EVENT),
    "person": ("person.parquet", PERSON),
    "observation_period": ("observation_period.parquet", OBSERVATION_PERIOD),
    "visit_table": ("visit.parquet", VISIT),
    "claim_code": ("claim_code.parquet", CODE_SCHEMA),
}
CONCEPTS = "concept.parquet"


def is_events_folder(path: Path) -> bool:
    """Whether a folder is a finished import."""
    return (path / IMPORT).is_file()


def open_events_folder(folder: Path) -> dict[str, Any]:
    """import.json of a finished import.

    Raises:
        RunError: a damaged document, other tables than this version's, or files that are gone or changed.
    """
    try:
        document = json.loads((folder / IMPORT).read_bytes())
        version = document["identity"]["schema_version"]
        files: dict[str, dict[str, Any]] = document["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError("the file is damaged", where=str(folder / IMPORT), remedy=_AGAIN) from None
    if version != SCHEMA_VERSION:
        raise RunError(f"its tables are of version {version}, not {SCHEMA_VERSION}", where=str(folder), remedy=_AGAIN)
    for name, told in files.items():
        path = folder / name
        if not path.is_file() or hash_file(path) != told["sha256"]:
            raise RunError("is gone or was changed after the import", where=str(path), remedy=_AGAIN)
    return document


def load_events_folder(
    database: Database, folder: Path, registry: Registry, key: bytes, lag: Lag, run_id: str
) -> tuple[dict[str, Any], set[Concept], list[tuple[str, int, str]], list[BadRow]]:
    """Fill the tables that `load_claims` fills. Returns counts, concepts, the id map, and the rows set aside.

    Raises:
        RunError: ids, concepts or lags that would not agree with the run's.
    """
    document = open_events_folder(folder)
    identity = document["identity"]
    if identity["id_key"] != key_fingerprint(key):
        raise RunError("was imported with another --id-key (or none)", where=str(folder), remedy=_AGAIN)
    if identity["terminology"]["registry_sha256"] != registry.sha256():
        raise RunError("was imported with another terminology", where=str(folder), remedy=_AGAIN)
    given = {"claims_hours": lag.claims_hours, "notes_hours": lag.notes_hours}
    if document["counts"]["events_default_lag"] and identity["lag"] != given:
        hours = identity["lag"]
        raise RunError(
            f"was imported with --lag notes={hours['notes_hours']}h,claims={hours['claims_hours']}h",
            where=str(folder),
            remedy="give the run the same --lag, or import again",
        )
    for table, (name, _) in TABLES.items():
        database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM read_parquet({quoted(folder / name)})")
        if "run_id" in pq.read_schema(folder / name).names:
            database.execute(f"UPDATE {table} SET run_id = ?", [run_id])
    concepts = {Concept(**row) for row in pq.read_table(folder / CONCEPTS).to_pylist()}
    ids = [
        (row["kind"], row["id"], row["source_id"])
        for row in pq.read_table(folder / "private" / "id_map.parquet").to_pylist()
    ]
    bad = [
        BadRow(row["file"], row["row"], row["reason"])
        for row in pq.read_table(folder / "quarantine.parquet").to_pylist()
    ]
    return document["counts"], concepts, ids, bad


def empty_tables(database: Database) -> None:
    """Empty tables in place of claims."""
    for table, (_, schema) in TABLES.items():
        put(database, table, schema.empty_table())
