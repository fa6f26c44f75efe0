"""What a new release of a terminology changes: codes, names, terms, and who is a kind of whom.

Both files are compared as they match notes. A string stands for all its spellings, by a hash of its normalised words;
texts are looked up only for what changed.

>>> from .compile import compile_terminology
>>> from .rows import ConceptRow, TermVariant
>>> def release(*codes):
...     rows = [ConceptRow(code, "Local", name) for code, name in codes]
...     terms = [TermVariant(c.code, c.system, c.preferred, False, "preferred", 0) for c in rows]
...     return compile_terminology(rows, terms)
>>> changes = diff_terminologies(release(("A", "wheeze"), ("B", "croup")), release(("B", "croup"), ("C", "wheeze")))
>>> [(row.string, row.before.code, row.now.code) for row in changes.moved.shown]
[('wheeze', 'A', 'C')]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from ..tokens import key_words
from .build_findings import SHOWN, Listing, NamedCode, RetiredRow
from .compile import numeral_variants
from .string_groups import group_hashes, hashes_of
from .term_strings import TermStrings
from .terminology import Terminology

DIFF_SCHEMA = "phenotext.terminology_diff/1"

Move = Literal["moved", "followed", "reordered"]


@dataclass(frozen=True, slots=True)
class Renamed:
    """A code whose preferred name, semantic tag or chronic flag changed; fields that stayed are equal."""

    system: str
    code: str
    name_before: str
    name: str
    tag_before: str
    tag: str
    chronic_before: bool
    chronic: bool


@dataclass(frozen=True, slots=True)
class TermChange:
    """A string that a code lost or gained; the code itself is in both releases."""

    string: str
    code: NamedCode


@dataclass(frozen=True, slots=True)
class MovedString:
    """A string that is in both releases and now leads to another code.

    `how`: `followed`: the code was retired, and this is its successor; `moved`: the code lost the string;
    `reordered`: the code still has it, but another one is chosen.
    """

    string: str
    before: NamedCode
    now: NamedCode
    how: Move


@dataclass(frozen=True, slots=True)
class NewParents:
    """A code in both releases whose parents changed."""

    code: NamedCode
    lost: tuple[NamedCode, ...]
    gained: tuple[NamedCode, ...]


@dataclass(slots=True)
class ReleaseNames:
    """Which two files were compared: name, release and sha256 of each."""

    old: tuple[str, str, str]
    new: tuple[str, str, str]


@dataclass(slots=True)
class TerminologyDiff:
    """The difference of two terminologies; see the classes of the rows.

    `retired` are codes of the old one that the new one knows as retired, `removed` those of which it says nothing;
    `derived_lost` and `derived_gained` count forms that rules derived from terms, of codes in both;
    `strings_lost` counts strings that name nothing any more.
    """

    names: ReleaseNames
    codes_before: int
    codes: int
    added: Listing[NamedCode]
    retired: Listing[RetiredRow]
    removed: Listing[NamedCode]
    changed: Listing[Renamed]
    moved: Listing[MovedString]
    moved_by_kind: dict[str, int]
    terms_lost: Listing[TermChange]
    terms_gained: Listing[TermChange]
    derived_lost: int
    derived_gained: int
    strings_lost: int
    strings_gained: int
    parents: Listing[NewParents]
    matching: Matching = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, without what only later steps need."""
        rows = {name: getattr(self, name) for name in self.__slots__ if name != "matching"}
        return {"schema": DIFF_SCHEMA, **{k: asdict(v) if hasattr(v, "__slots__") else v for k, v in rows.items()}}


@dataclass(slots=True)
class Matching:
    """How two terminologies go together.

    `to_new` [old concepts] and `to_old` [new concepts] are concept numbers of the other one, -1 where it has none;
    `moved` are (old concept, new concept, row) of every moved string, `moved_hashes` [n] their hashes (see
    `string_groups.py`); `lost` [sorted] hashes of strings that name nothing any more; `reparented` old concepts whose
    parents changed.
    """

    to_new: np.ndarray
    to_old: np.ndarray
    moved: list[tuple[int, int, MovedString]]
    moved_hashes: np.ndarray
    lost: np.ndarray
    reparented: list[int]


