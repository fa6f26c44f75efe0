"""What reading a source gives: its terms, and an account of every row that was not taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ..retired import RetiredCode
from ..source_term import SourceError, SourceTerm
from ..systems import FAULT_REMEDIES
from .fhir_pages import ExpansionPage

SCOPES = frozenset({"LABEL", "EXACT", "RELATED", "NARROW", "BROAD"})
MATCHED_SCOPES = frozenset({"LABEL", "EXACT"})
_EXAMPLES = 5


@dataclass(slots=True)
class DropLog:
    """Rows left out, counted by reason, with the first places of each."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    faults: int = 0

    def leave_out(self, reason: str, place: str, count: int = 1) -> None:
        """Count a row that is sound but not wanted here (scope, inactive, another language); or `count` rows, the
        first of them at `place`."""
        self.counts[reason] = self.counts.get(reason, 0) + count
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
    """One source, read.

    Attributes:
        redirects: retired or alternative codes to their one successor, chains resolved.
        isa: (child, parent) codes of each system.
        retired: (system, code) of codes that are no longer in use, with what became of them.
        refsets: member codes of each SNOMED CT reference set, by the set's code.
        maps: tables of `MAP_SCHEMA` (see `code_map.py`).
        concept_ids: OMOP concept ids of (system, code).
        restrictions: UMLS restriction level of (system, code), where above 0.
        notices: what a user should know about this source, a sentence each.
        repairs: rows taken after a repair that leaves no doubt, by its kind.
        xrefs: cross-references of (system, code) to codes of other systems, as the source gives them.
        pages: pages of FHIR expansions, to be checked once all files of the source are read.
    """

    name: str
    release: str | None = None
    terms: list[SourceTerm] = field(default_factory=list)
    drops: DropLog = field(default_factory=DropLog)
    redirects: dict[str, str] = field(default_factory=dict)
    skipped_files: list[str] = field(default_factory=list)
    isa: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    retired: dict[tuple[str, str], RetiredCode] = field(default_factory=dict)
    refsets: dict[str, list[str]] = field(default_factory=dict)
    maps: list[pa.Table] = field(default_factory=list)
    concept_ids: dict[tuple[str, str], int] = field(default_factory=dict)
    restrictions: dict[tuple[str, str], int] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    repairs: DropLog = field(default_factory=DropLog)
    xrefs: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    pages: list[ExpansionPage] = field(default_factory=list)

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
        for system, edges in part.isa.items():
            whole.isa.setdefault(system, []).extend(edges)
        whole.retired.update({key: code for key, code in part.retired.items() if key not in whole.retired})
        for refset, members in part.refsets.items():
            whole.refsets.setdefault(refset, []).extend(members)
        whole.maps.extend(part.maps)
        whole.concept_ids.update({key: n for key, n in part.concept_ids.items() if key not in whole.concept_ids})
        whole.restrictions.update(part.restrictions)
        whole.notices.extend(part.notices)
        whole.repairs.add(part.repairs)
        for key, targets in part.xrefs.items():
            whole.xrefs.setdefault(key, []).extend(targets)
        whole.pages.extend(part.pages)
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
