"""Notes from Parquet, in batches of rows."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import RunError
from .columns import Columns, find_columns, require
from .rows import BadRow, NoteRow, RowRules, read_row

BATCH_ROWS = 512


def _open(path: Path, name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path)
    except (pa.ArrowInvalid, OSError):
        raise RunError("not a readable Parquet file", where=name, remedy="write it again") from None


def probe_columnar(path: Path, name: str) -> Columns:
    names = _open(path, name).schema_arrow.names
    return require(find_columns(names), name)


def _values(column: pa.Array) -> list[object]:
    """Python values; text as bytes, so that one undecodable cell costs one row and not the batch."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        column = column.cast(pa.large_binary() if pa.types.is_large_string(kind) else pa.binary())
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    return column.to_pylist()


def read_columnar(path: Path, name: str, rules: RowRules) -> Iterator[NoteRow | BadRow]:
    """Rows in file order."""
    source = _open(path, name)
    columns = find_columns(source.schema_arrow.names)
    wanted = list(dict.fromkeys(columns.document().values()))
    number = 0
    for batch in source.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
        lists = [_values(batch.column(column)) for column in wanted]
        for cells in zip(*lists):
            number += 1
            record: dict[str, object] = {}
            try:
                for column, cell in zip(wanted, cells):
                    record[column] = cell.decode("utf-8") if isinstance(cell, bytes) else cell
            except UnicodeDecodeError:
                yield BadRow(name, number, "undecodable_bytes")
                continue
            yield read_row(name, number, record, columns, rules)
