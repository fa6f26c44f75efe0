"""What a build's report says about the terms that stayed: how many of each kind, and which deserve a look.

`TermTally` counts while the terms pass to the compiler. `find_findings` looks a second time, only at what the compiled
terminology shows to be ambiguous, so that a million terms need no second copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .plain_english import plain_english_words
from .retired import RetiredCode
from .rows import RANKS, ConceptRow, TermVariant
from .rules import DERIVED_RANK
from .sources.content import SourceContent
from .variants import clean_name

T = TypeVar("T")
_Key = tuple[str, str]

SHOWN = 2_000
"""Rows of a list that are kept; its total counts all."""

_SHORT = 3
_LONGEST_ACRONYM = 6
# A word that fewer terms use in small letters may be a slip of the source.
_USED = 3


@dataclass(slots=True)
class Listing(Generic[T]):
    """A list that may be cut: `total` rows in all, the first `SHOWN` in `shown`."""

    total: int = 0
    shown: list[T] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Sequence[T]) -> Listing[T]:
        """All of `rows`, cut."""
        return cls(len(rows), list(rows[:SHOWN]))


@dataclass(frozen=True, slots=True)
class NamedCode:
    """One code that a string names: as what (`kind`, `rule` where a form was derived), and where that stands."""

    system: str
    code: str
    name: str
    kind: str = ""
    rule: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class SharedString:
    """A string and the codes that it names, the chosen one first.

    `decided_by`: `override`, `kind` (a preferred name before a synonym, ...), or `order` (of the sources and their
    rows: nothing in the content speaks for the chosen code).
    """

    string: str
    codes: tuple[NamedCode, ...]
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class DoubtfulSynonym:
    """A term of `code` that is the name of another code in the same system: wrong, or wider than the code."""

    string: str
    code: NamedCode
    named: NamedCode


@dataclass(frozen=True, slots=True)
class OtherName:
    """A code that another row or source calls differently; `name` is used."""

    system: str
    code: str
    name: str
    source: str
    other_name: str
    other_source: str


@dataclass(frozen=True, slots=True)
class RetiredRow:
    """A retired code; `successors` are (association, code, name), the name empty where the terminology lacks it."""

    system: str
    code: str
    name: str
    reason: str
    successors: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)
class RetiredFindings:
    """Codes no longer in use: `redirected` to one successor, for people to `choose` a successor, without any
    (`ended`), and `still_used` by a source though another says that they are retired."""

    redirected: Listing[RetiredRow]
    choose: Listing[RetiredRow]
    ended: Listing[RetiredRow]
    still_used: Listing[RetiredRow]


@dataclass(slots=True)
class Findings:
    """See the attributes' classes; `same_name` are codes of one system with one preferred name, as retired duplicates
    have; `short` strings have at most three letters and digits, `short_by_length` counts them."""

    ambiguous: Listing[SharedString]
    doubtful: Listing[DoubtfulSynonym]
    word_acronyms: Listing[SharedString]
    short: Listing[SharedString]
    short_by_length: dict[int, int]
    same_name: Listing[SharedString]
    other_names: Listing[OtherName]
    retired: RetiredFindings


@dataclass(slots=True)
class TermTally:
    """Counts of the strings on their way to the compiler. `by_kind` counts strings of the sources by kind, and those
    that rules derived as `derived`; `by_tag` all of them by the semantic tag of their concept, `` where it has none."""

    by_kind: dict[str, int] = field(default_factory=dict)
    by_tag: dict[str, int] = field(default_factory=dict)
    short: dict[str, dict[_Key, str]] = field(default_factory=dict)
    acronyms: dict[str, dict[_Key, str]] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)

    def watch(self, variants: Iterable[TermVariant], concepts: Mapping[_Key, ConceptRow]) -> Iterator[TermVariant]:
        """The variants unchanged, counted as they pass."""
        for variant in variants:
            key = (variant.system, variant.code)
            kind = "derived" if variant.rank % RANKS >= DERIVED_RANK else variant.kind
            self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
            concept = concepts.get(key)
            tag = (concept.semantic_tag if concept else None) or ""
            self.by_tag[tag] = self.by_tag.get(tag, 0) + 1
            text = variant.text
            if len(text) <= 2 * _SHORT and _letters(text) <= _SHORT:
                self.short.setdefault(text, {}).setdefault(key, variant.kind)
            if variant.case_sensitive:
                self.acronyms.setdefault(text, {}).setdefault(key, variant.kind)
            else:
                for word in text.split():
                    if len(word) <= _LONGEST_ACRONYM and word.islower():
                        self.words[word] = self.words.get(word, 0) + 1
            yield variant

    def word_acronyms(self) -> dict[str, dict[_Key, str]]:
        """Acronyms that are everyday words, or words that other terms use in small letters, as COLD is cold."""
        plain = plain_english_words()
        return {
            text: codes
            for text, codes in self.acronyms.items()
            if (word := text.lower()) in plain or self.words.get(word, 0) >= _USED
        }

    def short_by_length(self) -> dict[int, int]:
        """How many short strings there are of each number of letters and digits."""
        lengths = [_letters(text) for text in self.short]
        return {length: lengths.count(length) for length in sorted(set(lengths))}


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def list_strings(
    strings: Mapping[str, Mapping[_Key, str]], concepts: Mapping[_Key, ConceptRow]
) -> Listing[SharedString]:
    """Strings with their codes, the shortest first, then by the alphabet."""
    ordered = sorted(strings, key=lambda text: (_letters(text), text.casefold(), text))
    return Listing(
        len(ordered),
        [
            SharedString(
                text,
                tuple(NamedCode(*key, concepts[key].preferred, kind) for key, kind in strings[text].items()),
            )
            for text in ordered[:SHOWN]
        ],
    )


def same_names(concepts: Mapping[_Key, ConceptRow]) -> Listing[SharedString]:
    """Codes of one system that share a preferred name."""
    first: dict[tuple[str, str], _Key] = {}
    shared: dict[tuple[str, str], list[_Key]] = {}
    for key, concept in concepts.items():
        name = (key[0], concept.preferred.casefold())
        if name in first:
            shared.setdefault(name, [first[name]]).append(key)
        else:
            first[name] = key
    rows = [
        SharedString(
            concepts[keys[0]].preferred,
            tuple(NamedCode(*key, concepts[key].preferred, "preferred") for key in keys),
        )
        for _, keys in sorted(shared.items())
    ]
    return Listing.of(rows)


def other_names(sources: Sequence[SourceContent], concepts: Mapping[_Key, ConceptRow]) -> Listing[OtherName]:
    """Codes whose preferred name differs between rows; capitals and a semantic tag do not count."""
    named_by: dict[_Key, str] = {}
    found: dict[tuple[_Key, str], OtherName] = {}
    for source in sources:
        for term in source.terms:
            key = (term.system, term.code)
            concept = concepts.get(key)
            if concept is None:
                continue
            first = named_by.setdefault(key, source.name)
            if term.preferred == concept.preferred:
                continue
            name = clean_name(term.preferred, term.semantic_tag)
            folded = name.casefold()
            if folded != concept.preferred.casefold() and (key, folded) not in found:
                found[(key, folded)] = OtherName(*key, concept.preferred, first, name, source.name)
    return Listing.of(sorted(found.values(), key=lambda row: (row.system, row.code, row.other_name)))


def retired_findings(
    sources: Sequence[SourceContent], concepts: Mapping[_Key, ConceptRow], redirects: Mapping[str, str]
) -> RetiredFindings:
    """What became of the retired and alternative codes that the sources tell of."""
    retired: dict[_Key, RetiredCode] = {}
    for source in sources:
        for key, fate in source.retired.items():
            retired.setdefault(key, fate)
    systems: dict[str, str] = {}
    for system, code in concepts:
        systems.setdefault(code, system)
    lists: dict[str, list[RetiredRow]] = {"redirected": [], "choose": [], "ended": [], "still_used": []}
    told: set[str] = set()
    for (system, code), fate in retired.items():
        successors = tuple(
            (association, target, concepts[system, target].preferred if (system, target) in concepts else "")
            for association, target in fate.successors
        )
        row = RetiredRow(system, code, fate.name, fate.reason, successors)
        if (system, code) in concepts:
            kind = "still_used"
        elif code in redirects:
            kind = "redirected"
        else:
            kind = "choose" if successors else "ended"
        told.add(code)
        lists[kind].append(row)
    for code, target in redirects.items():
        if code not in told:  # alternative ids have no fate of their own
            system = systems[target]
            successor = ("", target, concepts[system, target].preferred)
            lists["redirected"].append(RetiredRow(system, code, "", "", (successor,)))
    return RetiredFindings(
        **{kind: Listing.of(sorted(rows, key=lambda row: (row.system, row.code))) for kind, rows in lists.items()}
    )
