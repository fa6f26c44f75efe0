"""Everything that a terminology knows about one code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .code_map import CodeTarget, map_key
from .map_sources import CodeSource, MapSources
from .term_strings import TermStrings
from .terminology import Terminology

CHILDREN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ConceptName:
    """A concept by its number, code and preferred name."""

    concept: int
    code: str
    system: str
    preferred: str


@dataclass(frozen=True, slots=True)
class Successor:
    """What may stand for a retired code; `preferred` is "" where the terminology does not have it."""

    association: str
    code: str
    preferred: str


@dataclass(frozen=True, slots=True)
class ConceptCard:
    """One code.

    Attributes:
        asked: the code that was asked for; another than `code` where it is retired and leads there.
        names: (term, kind), the preferred name first.
        ancestors: to the root, the nearest first: by the number of steps, then by number.
        children: the first of `n_children`.
        targets: the codes of other systems that the concept is mapped to.
        sources: the codes of other systems that are mapped to it.
        refsets: codes of the reference sets it is a member of, with the set's name where it is known.
        redirected_from: retired or alternative codes that lead here.
    """

    asked: str
    concept: int
    code: str
    system: str
    preferred: str
    names: tuple[tuple[str, str], ...]
    semantic_tag: str
    concept_id: int
    restriction: int
    chronic: bool
    parents: tuple[ConceptName, ...]
    n_children: int
    children: tuple[ConceptName, ...]
    n_descendants: int
    ancestors: tuple[ConceptName, ...]
    targets: tuple[CodeTarget, ...]
    sources: tuple[CodeSource, ...]
    refsets: tuple[tuple[str, str], ...]
    redirected_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RetiredCard:
    """A code that is no longer in use and leads to no concept of its own accord."""

    code: str
    system: str
    name: str
    reason: str
    successors: tuple[Successor, ...]


def describe(terminology: Terminology, code: str, system: str | None = None) -> list[ConceptCard | RetiredCard]:
    """What the terminology knows of `code`: one card for each system that has it, [] if none has.

    >>> from phenotext.nlp import Extractor
    >>> card = describe(Extractor().terminology, "195967001")[0]
    >>> card.preferred, card.semantic_tag, ("bronchial asthma", "synonym") in card.names
    ('Asthma', 'disorder', True)
    """
    systems = terminology.system_names if system is None else (system,)
    cards: list[ConceptCard | RetiredCard] = []
    for name in systems:
        number = terminology.find(code, name)
        if number >= 0:
            cards.append(_card(terminology, code, number))
    seen = {card.system for card in cards}
    # a terminology may know a system by its retired codes alone
    asked = (system,) if system is not None else tuple(dict.fromkeys(("SNOMED", *terminology.system_names)))
    for name in asked:
        retired = terminology.retired.get(code, name)
        if retired is not None and name not in seen:
            successors = tuple(
                Successor(association, other, terminology.preferred[place] if place >= 0 else "")
                for association, other in retired.successors
                for place in [terminology.find(other, name)]
            )
            cards.append(RetiredCard(code, name, retired.name, retired.reason, successors))
    return cards


def _card(terminology: Terminology, asked: str, number: int) -> ConceptCard:
    hierarchy = terminology.hierarchy
    children = hierarchy.children(number)
    code, system = terminology.codes[number], terminology.systems[number]
    preferred = terminology.preferred[number]
    refsets = [refset for refset, members in terminology.refsets.items() if _held(members, number)]
    return ConceptCard(
        asked=asked,
        concept=number,
        code=code,
        system=system,
        preferred=preferred,
        names=((preferred, "preferred"), *TermStrings(terminology.arrays).of(number)),
        semantic_tag=terminology.semantic_tags[number],
        concept_id=int(terminology.concept_ids[number]),
        restriction=int(terminology.restrictions[number]),
        chronic=bool(terminology.chronic[number]),
        parents=tuple(_name(terminology, i) for i in hierarchy.parents(number).tolist()),
        n_children=len(children),
        children=tuple(_name(terminology, i) for i in children[:CHILDREN_SHOWN].tolist()),
        n_descendants=len(hierarchy.descendants(number)),
        ancestors=tuple(_name(terminology, i) for i in _upwards(terminology, number)),
        # a standard OMOP concept maps to itself, which says nothing
        targets=tuple(t for t in terminology.maps.targets(system, code) if (t.system, t.code) != (system, code)),
        sources=tuple(
            s
            for s in MapSources(terminology.arrays).sources([(system, code)])
            if (s.system, s.code) != (system, map_key(system, code))
        ),
        refsets=tuple((refset, _refset_name(terminology, refset)) for refset in refsets),
        redirected_from=tuple(
            old for old, new in terminology.redirects.items() if new == code and terminology.find(old, system) == number
        ),
    )


def _upwards(terminology: Terminology, number: int) -> list[int]:
    """All ancestors, nearest first."""
    found: dict[int, None] = {}
    front = [number]
    while front:
        above = sorted({parent for i in front for parent in terminology.hierarchy.parents(i).tolist()} - found.keys())
        found.update(dict.fromkeys(above))
        front = above
    return list(found)


def _held(members: np.ndarray, number: int) -> bool:
    place = int(np.searchsorted(members, number))
    return place < len(members) and int(members[place]) == number


def _refset_name(terminology: Terminology, refset: str) -> str:
    number = terminology.find(refset, "SNOMED")
    return terminology.preferred[number] if number >= 0 else ""


def _name(terminology: Terminology, number: int) -> ConceptName:
    return ConceptName(number, terminology.codes[number], terminology.systems[number], terminology.preferred[number])
