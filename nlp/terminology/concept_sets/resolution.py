"""What a concept set means in a terminology, with an account of every code that was not simply found."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .concept_set import ItemNote

_SHOWN = 5


@dataclass(slots=True)
class ResolutionReport:
    """The account of one concept set.

    Attributes:
        name: the set's name.
        set_id: its id in its file, "" if it has none.
        expression: the expression of SNOMED's constraint language that it is, "" for a list.
        items: lines of the set that name a code or a concept id.
        excluded_items: lines among them that take codes away.
        found: lines whose code is in the terminology, replaced ones included.
        concepts: concepts in the result.
        source_codes: codes of other systems in the result.
        excluded_concepts: concepts that the set would hold without its exclusions.
        not_found: codes that the terminology does not have, though it has their system.
        other_systems: codes of systems that the terminology does not have and no map knows.
        retired: codes no longer in use, without a clear successor; `detail` has the reason and what may stand for them.
        replaced: retired codes whose successor was taken; `detail` names it.
        faulty: codes that cannot be right: failed check digits, ids of descriptions, ids a spreadsheet has spoilt.
        repaired: lines that were changed while reading: columns swapped back, an `x` before an id taken off (what is
            left may still be faulty).
        unreadable: lines without a code.
        without_hierarchy: lines that ask for descendants where the terminology has no is-a relations of the system, so
            that only the concept itself was taken.
        warnings: what a user must know, a sentence each.
    """

    name: str
    set_id: str = ""
    expression: str = ""
    items: int = 0
    excluded_items: int = 0
    found: int = 0
    concepts: int = 0
    source_codes: int = 0
    excluded_concepts: int = 0
    not_found: list[ItemNote] = field(default_factory=list)
    other_systems: list[ItemNote] = field(default_factory=list)
    retired: list[ItemNote] = field(default_factory=list)
    replaced: list[ItemNote] = field(default_factory=list)
    faulty: list[ItemNote] = field(default_factory=list)
    repaired: list[ItemNote] = field(default_factory=list)
    unreadable: list[ItemNote] = field(default_factory=list)
    without_hierarchy: list[ItemNote] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return asdict(self)

    def summary(self) -> str:
        """A few lines of plain text for the terminal."""
        result = f"{self.concepts:,} concepts" + (
            f", {self.source_codes:,} codes of other systems" if self.source_codes else ""
        )
        lines = [
            f"{self.name}: " + (result if self.expression else f"{self.items:,} items, {self.found:,} found; {result}")
            + (f"; {self.excluded_concepts:,} concepts taken out by {self.excluded_items:,} items"
               if self.excluded_items else "")
        ]  # fmt: skip
        for title, notes in (
            ("not found", self.not_found),
            ("of systems that this terminology does not have", self.other_systems),
            ("retired without a clear successor", self.retired),
            ("retired and replaced", self.replaced),
            ("faulty codes", self.faulty),
            ("changed while reading", self.repaired),
            ("without a code", self.unreadable),
            ("descendants wanted, but no hierarchy", self.without_hierarchy),
        ):
            if notes:
                counts = Counter(note.what for note in notes)
                kinds = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in sorted(counts.items()))
                lines.append(f"  {title}: {len(notes):,} ({kinds})" if len(counts) > 1 else f"  {title}: {kinds}")
                lines += [f"    {_line(note)}" for note in notes[:_SHOWN]]
                if len(notes) > _SHOWN:
                    lines.append(f"    and {len(notes) - _SHOWN:,} more; --report has all")
        lines += [f"  WARNING: {warning}" for warning in self.warnings]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ResolvedSet:
    """A concept set in a terminology.

    `concepts` [k] int32 concept numbers, ascending, read-only; `source_codes` (system, code) that are no concepts of
    the terminology but belong to the set: listed ones that a map knows, and those that map to its concepts where the
    set asks for them. They have the form of `code_map.map_key`: ICD and NDC codes without dots and hyphens.
    """

    name: str
    concepts: np.ndarray
    source_codes: frozenset[tuple[str, str]]
    report: ResolutionReport


def _line(note: ItemNote) -> str:
    parts = [
        f"{note.system} {note.code}".strip(),
        note.name[:60],
        note.detail,
        f"[{note.origin}]" if note.origin else "",
    ]
    return "  ".join(part for part in parts if part)
