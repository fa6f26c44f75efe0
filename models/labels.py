"""Labels of patients: who says whether a cohort row has the phenotype, how sure, and how the row was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

KINDS = ("gold", "silver", "reviewed")
# Evaluation rests on what people decided, never on rules.
TRUSTED = ("gold", "reviewed")
REQUIRED = ("row_id", "value")
OPTIONAL = ("weight", "kind", "reviewer", "inclusion_probability")


class LabelError(ValueError):
    """A file of labels that cannot be used; the message has the file, the row, what is wrong and the remedy."""

    def __init__(self, path: Path | str, row: int | None, problem: str, remedy: str) -> None:
        self.path, self.row, self.problem, self.remedy = str(path), row, problem, remedy
        super().__init__(f"{path}{'' if row is None else f': row {row}'}: {problem}; {remedy}")


@dataclass(frozen=True, slots=True)
class Labels:
    """One label a row of the cohort.

    `row_id` [n] int64, `value` [n] int8 of 0/1, `weight` [n] float64 >= 0, `kind` [n] int8 into KINDS, `reviewer` n
    strings or None, `inclusion_probability` [n] float64 in (0, 1]: how likely the row was to be drawn for labelling.

    >>> labels = Labels.of([3, 5], [1, 0])
    >>> labels.value.tolist(), labels.names()
    ([1, 0], ['gold', 'gold'])
    """

    row_id: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    kind: np.ndarray
    reviewer: tuple[str | None, ...]
    inclusion_probability: np.ndarray

    def __len__(self) -> int:
        return len(self.row_id)

    @classmethod
    def of(cls, row_id: object, value: object, *, kind: str = "gold") -> Labels:
        """Labels of one kind with weight 1, drawn with certainty."""
        rows = np.asarray(row_id, np.int64)
        return cls(
            row_id=rows,
            value=np.asarray(value, np.int8),
            weight=np.ones(len(rows)),
            kind=np.full(len(rows), KINDS.index(kind), np.int8),
            reviewer=(None,) * len(rows),
            inclusion_probability=np.ones(len(rows)),
        )

    def names(self) -> list[str]:
        """The kind of each label by name."""
        return [KINDS[kind] for kind in self.kind.tolist()]

    def trusted(self) -> np.ndarray:
        """[n] bool: the label is a person's decision, so it may count in an evaluation."""
        return np.isin(self.kind, [KINDS.index(kind) for kind in TRUSTED])

    def take(self, rows: np.ndarray) -> Labels:
        """The labels at these positions, in this order."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Labels(
            row_id=self.row_id[at],
            value=self.value[at],
            weight=self.weight[at],
            kind=self.kind[at],
            reviewer=tuple(self.reviewer[i] for i in at.tolist()),
            inclusion_probability=self.inclusion_probability[at],
        )

    def positions(self, row_id: np.ndarray, *, where: str = "labels") -> np.ndarray:
        """[n] position in `row_id` (the cohort's) of each label. Raises LabelError for a label of an unknown row."""
        order = np.argsort(row_id, kind="stable")
        at = np.minimum(np.searchsorted(row_id, self.row_id, sorter=order), max(len(row_id) - 1, 0))
        known = row_id[order[at]] == self.row_id if len(row_id) else np.zeros(len(self), bool)
        if not known.all():
            first = int(np.flatnonzero(~known)[0])
            raise LabelError(
                where,
                first + 1,
                f"row_id {int(self.row_id[first])} is not in the cohort ({int((~known).sum())} such labels)",
                "give labels of the run's cohort rows, or run again with the cohort they were made for",
            )
        return order[at]


def read_labels(path: str | Path) -> Labels:
    """Labels from a .csv or .parquet file with the columns row_id and value, and any of OPTIONAL.

    Missing cells of optional columns mean weight 1, kind gold, no reviewer, inclusion probability 1. Raises LabelError.
    """
    place = Path(path)
    table = _table(place)
    for name in REQUIRED:
        if name not in table.column_names:
            raise LabelError(place, None, f"no column {name}", f"name the columns {', '.join((*REQUIRED, *OPTIONAL))}")
    unknown = [name for name in table.column_names if name not in (*REQUIRED, *OPTIONAL)]
    if unknown:
        raise LabelError(
            place, None, f"unknown column {unknown[0]}", f"use only the columns {', '.join((*REQUIRED, *OPTIONAL))}"
        )
    if table.num_rows == 0:
        raise LabelError(place, None, "no labels", "give at least one row")
    rows = _numbers(place, table, "row_id", None)
    values = _numbers(place, table, "value", None)
    weight = _numbers(place, table, "weight", 1.0)
    inclusion = _numbers(place, table, "inclusion_probability", 1.0)
    _refuse(place, rows != np.floor(rows), "row_id is no whole number", "give the cohort's row_id")
    _refuse(place, ~np.isin(values, (0, 1)), "value is not 0 or 1", "write 1 for a patient with the phenotype, else 0")
    _refuse(place, ~(np.isfinite(weight) & (weight >= 0)), "weight is below 0", "give a weight of 0 or more")
    _refuse(
        place,
        ~((inclusion > 0) & (inclusion <= 1)),
        "inclusion_probability is not in (0, 1]",
        "give how likely the row was to be drawn, or leave the cell empty",
    )
    kinds = _strings(table, "kind")
    named = [kind if kind else "gold" for kind in kinds]
    _refuse(place, np.asarray([kind not in KINDS for kind in named]), "unknown kind", f"use one of {', '.join(KINDS)}")
    ids = _whole(table, rows)
    _, first = np.unique(ids, return_index=True)
    repeated = np.ones(len(ids), bool)
    repeated[first] = False
    _refuse(place, repeated, "row_id has a label already", "keep one label a row; decide conflicts before training")
    return Labels(
        row_id=ids,
        value=values.astype(np.int8),
        weight=weight,
        kind=np.asarray([KINDS.index(kind) for kind in named], np.int8),
        reviewer=tuple(reviewer or None for reviewer in _strings(table, "reviewer")),
        inclusion_probability=inclusion,
    )


def _table(path: Path) -> pa.Table:
    if not path.is_file():
        raise LabelError(path, None, "no such file", "give a .csv or .parquet file of labels")
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        if path.suffix == ".csv":
            # every cell as it is written: ids beyond 2^53 would lose digits as floats
            with pyarrow.csv.open_csv(path) as reader:
                names = reader.schema.names
            kinds = pyarrow.csv.ConvertOptions(column_types={name: pa.string() for name in names})
            return pyarrow.csv.read_csv(path, convert_options=kinds)
    except (pa.ArrowInvalid, OSError) as error:
        problem = f"cannot be read ({type(error).__name__})"
        raise LabelError(path, None, problem, "check that the file is whole") from None
    raise LabelError(path, None, f"unknown ending {path.suffix or '(none)'}", "give a .csv or .parquet file")


def _numbers(path: Path, table: pa.Table, name: str, default: float | None) -> np.ndarray:
    if name not in table.column_names:
        return np.full(table.num_rows, default)
    column = table.column(name).combine_chunks()
    if pa.types.is_string(column.type):
        plain = [None if cell is None or not cell.strip() else _number(cell) for cell in column.to_pylist()]
        _refuse(
            path,
            np.asarray([cell is not None and np.isnan(cell) for cell in plain]),
            f"{name} is no number",
            "correct the cell",
        )
    else:
        try:
            plain = column.cast(pa.float64(), safe=False).to_pylist()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise LabelError(path, None, f"{name} holds {column.type}, no numbers", "store it as numbers") from None
    if default is None:
        _refuse(path, np.asarray([cell is None for cell in plain]), f"{name} is empty", "fill the cell")
    return np.asarray([default if cell is None else cell for cell in plain], np.float64)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _whole(table: pa.Table, rows: np.ndarray) -> np.ndarray:
    column = table.column("row_id").combine_chunks()
    try:
        return np.asarray([int(cell) for cell in column.to_pylist()], np.int64)
    except ValueError:  # written as 12.0
        return rows.astype(np.int64)


def _strings(table: pa.Table, name: str) -> list[str]:
    if name not in table.column_names:
        return [""] * table.num_rows
    cells = table.column(name).to_pylist()
    return ["" if cell is None else str(cell).strip() for cell in cells]


def _refuse(path: Path, wrong: np.ndarray, problem: str, remedy: str) -> None:
    if wrong.any():
        raise LabelError(path, int(np.flatnonzero(wrong)[0]) + 1, problem, remedy)
