"""What reading a source gives: its terms, and an account of every row that was not taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..source_term import SourceError, SourceTerm
from ..systems import FAULT_REMEDIES

MATCHED_SCOPES = frozenset({"LABEL", "EXACT"})
_EXAMPLES = 5


@dataclass(slots=True)
class DropLog:
    """Rows left out, counted by reason, with the first places of each."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    faults: int = 0

    def leave_out(self, reason: str, place: str) -> None:
        """Count a row that is sound but not wanted here (scope, inactive, another language)."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        seen = self.places.setdefault(reason, [])
        if len(seen) < _EXAMPLES:
            seen.append(place)

    def reject(self, reason: str, place: str) -> None:
        """Count a faulty row."""
        self.faults += 1
        self.leave_out(reason, place)

    def add(self, other: DropLog) -> None:
        """Take over the counts and places of another log."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
            seen = self.places.setdefault(reason, [])
            seen.extend(other.places[reason][: _EXAMPLES - len(seen)])
        self.faults += other.faults

    def refuse_mostly_bad(self, path: Path, rows: int) -> None:
        """Raise if more than half of the rows were faulty: then the file is wrong, not a row of it.

        Raises:
            SourceError: with the commonest fault, its first line and its remedy.
        """
        if self.faults * 2 <= rows:
            return
        reason = max((r for r in self.counts if r in FAULT_REMEDIES), key=lambda r: self.counts[r])
        place = self.places[reason][0].removeprefix(f"{path.name}:")
        line = int(place) if place.isdigit() else None  # JSON has `file#code` instead of lines
        what = f"{reason.replace('_', ' ')} in {self.counts[reason]}"
        problem = f"{self.faults} of {rows} rows are faulty ({what}, the first here)"
        raise SourceError(path, line, problem, FAULT_REMEDIES[reason])


@dataclass(slots=True)
class SourceContent:
    """One source, read. `redirects` maps retired or alternative codes to their successors, chains resolved."""

    name: str
    release: str | None = None
    terms: list[SourceTerm] = field(default_factory=list)
    drops: DropLog = field(default_factory=DropLog)
    redirects: dict[str, str] = field(default_factory=dict)
    skipped_files: list[str] = field(default_factory=list)

    @property
    def dropped(self) -> dict[str, int]:
        """Rows not taken, counted by reason."""
        return self.drops.counts

    @property
    def dropped_at(self) -> dict[str, list[str]]:
        """The first places (`file:line`) of every reason."""
        return self.drops.places


def merge(name: str, parts: Iterable[SourceContent]) -> SourceContent:
    """The content of several files as one source, in order."""
    whole = SourceContent(name)
    releases: list[str] = []
    for part in parts:
        if part.release and part.release not in releases:
            releases.append(part.release)
        whole.terms.extend(part.terms)
        whole.drops.add(part.drops)
        whole.redirects.update({old: new for old, new in part.redirects.items() if old not in whole.redirects})
    whole.redirects = resolve_chains(whole.redirects)
    whole.release = ", ".join(releases) or None
    return whole


def resolve_chains(redirects: dict[str, str]) -> dict[str, str]:
    """Redirects whose targets are no longer redirected themselves; circular ones are left out."""
    resolved: dict[str, str] = {}
    for old in redirects:
        seen = {old}
        new = redirects[old]
        while new in redirects and new not in seen:
            seen.add(new)
            new = redirects[new]
        if new not in seen:
            resolved[old] = new
    return resolved
