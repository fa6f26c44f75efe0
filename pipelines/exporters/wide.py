"""Features as one wide table: a row for each cohort row, a column for each feature.

An empty cell is 0 where missing means zero. Recency stays in days, and is null for never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...nlp.tables import COHORT
from ..database import Database
from ..durable import write_json
from ..errors import RunError
from ..run_folder import RunFolder
from .cells import ROWS_QUERY, Columns, cells, columns_document, match_columns, row_count
from .feature_tables import open_features
from .ledger import Ledger
from .matrix import COLUMNS, chosen_columns

WIDE = "wide.parquet"
_CELLS_IN_MEMORY = 8_000_000


@dataclass(frozen=True, slots=True)
class Wide:
    """`columns`, `sources`, `features`: as for `Matrix`. `max_columns`: more are refused; few programs read them."""

    columns: Path | None = None
    sources: tuple[str, ...] = ()
    max_columns: int = 5_000
    features: Path | None = None
    form: ClassVar[str] = "wide"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write wide.parquet and columns.json."""
        end_day = open_features(run, database, self.features)
        columns = chosen_columns(run, database, self.columns, self.sources, end_day)
        if len(columns) > self.max_columns:
            raise RunError(
                f"{len(columns):,} columns are more than {self.max_columns:,}",
                where=str(run.path),
                remedy="use `phenotext export matrix`, choose with --source or --columns, or raise --max-columns",
            )
        match_columns(run, database, columns, self.columns is not None, ledger)
        rows = row_count(database)
        schema = pa.schema([*(pa.field(f.name, f.type, f.nullable) for f in COHORT), *map(_field, zip(columns.names))])
        cohort = database.sql(ROWS_QUERY).to_arrow_table().select(COHORT.names)
        height = max(1, min(rows or 1, _CELLS_IN_MEMORY // max(1, len(columns))))
        with pq.ParquetWriter(folder / WIDE, schema, compression="zstd", compression_level=3) as out:
            first = 0
            for block in _blocks(database, columns, rows, height):
                head = cohort.slice(first, len(block))
                arrays = [head[name].combine_chunks() for name in COHORT.names]
                # null, not NaN, where a recency is missing
                arrays += [pa.array(block[:, place], mask=np.isnan(block[:, place])) for place in range(len(columns))]
                out.write_table(pa.Table.from_arrays(arrays, schema=schema))
                first += len(block)
        ledger.wrote(WIDE, rows)
        write_json(folder / COLUMNS, columns_document(run, columns, end_day))


def _field(name: tuple[str]) -> pa.Field:
    return pa.field(name[0], pa.float64())


def _blocks(database: Database, columns: Columns, rows: int, height: int) -> Iterator[np.ndarray]:
    """Dense blocks [up to `height`, n columns] float64; NaN is missing."""
    empty = np.array([0.0 if zero else np.nan for zero in columns.zero_if_missing])
    first, block = 0, np.tile(empty, (min(height, rows), 1))
    for row, column, cell in cells(database):
        start = 0
        while start < len(row):
            end = start + int(np.searchsorted(row[start:], first + len(block)))
            block[row[start:end] - first, column[start:end]] = cell[start:end]
            start = end
            if start < len(row):
                yield block
                first += len(block)
                block = np.tile(empty, (min(height, rows - first), 1))
    while first < rows:
        yield block
        first += len(block)
        block = np.tile(empty, (min(height, rows - first), 1))
