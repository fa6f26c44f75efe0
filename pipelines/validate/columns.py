"""Names and types of the columns of each file, against the schema."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...nlp.tables import TABLES
from .findings import ValidationReport
from .layout import Layout


def check_columns(layout: Layout, report: ValidationReport) -> set[str]:
    """Check every file. Returns the tables whose columns are as they should be, or that need no file."""
    sound: set[str] = set()
    absent = layout.missing
    told = f" (lacking: {', '.join(absent)})" if absent else ""
    report.checked("folder.tables", "", f"every table is there{told}", len(absent))
    for table, files in layout.files.items():
        faults = [f"{layout.name(path)}: {fault}" for path in files for fault in _faults(path, TABLES[table])]
        if files:
            told = f" ({'; '.join(faults)})" if faults else ""
            report.checked(f"{table}.columns", table, f"columns and types are those of the schema{told}", len(faults))
        if not faults and table not in absent:
            sound.add(table)
    return sound


def _faults(path: Path, schema: pa.Schema) -> list[str]:
    try:
        found = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return ["is no Parquet file, or damaged"]
    faults = [f"no column {name}" for name in schema.names if name not in found.names]
    faults += [f"unknown column {name}" for name in found.names if name not in schema.names]
    for name in schema.names:
        if name in found.names and found.field(name).type != schema.field(name).type:
            faults.append(f"{name} is {found.field(name).type}, not {schema.field(name).type}")
    if not faults and found.names != schema.names:
        faults.append("the columns stand in another order")
    return faults
