"""Rows of several queries, patient by patient: only one patient's rows are Python objects at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from ..database import Database

_BATCH = 2_000


def grouped(database: Database, query: str) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Rows of a query in order of subject_id, gathered by it; one patient in memory."""
    reader = database.cursor().sql(query).to_arrow_reader(_BATCH)
    rows = (row for batch in reader for row in batch.to_pylist())
    for subject, group in itertools.groupby(rows, key=lambda row: row["subject_id"]):
        yield subject, list(group)


def together(
    people: Iterable[tuple[int, list[Any]]], *others: Iterator[tuple[int, list[Any]]]
) -> Iterator[tuple[int, list[list[Any]]]]:
    """The groups of the same subject side by side; `people` has every subject."""
    waiting = [next(other, None) for other in others]
    for subject, person in people:
        found: list[list[Any]] = [person]
        for place, other in enumerate(others):
            group = waiting[place]
            if group is not None and group[0] == subject:
                found.append(group[1])
                waiting[place] = next(other, None)
            else:
                found.append([])
        yield subject, found
