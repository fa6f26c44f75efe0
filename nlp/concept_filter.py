"""Which concepts of a terminology are extracted at all: by semantic tag, by ECL expression, by code system.

An unwanted concept is taken away before matching, not after it. So a shorter wanted term is found where a longer
unwanted one would hide it, and an ambiguous string stands for its wanted concepts only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from .normalize import normalize
from .order_free import BagTable
from .terminology.ecl import evaluate
from .terminology.plain_english import plain_english_words
from .terminology.systems import canonical_system
from .terminology.terminology import (
    ENTRY_CASE,
    GROUP_ANY,
    GROUP_MIXED,
    GROUP_UPPER,
    GROUP_UPPER_WORDLIKE,
    Terminology,
)

UNTAGGED = "none"
"""Stands for "no semantic tag": concepts of HPO and other systems outside SNOMED CT have none."""


class ConceptFilterError(ValueError):
    """A filter that cannot be applied to a terminology; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ConceptFilter:
    """What a concept must be; all that is given must hold.

    Attributes:
        ecl: an expression; see `docs/ecl.md`.
        tags: semantic tags, such as `disorder`; `none` stands for concepts without one.
        systems: vocabulary names, such as `SNOMED`.

    >>> from phenotext.nlp import Extractor
    >>> note = Extractor(concepts=ConceptFilter(tags=("procedure",)))("Appendectomy for appendicitis.")
    >>> [m.text for m in note.mentions]
    ['Appendectomy']
    """

    ecl: str | None = None
    tags: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.ecl is not None or bool(self.tags) or bool(self.systems)

    def wanted(self, terminology: Terminology) -> np.ndarray:
        """[n_concepts] bool.

        Raises EclError for an expression that cannot be read or names unknown codes, ConceptFilterError for tags and
        systems that the terminology does not have, and where no concept is left.
        """
        mask = np.ones(terminology.n_concepts, bool)
        if self.tags:
            mask &= _tagged(terminology, self.tags)
        if self.systems:
            mask &= _of_systems(terminology, self.systems)
        if self.ecl is not None:
            found = np.zeros(terminology.n_concepts, bool)
            found[evaluate(terminology, self.ecl, strict=True)] = True
            mask &= found
        if not mask.any():
            raise ConceptFilterError(
                f"no concept of terminology {terminology.name} passes the filter, so nothing would be found;"
                " widen the expression or the tags"
            )
        return mask


def narrowed(terminology: Terminology, wanted: np.ndarray) -> Terminology:
    """The terminology as matching sees it: only the strings of concepts that are `wanted` [n_concepts] bool.

    Concepts and groups keep their numbers. Of arrays over strings new copies are made, the others are shared.
    """
    kept = wanted[terminology.entry_concept]
    group_start = terminology.group_start.astype(np.int64)
    groups = len(group_start) - 1
    group_of = np.repeat(np.arange(groups), np.diff(group_start))[kept]
    start = np.zeros(groups + 1, np.int32)
    np.cumsum(np.bincount(group_of, minlength=groups), out=start[1:])
    flags = terminology.entry_flags[kept]
    empty = np.append(np.diff(start) == 0, True)  # the last cell answers for group -1
    bags = terminology.bags
    return replace(
        terminology,
        trie=replace(terminology.trie, group=_without(terminology.trie.group, empty)),
        bags=BagTable(bags.keys, _without(bags.groups, empty), bags.words),
        group_start=start,
        group_case=_group_case(terminology, group_of, (flags & ENTRY_CASE) > 0),
        entry_concept=terminology.entry_concept[kept],
        entry_flags=flags,
    )


def _without(group: np.ndarray, empty: np.ndarray) -> np.ndarray:
    return np.where(empty[group], -1, group).astype(group.dtype)


def _group_case(terminology: Terminology, group_of: np.ndarray, needs: np.ndarray) -> np.ndarray:
    """[groups]: what the strings' case must be, where entries of mixed groups were taken away."""
    groups = len(terminology.group_start) - 1
    case = terminology.group_case.copy()
    any_case = np.bincount(group_of[~needs], minlength=groups) > 0
    some_need = np.bincount(group_of[needs], minlength=groups) > 0
    mixed = case == GROUP_MIXED
    case[mixed & ~some_need] = GROUP_ANY
    upper = mixed & some_need & ~any_case
    if upper.any():
        # acronyms that are also English words must not match inside shouted passages
        words = terminology.vocabulary.ids(sorted({normalize(word) for word in plain_english_words()}))
        ends = terminology.trie.group[terminology.trie.first[words[words >= 0]]]
        wordlike = np.zeros(groups + 1, bool)
        wordlike[ends] = True
        case[upper] = np.where(wordlike[:-1][upper], GROUP_UPPER_WORDLIKE, GROUP_UPPER)
    return case


def _tagged(terminology: Terminology, tags: tuple[str, ...]) -> np.ndarray:
    blob, offsets = terminology.arrays["semantic_tags_blob"], terminology.arrays["semantic_tags_offsets"]
    length = np.diff(offsets)
    mask = np.zeros(terminology.n_concepts, bool)
    for tag in tags:
        name = b"" if tag == UNTAGGED else tag.encode()
        rows = np.flatnonzero(length == len(name))
        text = blob[offsets[rows][:, None] + np.arange(len(name))]
        rows = rows[(text == np.frombuffer(name, np.uint8)).all(axis=1)]
        if not len(rows):
            held = sorted({tag or UNTAGGED for tag in set(terminology.semantic_tags)})
            near = get_close_matches(tag, held, 1) or get_close_matches(tag.removesuffix("s"), held, 1)
            raise ConceptFilterError(
                f"no concept of terminology {terminology.name} has the semantic tag {tag!r};"
                + (f" did you mean {near[0]!r}? It has" if near else " it has")
                + f" {', '.join(held)}"
            )
        mask[rows] = True
    return mask


def _of_systems(terminology: Terminology, systems: tuple[str, ...]) -> np.ndarray:
    mask = np.zeros(terminology.n_concepts, bool)
    for system in systems:
        name = canonical_system(system)
        if name not in terminology.system_names:
            raise ConceptFilterError(
                f"terminology {terminology.name} has no codes of {name}; it has {', '.join(terminology.system_names)}"
            )
        mask |= terminology.concept_system == terminology.system_names.index(name)
    return mask
