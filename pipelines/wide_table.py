"""The features as one wide table: a row of the cohort, a column a feature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from .database import Database, value
from .durable import write_table
from .errors import RunError

MOST_COLUMNS = 20_000
ROWS_AT_A_TIME = 1_000


def write_wide(database: Database, path: Path) -> int:
    """Write `wide.parquet` from `cohort`, `feature`, `covariate_ref` and `analysis_ref`; returns the feature columns.

    The first columns are row_id, subject_id and prediction_time; then float64 by feature_name in order of covariate_id.
    A feature that is not there is 0 where missing means zero, else null. Raises RunError above `MOST_COLUMNS`.
    """
    columns = database.execute(
        "SELECT r.covariate_id, r.feature_name, a.missing_means_zero = 'Y' OR a.analysis_id IN (693, 694) "
        "FROM covariate_ref r JOIN analysis_ref a USING (analysis_id) ORDER BY r.covariate_id"
    ).fetchall()
    if len(columns) > MOST_COLUMNS:
        raise RunError(
            f"{len(columns):,} features are too many for --wide (at most {MOST_COLUMNS:,})",
            remedy="choose some with --analyses, or take `phenotext export` to a sparse matrix",
        )
    ids = np.array([column[0] for column in columns], np.int64)
    empty = np.array([0.0 if column[2] else np.nan for column in columns])
    schema = pa.schema(
        [("row_id", pa.int64()), ("subject_id", pa.int64()), ("prediction_time", pa.timestamp("us"))]
        + [(name, pa.float64()) for _, name, _ in columns]
    )
    write_table(path, schema, _rows(database, schema, ids, empty))
    return len(columns)


def _rows(database: Database, schema: pa.Schema, ids: np.ndarray, empty: np.ndarray) -> Iterator[pa.RecordBatch]:
    total = value(database, "SELECT count(*) FROM cohort")
    for offset in range(0, total, ROWS_AT_A_TIME):
        rows = database.sql(
            "SELECT row_id, subject_id, prediction_time FROM cohort "
            f"ORDER BY row_id LIMIT {ROWS_AT_A_TIME} OFFSET {offset}"
        ).to_arrow_table()
        numbers = rows.column("row_id").to_numpy()
        cells = database.execute(
            "SELECT row_id, covariate_id, covariate_value FROM feature WHERE row_id BETWEEN ? AND ?",
            [int(numbers[0]), int(numbers[-1])],
        ).fetchnumpy()
        dense = np.tile(empty, (len(numbers), 1))
        places = np.searchsorted(numbers, cells["row_id"]), np.searchsorted(ids, cells["covariate_id"])
        dense[places] = cells["covariate_value"]
        arrays = [rows.column(name) for name in ("row_id", "subject_id", "prediction_time")]
        arrays += [pa.array(column, from_pandas=True) for column in dense.T]
        yield from pa.Table.from_arrays(arrays, schema=schema).to_batches()
