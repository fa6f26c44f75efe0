"""`phenotext claims import`: a source of claims or records -> a folder of events."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..nlp import tables
from ..nlp.tables import SCHEMA_VERSION
from ..nlp.version import VERSION
from .adapters.reading import Source
from .adapters.recognize import RecognizedSource, recognize
from .claims import Claims, load_claims
from .claims_codes import UNMAPPED, unmapped_table
from .claims_source import source_fingerprint
from .concepts import Registry, concept_table
from .database import Database, batches, connect, value
from .durable import PRIVATE, exclusive, flush_folder, write_json, write_table
from .errors import RunError
from .events_folder import CONCEPTS, IMPORT, TABLES
from .ids import key_fingerprint, read_key
from .lag import Lag
from .mappings import MAPPING_FILE
from .readers.corpus import hash_file
from .sql import read_sql
from .worker import load_extractor, quarantine_table

_WORK, _LOCK = "work", ".lock"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What an import can be told."""

    source: Path
    out: Path
    mapping: Path | None = None
    terminology: Path | None = None
    declared: Source | None = None
    lag: Lag = Lag()  # noqa: RUF009  # frozen
    id_key: Path | None = None
    date_format: str | None = None
    omop_ids: bool = False
    overwrite: bool = False


def import_claims(options: ImportOptions) -> dict[str, Any]:
    """Write the folder of events; import.json comes last. Returns that document.

    Raises:
        RunError: for what the user can put right. Rows that cannot be used are no errors: they stand in
            quarantine.parquet with the reason, and import.json accounts for every row and code of the input.
    """
    began = time.perf_counter()
    if options.declared not in (None, "claims", "ehr"):
        raise RunError(f"--source {options.declared} is not known", remedy="use claims or ehr")
    key = read_key(options.id_key) if options.id_key else b""
    recognized = recognize(options.source, options.mapping)
    _refuse(options)
    terminology = load_extractor(options.terminology).terminology
    registry = Registry(terminology)
    identity = _identity(options, recognized, registry, key)
    run_id = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out / _LOCK):
        (out / IMPORT).unlink(missing_ok=True)  # without it nothing is finished
        database = connect(out / _WORK)
        try:
            claims = load_claims(
                database, recognized, registry, key, options.lag, run_id, options.declared, options.date_format,
                options.omop_ids,
            )  # fmt: skip
            files = _write(database, out, claims)
        finally:
            database.close()
            shutil.rmtree(out / _WORK, ignore_errors=True)
        changed = source_fingerprint(recognized) != identity["files"]
        if changed:
            raise RunError("the files changed while they were read", where=str(options.source), remedy="import again")
        document = {
            "run_id": run_id,
            "identity": identity,
            "counts": {**claims.counts, "quarantined": _by_reason(out)},
            "measured": {"seconds": round(time.perf_counter() - began, 3)},
            "files": files,
        }
        write_json(out / IMPORT, document)
    return document


def _refuse(options: ImportOptions) -> None:
    """Say so before anything is written into somebody else's folder."""
    out, root = options.out, options.source
    if out.exists() and not out.is_dir():
        raise RunError("is a file", where=str(out), remedy="give --out a folder")
    if root.is_dir() and root.resolve() in (out.resolve(), *out.resolve().parents):
        raise RunError("lies inside the folder of the claims", where=str(out), remedy="give --out a folder elsewhere")
    entries = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    ours = {IMPORT, _LOCK, _WORK}
    if entries and not entries & ours:
        raise RunError(
            f"the folder is not empty and holds no import of phenotext ({len(entries)} entries)", where=str(out),
            remedy="give --out a new folder",
        )  # fmt: skip
    if IMPORT in entries and not options.overwrite:
        raise RunError("the folder holds a finished import", where=str(out), remedy="use --overwrite or another --out")


def _identity(options: ImportOptions, source: RecognizedSource, registry: Registry, key: bytes) -> dict[str, Any]:
    terminology = registry.terminology
    return {
        "schema_version": SCHEMA_VERSION,
        "package_version": VERSION,
        "form": source.form,
        "declared": options.declared,
        "date_format": options.date_format,
        "omop_ids": options.omop_ids,
        "lag": {"claims_hours": options.lag.claims_hours, "notes_hours": options.lag.notes_hours},
        "terminology": {
            "name": terminology.name,
            "release": terminology.release,
            "sha256": terminology.sha256,
            "registry_sha256": registry.sha256(),
        },
        "mappings": {"icd10cm_to_snomed": hash_file(MAPPING_FILE) if MAPPING_FILE.is_file() else None},
        "id_key": key_fingerprint(key),
        "files": source_fingerprint(source),
    }


def _write(database: Database, out: Path, claims: Claims) -> dict[str, Any]:
    """Write all tables; name -> rows and hash."""
    clash = _clash(claims)
    if clash:
        raise RunError(
            f"two {clash} ids of the source fall on one number",
            remedy="use another --id-key, which numbers them afresh",
        )
    if not value(database, "SELECT count(*) = count(DISTINCT (subject_id, event_id)) FROM claims_event"):
        raise RunError("two events of one patient have the same id", remedy="report this: it should not happen")
    (out / "private").mkdir(mode=0o700, exist_ok=True)
    rows: dict[str, int] = {}

    def write(name: str, schema: pa.Schema, content: Iterable[pa.RecordBatch], mode: int = 0o644) -> None:
        rows[name] = write_table(out / name, schema, content, mode)

    for table, (name, schema) in TABLES.items():
        columns = ", ".join(f'"{field.name}"' for field in schema)
        order = "subject_id, time NULLS FIRST, event_id" if table == "claims_event" else "ALL"
        write(name, schema, batches(database, f"SELECT {columns} FROM {table} ORDER BY {order}"))
    concepts = concept_table(claims.concepts)
    write(CONCEPTS, tables.CONCEPT, concepts.to_batches())
    database.register("concept", concepts)
    database.register("evidence", tables.EVIDENCE.empty_table())
    database.execute("CREATE OR REPLACE TEMP VIEW event AS SELECT * FROM claims_event")
    write("codes.parquet", tables.CODES, batches(database, read_sql("codes")))
    write("unmapped.parquet", UNMAPPED, unmapped_table(database).to_batches())
    bad = quarantine_table([(row, None) for row in claims.bad], hide_files=False)
    order = [(name, "ascending") for name in ("file", "row", "reason")]
    write("quarantine.parquet", tables.QUARANTINE, bad.sort_by(order).to_batches())
    ids = sorted(set(claims.ids))
    id_table = pa.table(
        {"kind": [i[0] for i in ids], "id": [i[1] for i in ids], "source_id": [i[2] for i in ids]}, schema=tables.ID_MAP
    )
    write("private/id_map.parquet", tables.ID_MAP, id_table.to_batches(), PRIVATE)
    flush_folder(out)
    return {name: {"rows": count, "sha256": hash_file(out / name)} for name, count in sorted(rows.items())}


def _clash(claims: Claims) -> str | None:
    known: dict[tuple[str, int], str] = {}
    for kind, number, source in claims.ids:
        if known.setdefault((kind, number), source) != source:
            return kind
    return None


def _by_reason(out: Path) -> dict[str, int]:
    counted: dict[str, int] = {}
    for reason in pq.read_table(out / "quarantine.parquet").column("reason").to_pylist():
        counted[reason] = counted.get(reason, 0) + 1
    return dict(sorted(counted.items()))
