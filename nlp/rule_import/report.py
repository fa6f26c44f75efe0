"""What became of each rule of an imported file: taken as it is, taken with a difference, or left out, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from os import PathLike

from ..terminology.source_term import SourceError


class RuleFileError(SourceError):
    """A rule file that cannot be read; the message has the file, the line, what is wrong and the remedy."""

    def __init__(self, path: str | PathLike[str], problem: str, remedy: str, line: int | None = None) -> None:
        super().__init__(path, line, problem, remedy)


@dataclass(frozen=True, slots=True)
class RuleNote:
    """One remark on one rule. `number` counts the file's rules from 1; `literal` is the rule's own name."""

    number: int
    literal: str
    text: str

    def __str__(self) -> str:
        return f"rule {self.number} ({self.literal}): {self.text}"


@dataclass(slots=True)
class ImportReport:
    """The account of one import. Every rule is counted once: `taken` or in `left_out`.

    Attributes:
        source: name of what was read.
        rules: rules in it.
        taken: rules that gave at least one row, or the same row as a rule before them.
        rows: rows made from them.
        changed: rules that were taken but act differently from the original, with the difference.
        left_out: rules that were not taken, with the reason.
    """

    source: str
    rules: int = 0
    taken: int = 0
    rows: int = 0
    changed: list[RuleNote] = field(default_factory=list)
    left_out: list[RuleNote] = field(default_factory=list)

    def summary(self) -> str:
        """One line: how many rules, rows, differences and omissions."""
        return (
            f"{self.source}: {self.taken} of {self.rules} rules taken as {self.rows} rows,"
            f" {len({note.number for note in self.changed})} with a difference, {len(self.left_out)} left out"
        )

    def lines(self) -> list[str]:
        """The summary, then every difference and omission."""
        return [
            self.summary(),
            *(f"  left out: {note}" for note in self.left_out),
            *(f"  differs: {note}" for note in self.changed),
        ]

    def reasons(self) -> Counter[str]:
        """How often each reason to leave a rule out occurs."""
        return Counter(note.text for note in self.left_out)
