"""The kinds of rules that a table may have; the rules themselves stand in `table_rules.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# rules that hold for some runs only
Only = Literal["", "phi=minimal", "no id key"]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The column has one of these values."""

    table: str
    column: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.{self.column}.allowed"

    @property
    def sentence(self) -> str:
        """What must hold, in words."""
        return f"{self.column} is one of {', '.join(value or 'empty' for value in self.values)}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """The whole value of the column matches a regular expression (RE2 syntax)."""

    table: str
    column: str
    regex: str
    words: str

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.{self.column}.pattern"

    @property
    def sentence(self) -> str:
        """What must hold, in words."""
        return f"{self.column} {self.words}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The number is finite, at least `low` and at most `high`, where these are given."""

    table: str
    column: str
    low: float | None = None
    high: float | None = None

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.{self.column}.bounds"

    @property
    def sentence(self) -> str:
        """What must hold, in words."""
        ends = [f"{sign} {end:g}" for sign, end in ((">=", self.low), ("<=", self.high)) if end is not None]
        return f"{self.column} is {'a number ' + ' and '.join(ends) if ends else 'finite'}"


@dataclass(frozen=True, slots=True)
class Reference:
    """Every row (where `where` is true, if given) has its partner in another table; null refers to nothing."""

    table: str
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    where: str = ""
    words: str = ""

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.{self.columns[-1]}.in_{self.to_table}"

    @property
    def sentence(self) -> str:
        """What must hold, in words."""
        mine, theirs = ", ".join(self.columns), ", ".join(self.to_columns)
        return self.words or f"{mine} stands in {self.to_table} ({theirs})"


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A condition on one row, in SQL; it may look up the tables in `reads`."""

    table: str
    label: str
    sentence: str
    condition: str
    reads: tuple[str, ...] = ()
    only: Only = ""

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.{self.label}"


@dataclass(frozen=True, slots=True)
class JoinCheck:
    """A condition on each row (`t`) and its partner (`o`) in another table, joined on the columns `on`."""

    table: str
    label: str
    sentence: str
    other: str
    on: tuple[str, ...]
    condition: str
    only: Only = ""

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.{self.label}"


@dataclass(frozen=True, slots=True)
class Order:
    """The rows of each file stand in this order: ascending, null first."""

    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """Unique name of the rule."""
        return f"{self.table}.order"

    @property
    def sentence(self) -> str:
        """What must hold, in words."""
        return f"rows are sorted by {', '.join(self.columns)}"


Rule = Allowed | Pattern | Bounds | Reference | RowCheck | JoinCheck | Order
