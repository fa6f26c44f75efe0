"""The user's own cohort and splits: who, as of when, for which part of a study."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..nlp.tables import COHORT
from .errors import RunError
from .readers.delimited import header_of, records
from .readers.rows import text_of
from .times import to_time

PATIENT = ("patient_id", "subject_id", "person_id")
PREDICTION = ("prediction_time", "index_date", "cohort_start_date", "index_time")
SPLIT_NAMES = {"validation": "tuning", "valid": "tuning", "val": "tuning", "dev": "tuning", "test": "held_out"}
_SPLIT = re.compile(r"[a-z0-9_]+")
LARGEST = 10_000_000  # bytes of a cell


def open_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, object] | str]]]:
    """Names of the columns, and the numbered rows of a CSV or Parquet file; a row that cannot be read is its reason."""
    if not path.is_file():
        raise RunError("no such file", where=str(path))
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            table = pq.read_table(path)
        except (pa.ArrowInvalid, OSError):
            raise RunError("not a readable Parquet file", where=path.name) from None
        return table.column_names, enumerate(table.to_pylist(), 1)
    return header_of(path, path.name), records(path, LARGEST)


def _column(names: list[str], wanted: tuple[str, ...], where: str) -> str:
    by_lower = {name.strip().lower(): name for name in names}
    for name in wanted:
        if name in by_lower:
            return by_lower[name]
    raise RunError(f"no column {' or '.join(wanted)}", where=where, remedy="add it to the header")


def _cells(path: Path, number: int, record: dict[str, object] | str) -> dict[str, object]:
    if isinstance(record, str):
        raise RunError(f"the row cannot be read ({record})", where=f"{path.name} row {number}", remedy="mend the row")
    return record


def read_cohort(path: Path, subject_of: Callable[[str], int]) -> pa.Table:
    """Rows as in COHORT, without split; `row_id` and `cohort_id` are made where the file lacks them.

    A row that cannot be read is an error: a cohort with a patient less is another study.
    """
    names, rows = open_rows(path)
    patient, prediction = _column(names, PATIENT, path.name), _column(names, PREDICTION, path.name)
    optional = {name.strip().lower(): name for name in names}
    listed: list[dict[str, object]] = []
    for number, record in rows:
        cells = _cells(path, number, record)
        where = f"{path.name} row {number}"
        source_id = text_of(cells[patient])
        if source_id is None:
            raise RunError("no patient id", where=where, remedy="give each row one")
        time = to_time(cells[prediction])
        if time is None:
            raise RunError(
                "the prediction time cannot be read",
                where=where,
                remedy="write it as 2021-03-04 or 2021-03-04T10:00:00",
            )
        listed.append(
            {
                "row_id": _integer(cells, optional, "row_id", where),
                "subject_id": subject_of(source_id),
                "prediction_time": time,
                "cohort_id": _integer(cells, optional, "cohort_id", where) or 0,
                "observation_start": _time(cells, optional, "observation_start", where),
                "observation_end": _time(cells, optional, "observation_end", where),
                "label": _number(cells, optional, "label", where),
            }
        )
    listed.sort(key=lambda row: (row["subject_id"], row["prediction_time"], row["cohort_id"]))
    if any(row["row_id"] is None for row in listed):
        for place, row in enumerate(listed, 1):
            row["row_id"] = place
    if len({row["row_id"] for row in listed}) != len(listed):
        raise RunError("a row_id comes twice", where=path.name, remedy="number the rows, or leave the column out")
    schema = pa.schema([field for field in COHORT if field.name != "split"])
    return pa.Table.from_pylist(listed, schema=schema).sort_by("row_id")


def _present(cells: dict[str, object], optional: dict[str, str], name: str) -> object:
    value = cells.get(optional.get(name, ""))
    return None if value == "" else value


def _integer(cells: dict[str, object], optional: dict[str, str], name: str, where: str) -> int | None:
    value = _present(cells, optional, name)
    if value is None:
        return None
    text = text_of(value)
    if text is None or not text.lstrip("-").isdigit() or len(text) > 18:
        raise RunError(f"{name} is no whole number", where=where)
    return int(text)


def _number(cells: dict[str, object], optional: dict[str, str], name: str, where: str) -> float | None:
    value = _present(cells, optional, name)
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        raise RunError(f"{name} is no number", where=where) from None


def _time(cells: dict[str, object], optional: dict[str, str], name: str, where: str) -> datetime | None:
    value = _present(cells, optional, name)
    if value is None:
        return None
    time = to_time(value)
    if time is None:
        raise RunError(f"{name} is no date", where=where)
    return time


def read_splits(path: Path, subject_of: Callable[[str], int]) -> dict[int, str]:
    """Split of each patient; `validation` and `dev` are read as tuning, `test` as held_out, as MEDS names them."""
    names, rows = open_rows(path)
    patient, split = _column(names, PATIENT, path.name), _column(names, ("split",), path.name)
    table: dict[int, str] = {}
    for number, record in rows:
        cells = _cells(path, number, record)
        where = f"{path.name} row {number}"
        source_id, name = text_of(cells[patient]), text_of(cells[split])
        if source_id is None or name is None:
            raise RunError("no patient id or no split", where=where, remedy="give each row both")
        name = SPLIT_NAMES.get(name.lower(), name.lower())
        if not _SPLIT.fullmatch(name):
            raise RunError("the split's name has other characters than a-z, 0-9 and _", where=where)
        subject = subject_of(source_id)
        if table.setdefault(subject, name) != name:
            raise RunError("a patient is in two splits", where=where, remedy="keep each patient in one")
    return table
