"""Of several versions of a component, the newest: what makes a state of things from Full and Delta files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from .rf2_files import ReleaseFile
from .rf2_rows import FILE, KEYS, ReadLog, count_drops

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

_EXAMPLES = 5


def newest(table: pa.Table, files: list[ReleaseFile], log: ReadLog) -> pa.Table:
    """The newest row of every id, in order of the files; where two have one time, that of the first file.

    Two rows of one id and time that differ are counted as `conflicting_versions`; equal ones are repeats, as between a
    Delta and its Snapshot.
    """
    names = KEYS if KEYS[0] in table.column_names else ("id",)
    keys = [np.asarray(table[name]) for name in names]
    mixed = keys[0].astype(np.uint64)
    for key in keys[1:]:
        mixed = mixed ^ (key * np.uint64(0x9E3779B97F4A7C15))
    ordered = np.sort(mixed)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(repeated):
        return table
    rows = np.flatnonzero(np.isin(mixed, repeated))
    time = -np.asarray(table["effectiveTime"])[rows].astype(np.int64)
    order = np.lexsort((rows, time, *(key[rows] for key in keys)))
    rows, time = rows[order], time[order]
    same_id = np.ones(len(rows) - 1, bool)
    for key in keys:
        same_id &= key[rows][1:] == key[rows][:-1]
    dropped = np.zeros(len(rows), bool)
    dropped[1:] = same_id
    _conflicts(table, rows, same_id & (time[1:] == time[:-1]), files, log)
    keep = np.ones(len(table), bool)
    keep[rows[dropped]] = False
    return table.filter(pa.array(keep))


def _conflicts(table: pa.Table, rows: np.ndarray, ties: np.ndarray, files: list[ReleaseFile], log: ReadLog) -> None:
    after = np.flatnonzero(ties) + 1
    if not len(after):
        return
    first, second = table.take(rows[after - 1]), table.take(rows[after])
    differ = np.zeros(len(after), bool)
    for name in table.column_names:
        if name != FILE:
            differ |= np.asarray(pc.not_equal(first[name], second[name]))
    found = second.filter(pa.array(differ))
    if len(found):
        places = [place_of_row(found, row, files) for row in range(min(_EXAMPLES, len(found)))]
        count_drops(log.drops, "conflicting_versions", len(found), places, fault=True)


def place_of_row(table: pa.Table, row: int, files: list[ReleaseFile]) -> str:
    """`file#id`; of members, `file#component`."""
    name = "id" if "id" in table.column_names else "referencedComponentId"
    return f"{files[table[FILE][row].as_py()].name}#{table[name][row].as_py()}"


def places(table: pa.Table, mask: np.ndarray, files: list[ReleaseFile]) -> list[str]:
    """The places of the first rows of a mask."""
    return [place_of_row(table, row, files) for row in np.flatnonzero(mask)[:_EXAMPLES].tolist()]


def members_in_use(table: pa.Table, files: list[ReleaseFile], log: ReadLog, what: str) -> pa.Table:
    """The members that are active; the others are counted as `inactive_<what>`."""
    retired = np.asarray(table["active"]) == 0
    if not retired.any():
        return table
    count_drops(log.drops, f"inactive_{what}", int(retired.sum()), places(table, retired, files))
    return table.filter(pa.array(~retired))
