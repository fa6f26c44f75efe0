"""The OMOP CDM 5.4 tables that are exported to, as the specification lists them (`omop_cdm54.csv`)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..database import Database, batches
from ..durable import write_table
from .csv_files import write_csv
from .ledger import Ledger

_TYPES = {
    "integer": pa.int64(),
    "float": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
}
_INT32 = 2**31 - 1


@dataclass(frozen=True, slots=True)
class OmopField:
    """One field: `kind` as in the specification, `length` of a varchar (None without a limit, or no varchar)."""

    name: str
    kind: str
    length: int | None
    required: bool

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field. Integers have 64 bits: sites' ids often need them."""
        return pa.field(self.name, _TYPES.get(self.kind, pa.string()), nullable=not self.required)


@cache
def omop_fields(table: str) -> tuple[OmopField, ...]:
    """The fields of a CDM 5.4 table in their order; KeyError for a table that is not exported to."""
    with (Path(__file__).parent / "omop_cdm54.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["table"] == table]
    if not rows:
        raise KeyError(table)
    return tuple(
        OmopField(
            row["field"],
            row["type"].split("(")[0],
            int(length[1]) if (length := re.search(r"\(([0-9]+)\)", row["type"])) else None,
            row["required"] == "Y",
        )
        for row in rows
    )


def omop_schema(table: str) -> pa.Schema:
    """The Arrow schema of a CDM table."""
    return pa.schema([field.arrow for field in omop_fields(table)])


def write_omop(database: Database, table: str, query: str, folder: Path, name: str, ledger: Ledger) -> int:
    """Write a query with a table's columns as `name`.parquet and `name`.csv; return the number of rows.

    Columns whose values pass 32 bits are named in export.json: a database must hold them as bigint.
    """
    schema = omop_schema(table)
    rows = write_table(folder / f"{name}.parquet", schema, batches(database, query))
    ledger.wrote(f"{name}.parquet", rows)
    with pq.ParquetFile(folder / f"{name}.parquet") as source:
        ledger.wrote(f"{name}.csv", write_csv(folder / f"{name}.csv", schema, source.iter_batches(65_536)))
    wide = beyond_32_bits(folder / f"{name}.parquet")
    if wide:
        ledger.remarks.setdefault("bigint_columns", {})[name] = wide
    return rows


def beyond_32_bits(path: Path) -> list[str]:
    """Integer columns of a Parquet file with values that the CDM's `integer` cannot hold."""
    wide: set[str] = set()
    with pq.ParquetFile(path) as source:
        for batch in source.iter_batches(65_536):
            for field, column in zip(batch.schema, batch.columns):
                if pa.types.is_integer(field.type) and column.null_count < len(column):
                    span = pc.call_function("min_max", [column]).as_py()
                    if span["max"] > _INT32 or span["min"] < -_INT32 - 1:
                        wide.add(field.name)
    return sorted(wide)


def check_lengths(table: str, batch: pa.RecordBatch) -> list[str]:
    """Columns of the batch that break the specification: a null where one is required, a text that is too long."""
    broken: list[str] = []
    for field in omop_fields(table):
        column = batch.column(field.name)
        if field.required and column.null_count:
            broken.append(f"{field.name} is null")
        if field.length is not None and len(column) > column.null_count:
            longest = pc.call_function("max", [pc.call_function("utf8_length", [column])]).as_py()
            if longest is not None and longest > field.length:
                broken.append(f"{field.name} is longer than {field.length}")
    return broken
