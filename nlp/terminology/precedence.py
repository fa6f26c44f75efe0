"""Which code comes first where a string names several: the order of the sources, then the kind of name.

1. What the user prefers (overrides).
2. Strings that a source has before strings that a rule derives.
3. The order in which the sources are given.
4. Preferred name, synonym, lay term, abbreviation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .rows import RANKS, TermVariant
from .rules import DERIVED_RANK
from .source_term import SourceTerm

Key = tuple[str, str]
MAX_SOURCES = 4096
USER_FIRST = RANKS * 2 * MAX_SOURCES
"""Taken away from the rank of what the user prefers, this puts it before every source."""


def rank_in_source(rank: int, source: int) -> int:
    """A rank that orders by all of the above; `% RANKS` gives `rank` back.

    >>> synonym_of_first, name_of_second, derived_of_first = (
    ...     rank_in_source(1, 0), rank_in_source(0, 1), rank_in_source(DERIVED_RANK, 0)
    ... )
    >>> synonym_of_first < name_of_second < derived_of_first
    True
    """
    derived = MAX_SOURCES if rank >= DERIVED_RANK else 0
    return RANKS * (derived + min(source, MAX_SOURCES - 1)) + rank


class SourceOrder:
    """Remembers from which source each variant comes, while terms stream through the rules one by one."""

    def __init__(self, sources: int) -> None:
        self._several = sources > 1
        self._current = -1
        self._first: dict[Key, int] = {}

    def from_source(self, terms: Iterable[SourceTerm], number: int) -> Iterator[SourceTerm]:
        """The terms of source `number`, noted as its own."""
        if not self._several:
            yield from terms
            return
        for term in terms:
            self._current = number
            key = (term.system, term.code)
            if self._first.get(key, number) >= number:
                self._first[key] = number
            yield term

    def done(self) -> None:
        """From here on variants come late (held back, or preferred names that no row has): they count as those of the
        first source that has their code."""
        self._current = -1

    def ranked(self, variants: Iterable[TermVariant]) -> Iterator[TermVariant]:
        """The variants with ranks that hold their source's place."""
        if not self._several:
            yield from variants
            return
        for variant in variants:
            source = self._current
            if source < 0:
                source = self._first.get((variant.system, variant.code), 0)
            yield replace(variant, rank=rank_in_source(variant.rank, source))
