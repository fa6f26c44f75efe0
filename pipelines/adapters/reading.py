"""What an adapter fills: relations of persons, periods and visits beside the facts, and the books of what it left out.

The relations hold the source's own ids as text; `people.py` gives them numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..database import Database, value
from ..readers import BadRow
from ..sql import read_sql
from .cells import load_cells
from .facts import create_facts
from .source_file import SourceFile

Source = Literal["claims", "ehr"]
CLAIM_TYPE, EHR_TYPE = 32810, 32817  # OMOP type concepts "Claim" and "EHR"


@dataclass(slots=True)
class Reading:
    """A source that is being read into the database. `omop_ids`: see `load_claims`."""

    database: Database
    declared: Source | None = None
    date_format: str | None = None
    omop_ids: bool = False
    bad: list[BadRow] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Empty relations."""
        create_facts(self.database)
        self.database.execute(read_sql("claims_people"))

    def load(
        self, table: str, files: Sequence[SourceFile], wanted: Sequence[str], *, piped: bool = False, facts: bool = True
    ) -> None:
        """`load_cells`, with what it could not read entered into the books.

        Args:
            facts: the rows are to give facts, so that they are accounted for; rows of persons and visits are not.
        """
        bad = load_cells(self.database, table, files, wanted, piped=piped)
        self.bad += bad
        if not facts:
            return
        for file in files:
            held = value(self.database, f"SELECT count(*) FROM {table} WHERE file = ?", [file.name])
            lost = sum(row.file == file.name for row in bad)
            self.rows[file.name] = self.rows.get(file.name, 0) + held + lost

    def set_aside(self, table: str, condition: str, reason: str) -> None:
        """Take rows of a loaded table out before they give facts."""
        gone = self.database.execute(f"DELETE FROM {table} WHERE {condition} RETURNING file, line").fetchall()
        self.bad += [BadRow(file, line, reason) for file, line in sorted(gone)]

    def count(self, name: str, number: int) -> None:
        """Add to a count of the books."""
        self.counts[name] = self.counts.get(name, 0) + number

    def source_of(self, usual: Source) -> Source:
        """What the rows are: as the user declared, else as the form of the source says."""
        return self.declared or usual


def type_of(source: Source) -> int:
    """OMOP type concept of rows that name none."""
    return CLAIM_TYPE if source == "claims" else EHR_TYPE
