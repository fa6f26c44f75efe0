"""Features as a scipy sparse matrix (CSR), with the rows and the frozen columns beside it.

Recency, days since the last mention, is written as 1 / (1 + days): an empty cell of a sparse matrix is zero to
scikit-learn and missing to XGBoost, and zero days must be neither. "Never" is then 0, the limit of long ago, to both.
Where missing does not mean zero (a laboratory value, an age) a value of zero is stored as a cell of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...nlp.tables import COHORT
from ..database import Database, batches
from ..durable import write_json, write_table
from ..errors import RunError
from ..run_folder import RunFolder
from .cells import (
    ROWS_QUERY,
    Columns,
    cells,
    columns_document,
    frozen_columns,
    match_columns,
    row_count,
    run_columns,
)
from .feature_tables import open_features
from .ledger import Ledger

MATRIX, ROWS, COLUMNS = "matrix.npz", "rows.parquet", "columns.json"


@dataclass(frozen=True, slots=True)
class Matrix:
    """`columns`: the columns.json of the training export, whose columns are used and no others. `sources`: features of
    these sources only (claims, note, ehr); all where none is given. `features`: a folder of `phenotext features`."""

    columns: Path | None = None
    sources: tuple[str, ...] = ()
    features: Path | None = None
    form: ClassVar[str] = "matrix"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write matrix.npz [rows, columns] float64, rows.parquet (as `cohort`) and columns.json."""
        sparse = _scipy_sparse()
        end_day = open_features(run, database, self.features)
        columns = chosen_columns(run, database, self.columns, self.sources, end_day)
        match_columns(run, database, columns, self.columns is not None, ledger)
        rows = row_count(database)
        indptr, indices, data, zeros = _compressed(database, columns, rows)
        matrix = sparse.csr_matrix((data, indices, indptr), shape=(rows, len(columns)))
        sparse.save_npz(folder / MATRIX, matrix, compressed=True)
        ledger.wrote(MATRIX, rows)
        ledger.remarks["cells"] = int(matrix.nnz)
        ledger.remarks["cells_of_zero_not_stored"] = zeros
        ledger.wrote(ROWS, write_table(folder / ROWS, COHORT, batches(database, ROWS_QUERY)))
        write_json(folder / COLUMNS, columns_document(run, columns, end_day))


def chosen_columns(
    run: RunFolder, database: Database, frozen: Path | None, sources: tuple[str, ...], end_day: int
) -> Columns:
    """The frozen columns where a file is given, else those of the run (of `sources` only, where any are given)."""
    if frozen is None:
        return run_columns(run, database, sources)
    if sources:
        raise RunError("--columns and --source contradict each other", remedy="the frozen columns say what is taken")
    return frozen_columns(frozen, run, end_day)


def _scipy_sparse() -> Any:
    try:
        from scipy import sparse
    except ImportError:
        raise RunError("a matrix needs the package scipy", remedy="pip install 'phenotext[matrix]'") from None
    return sparse


def _compressed(database: Database, columns: Columns, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """CSR arrays, and how many zeros were not stored; beside them only one batch is in memory."""
    is_recency = np.array([agg == "recency" for agg in columns.aggs], dtype=bool)
    keeps_zero = ~(np.array(columns.zero_if_missing, dtype=bool) | is_recency)
    counts = np.zeros(rows, dtype=np.int64)
    index_parts: list[np.ndarray] = [np.empty(0, np.int32)]
    data_parts: list[np.ndarray] = [np.empty(0)]
    zeros = 0
    for row, column, cell in cells(database):
        encoded = np.where(is_recency[column], nearness(cell), cell)
        kept = (encoded != 0) | keeps_zero[column]
        zeros += int(len(kept) - kept.sum())
        counts += np.bincount(row[kept], minlength=rows)
        index_parts.append(column[kept])
        data_parts.append(encoded[kept])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return indptr, np.concatenate(index_parts), np.concatenate(data_parts), zeros


def nearness(days: np.ndarray) -> np.ndarray:
    """1 / (1 + days) for days since the last; 0 for never, which note volume tells as -1.

    >>> nearness(np.array([0.0, 3.0, -1.0])).tolist()
    [1.0, 0.25, 0.0]
    """
    return np.where(days < 0, 0.0, 1.0 / (1.0 + np.maximum(days, 0.0)))