def diff_terminologies(old: Terminology, new: Terminology) -> TerminologyDiff:
    """Compare two terminologies; deterministic."""
    to_new, to_old = _same_codes(old, new)
    strings = _Strings(old, new, to_new, to_old)
    gone = np.flatnonzero(to_new < 0).tolist()
    fates = [fate_of(old, new, concept) for concept in gone]
    lost, derived_lost = strings.changes(strings.before, strings.now)
    gained, derived_gained = strings.changes(strings.now, strings.before)
    moved, hashes = strings.moved()
    parents = _new_parents(old, new, to_new, to_old)
    shown = distinct(row for _, _, row in moved)
    kinds = [row.how for row in shown]
    return TerminologyDiff(
        ReleaseNames((old.name, old.release, old.sha256), (new.name, new.release, new.sha256)),
        old.n_concepts,
        new.n_concepts,
        Listing.of([named(new, concept) for concept in np.flatnonzero(to_old < 0).tolist()]),
        Listing.of([fate for fate in fates if fate is not None]),
        Listing.of([named(old, concept) for concept, fate in zip(gone, fates) if fate is None]),
        Listing.of(_renamed(old, new, to_new)),
        Listing.of(shown),
        {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        lost,
        gained,
        derived_lost,
        derived_gained,
        len(strings.only_before),
        len(strings.only_now),
        Listing.of([row for _, row in parents]),
        Matching(to_new, to_old, moved, hashes, strings.only_before, [concept for concept, _ in parents]),
    )


def distinct(rows: Iterable[MovedString]) -> list[MovedString]:
    """Rows in order, those that look alike once: "type 1" and "type I" are two strings of one term."""
    return list(dict.fromkeys(rows))


def named(terminology: Terminology, concept: int) -> NamedCode:
    """A concept as reports show it."""
    return NamedCode(terminology.systems[concept], terminology.codes[concept], terminology.preferred[concept])


def _same_codes(old: Terminology, new: Terminology) -> tuple[np.ndarray, np.ndarray]:
    number = {key: i for i, key in enumerate(_keys(new))}
    to_new = np.array([number.get(key, -1) for key in _keys(old)], np.int64)
    to_old = np.full(new.n_concepts, -1, np.int64)
    kept = np.flatnonzero(to_new >= 0)
    to_old[to_new[kept]] = kept
    return to_new, to_old


def _keys(terminology: Terminology) -> Iterable[tuple[str, str]]:
    names = terminology.system_names
    return ((names[system], code) for system, code in zip(terminology.concept_system.tolist(), terminology.codes))


def fate_of(old: Terminology, new: Terminology, concept: int) -> RetiredRow | None:
    """What `new` says of a concept of `old` that it does not have; None if it says nothing."""
    system, code = old.systems[concept], old.codes[concept]
    known = new.retired.get(code, system)
    pairs = known.successors if known else ()
    successor = new.find(code, system)
    if not pairs and successor >= 0:
        pairs = (("", new.codes[successor]),)
    if known is None and not pairs:
        return None
    successors = tuple((association, target, _name(new, target, system)) for association, target in pairs)
    return RetiredRow(system, code, old.preferred[concept], known.reason if known else "", successors)


def _name(terminology: Terminology, code: str, system: str) -> str:
    concept = terminology.find(code, system)
    return terminology.preferred[concept] if concept >= 0 else ""


def _renamed(old: Terminology, new: Terminology, to_new: np.ndarray) -> list[Renamed]:
    found: list[Renamed] = []
    chronic_before, chronic = old.chronic, new.chronic
    names, tags = list(new.preferred), list(new.semantic_tags)
    for concept, (name, tag) in enumerate(zip(old.preferred, old.semantic_tags)):
        now = int(to_new[concept])
        if now < 0:
            continue
        flags = bool(chronic_before[concept]), bool(chronic[now])
        if name != names[now] or tag != tags[now] or flags[0] != flags[1]:
            key = (old.systems[concept], old.codes[concept])
            found.append(Renamed(*key, name, names[now], tag, tags[now], *flags))
    return found


def _new_parents(
    old: Terminology, new: Terminology, to_new: np.ndarray, to_old: np.ndarray
) -> list[tuple[int, NewParents]]:
    if not old.hierarchy or not new.hierarchy:
        return []
    found: list[tuple[int, NewParents]] = []
    for concept, now in enumerate(to_new.tolist()):
        if now < 0:
            continue
        before, after = old.hierarchy.parents(concept), new.hierarchy.parents(now)
        moved = to_new[before]
        if len(before) == len(after) and np.array_equal(np.sort(moved), after):
            continue
        lost = [parent for parent, its in zip(before.tolist(), moved.tolist()) if its not in after]
        gained = [parent for parent in after.tolist() if to_old[parent] not in before]
        if lost or gained:
            row = NewParents(
                named(new, now),
                tuple(named(old, parent) for parent in lost),
                tuple(named(new, parent) for parent in gained),
            )
            found.append((concept, row))
    return found


@dataclass(slots=True)
class _Side:
    """The entries of one terminology: string hash, concept, the concept's number in the other (-1 none), and a key
    that is equal in both for one string of one code."""

    terminology: Terminology
    groups: np.ndarray
    hashes: np.ndarray
    other: np.ndarray
    keys: np.ndarray


class _Strings:
    def __init__(self, old: Terminology, new: Terminology, to_new: np.ndarray, to_old: np.ndarray) -> None:
        self.to_new = to_new
        # one numbering for both: that of the old one, new codes after it
        numbers = np.where(to_old >= 0, to_old, old.n_concepts + np.arange(new.n_concepts))
        self.before = _side(old, to_new, np.arange(old.n_concepts))
        self.now = _side(new, to_old, numbers)
        self.only_before = np.setdiff1d(self.before.groups, self.now.groups)
        self.only_now = np.setdiff1d(self.now.groups, self.before.groups)

    def changes(self, side: _Side, other: _Side) -> tuple[Listing[TermChange], int]:
        """Entries that the other side lacks though it has the code, and how many more are derived forms."""
        rows = np.flatnonzero(~np.isin(side.keys, other.keys) & (side.other >= 0))
        concepts = side.terminology.entry_concept[rows].tolist()
        texts = _texts(side.terminology, np.unique(concepts).tolist())
        found: list[tuple[int, str]] = []
        derived = 0
        for concept, string in zip(concepts, side.hashes[rows].tolist()):
            text = texts.get(string)
            if text is None:
                derived += 1
            else:
                found.append((concept, text))
        found = sorted(set(found))  # "type 1" and "type I" are two strings of one term
        shown = [TermChange(text, named(side.terminology, concept)) for concept, text in found[:SHOWN]]
        return Listing(len(found), shown), derived

    def moved(self) -> tuple[list[tuple[int, int, MovedString]], np.ndarray]:
        """Strings of both sides whose chosen code changed, with both concepts; and their hashes in the same order."""
        old, new = self.before.terminology, self.now.terminology
        common, at_old, at_new = np.intersect1d(self.before.groups, self.now.groups, return_indices=True)
        first_old = old.entry_concept[old.group_start[at_old]] if len(common) else np.empty(0, np.int64)
        first_new = new.entry_concept[new.group_start[at_new]] if len(common) else np.empty(0, np.int64)
        rows = np.flatnonzero(self.to_new[first_old] != first_new)
        concerned = first_new[rows].tolist()
        texts = _texts(new, np.unique(concerned).tolist())
        texts |= _texts(old, np.unique(first_old[rows]).tolist())
        found: list[tuple[int, int, MovedString, int]] = []
        for row in rows.tolist():
            was, now = int(first_old[row]), int(first_new[row])
            low, high = new.group_start[at_new[row] : at_new[row] + 2].tolist()
            kept = int(self.to_new[was]) in new.entry_concept[low:high]
            text = texts.get(int(common[row]), "")
            how = self._how(was, now, kept)
            found.append((was, now, MovedString(text, named(old, was), named(new, now), how), int(common[row])))
        order = {"moved": 0, "reordered": 1, "followed": 2}
        found.sort(key=lambda item: (order[item[2].how], not item[2].string, item[2].string.casefold(), item[0]))
        return [item[:3] for item in found], np.array([item[3] for item in found], np.uint64)

    def _how(self, was: int, now: int, kept: bool) -> Move:
        old, new = self.before.terminology, self.now.terminology
        if self.to_new[was] >= 0:
            return "reordered" if kept else "moved"
        fate = fate_of(old, new, was)
        successors = {code for _, code, _ in fate.successors} if fate else set[str]()
        return "followed" if new.codes[now] in successors else "moved"


def _side(terminology: Terminology, other: np.ndarray, numbers: np.ndarray) -> _Side:
    groups = group_hashes(terminology)
    hashes = np.repeat(groups, np.diff(terminology.group_start))
    concepts = terminology.entry_concept
    # string and code as one number; 64 bits hold a few million without two that meet
    keys = (hashes ^ (numbers[concepts].astype(np.uint64) + np.uint64(1))) * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(32))) + numbers[concepts].astype(np.uint64)
    return _Side(terminology, groups, hashes, other[concepts], keys)


def _texts(terminology: Terminology, concepts: list[int]) -> dict[int, str]:
    """Texts of the concepts' names and terms by hash; derived forms are not among them."""
    terms = TermStrings(terminology.arrays)
    texts: list[str] = []
    words: list[list[str]] = []
    for concept in concepts:
        for text in (terminology.preferred[concept], *(text for text, _ in terms.of(concept))):
            for variant in numeral_variants(key_words(text)):
                texts.append(text)
                words.append(variant)
    found: dict[int, str] = {}
    for string, text in zip(hashes_of(words).tolist(), texts):
        found.setdefault(string, text)
    return found
