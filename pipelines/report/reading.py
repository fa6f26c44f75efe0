"""What the parts of a report read from: the tables of one run, and how small a count may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...nlp.terminology.terminology import Terminology
from ..database import Database
from ..run_folder import RunFolder
from ..sql import read_sql
from .small_cells import Cell, SafeCounts, one_count, part_of, suppress

LABEL_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """A run, its database with the tables `report_subject` and `report_home`, and the smallest count to be told."""

    run: RunFolder
    database: Database
    min_cell: int
    terminology: Terminology | None
    """None where its file is gone; `terminology_fault` says why."""
    terminology_fault: str = ""
    place_names: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Ids of sites and providers as the source has them, by kind and number; empty unless asked for."""

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Result of `pipelines/sql/report_<query>.sql`."""
        return self.database.execute(read_sql(f"report_{query}"), list(parameters)).fetchall()

    def count(self, count: int, people: int | None = None) -> Cell:
        """A count that belongs to no sum."""
        return one_count(count, self.min_cell, people)

    def part(self, count: int, whole: int, people: int | None = None) -> Cell:
        """A count out of a whole that is told."""
        return part_of(count, whole, self.min_cell, people)

    def partition(self, counts: Sequence[int], people: Sequence[int] | None = None) -> SafeCounts:
        """Counts that add up to a total that is told."""
        return suppress(counts, people=people, min_cell=self.min_cell)

    def enough(self, count: int) -> bool:
        """Whether so many people may have a row of their own; fewer are gathered with others."""
        return count >= self.min_cell


def label(text: str | None, missing: str = "not stated", length: int = LABEL_LENGTH) -> str:
    """A name that the source gave, cut where it is no name any more."""
    words = " ".join((text or "").split()) or missing
    return words if len(words) <= length else words[: length - 3] + "..."


def share(cell: Cell, whole: Cell) -> str:
    """Percentage; empty where it could tell a hidden count."""
    if cell.value is None or not whole.value:
        return ""
    return f"{100 * cell.value / whole.value:.1f} %"


def words(name: str) -> str:
    """A name of the tables as a person reads it: `past_medical_history` is past medical history."""
    return name.replace("_", " ")
