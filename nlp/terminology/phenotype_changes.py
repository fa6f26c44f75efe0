"""What a new release changes for a user's phenotypes: members of concept sets, and the strings that lead to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .build_findings import Listing, NamedCode
from .concept_sets.concept_set import ConceptSet, ItemNote
from .concept_sets.resolution import ResolutionReport
from .concept_sets.resolve import Resolver
from .diff import MovedString, TerminologyDiff, distinct, fate_of, named
from .terminology import Terminology


@dataclass(frozen=True, slots=True)
class LostMember:
    """A member of a set that it has no longer: `retired` or `removed` codes, or codes that `left` as the hierarchy or
    another item of the set changed. `successors` are (association, code, name)."""

    code: NamedCode
    why: str
    successors: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SetChange:
    """What a release changes for one concept set.

    Attributes:
        before, now: concepts in the set.
        gained: members that it did not have; `new_codes` of them are new in the release.
        replaced, unresolved: items that resolved in the old terminology and now lead to a successor, or to nothing.
        strings_in, strings_out: strings in both releases that now lead into the set, or out of it.
    """

    name: str
    set_id: str
    origin: str
    before: int
    now: int
    gained: Listing[NamedCode]
    new_codes: int
    lost: Listing[LostMember]
    replaced: tuple[ItemNote, ...]
    unresolved: tuple[ItemNote, ...]
    strings_in: Listing[MovedString]
    strings_out: Listing[MovedString]
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs for the set."""
        lists = (self.gained, self.lost, self.strings_in, self.strings_out)
        return bool(any(part.total for part in lists) or self.replaced or self.unresolved)


def phenotype_changes(
    old: Terminology, new: Terminology, changes: TerminologyDiff, concept_sets: Iterable[ConceptSet]
) -> list[SetChange]:
    """The change of each concept set, in order.

    Raises:
        EclError: an expression that cannot be read.
    """
    before, now = Resolver(old), Resolver(new)
    found: list[SetChange] = []
    for concept_set in concept_sets:
        was, is_ = before.resolve(concept_set), now.resolve(concept_set)
        kept = changes.matching.to_new[was.concepts]
        gained = np.setdiff1d(is_.concepts, kept)
        gone = [i for i, j in zip(was.concepts.tolist(), kept.tolist()) if j < 0 or j not in is_.concepts]
        strings_in, strings_out = _across(
            changes.matching.moved, set(was.concepts.tolist()), set(is_.concepts.tolist())
        )
        found.append(
            SetChange(
                concept_set.name,
                concept_set.set_id,
                concept_set.origin,
                len(was.concepts),
                len(is_.concepts),
                Listing.of([named(new, i) for i in gained.tolist()]),
                int((changes.matching.to_old[gained] < 0).sum()),
                Listing.of([_lost(old, new, changes, i) for i in gone]),
                _only_now(was.report.replaced, is_.report.replaced),
                _only_now(_unresolved(was.report), _unresolved(is_.report)),
                strings_in,
                strings_out,
                tuple(warning for warning in is_.report.warnings if warning not in was.report.warnings),
            )
        )
    return found


def _lost(old: Terminology, new: Terminology, changes: TerminologyDiff, concept: int) -> LostMember:
    code = named(old, concept)
    if changes.matching.to_new[concept] >= 0:
        return LostMember(code, "left")
    fate = fate_of(old, new, concept)
    return LostMember(code, "retired", fate.successors) if fate else LostMember(code, "removed")


def _unresolved(report: ResolutionReport) -> list[ItemNote]:
    return [*report.retired, *report.not_found]


def _only_now(before: Sequence[ItemNote], now: Sequence[ItemNote]) -> tuple[ItemNote, ...]:
    known = {(note.system, note.code) for note in before}
    return tuple(note for note in now if (note.system, note.code) not in known)


def _across(
    moved: Sequence[tuple[int, int, MovedString]], before: set[int], now: set[int]
) -> tuple[Listing[MovedString], Listing[MovedString]]:
    """Strings that come into a set of concepts, and those that leave it."""
    coming = [row for was, is_, row in moved if is_ in now and was not in before]
    leaving = [row for was, is_, row in moved if was in before and is_ not in now]
    return Listing.of(distinct(coming)), Listing.of(distinct(leaving))
