"""Finding a terminology's strings in the word stream: longest match, capitals where a string needs them."""

from __future__ import annotations

import numpy as np

from .stream import Stream
from .terminology.terminology import ENTRY_CASE, GROUP_MIXED, GROUP_UPPER, GROUP_UPPER_WORDLIKE, Terminology
from .tokens import Flag, Kind
from .trie import without_overlaps


def recognize(terminology: Terminology, stream: Stream) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return first word, last word (half-open), group and concept of every mention, ordered by position.

    Acronyms match in capitals only; one that is also an English word ("ALL", "CAN") not inside a shouted passage.
    """
    upper = (stream.flags & Flag.UPPER) > 0
    exempt = upper | (stream.kind != Kind.WORD) | ((stream.flags & Flag.INITIAL) > 0)
    # lowered[i] = words before i that are not in capitals
    lowered = np.zeros(len(stream.kind) + 1, np.int32)
    np.cumsum(~exempt, out=lowered[1:])
    case = terminology.group_case

    def accepts(groups: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        needs = case[groups]
        capitals = lowered[ends] == lowered[starts]
        shouting = _shouted_around(stream, upper, starts, ends)
        return (
            ((needs != GROUP_UPPER) & (needs != GROUP_UPPER_WORDLIKE))
            | ((needs == GROUP_UPPER) & capitals)
            | ((needs == GROUP_UPPER_WORDLIKE) & capitals & ~shouting)
        )

    first, last, group = terminology.trie.longest(stream.term, accepts)
    keep = without_overlaps(first, last)
    first, last, group = first[keep], last[keep], group[keep]
    entry = terminology.group_start[group].astype(np.int64)
    # where capitals decide, a small-letter match takes the first entry that does not need them
    mixed = np.flatnonzero((case[group] == GROUP_MIXED) & (lowered[last] != lowered[first]))
    for i in mixed.tolist():
        stop = int(terminology.group_start[group[i] + 1])
        while entry[i] < stop - 1 and terminology.entry_flags[entry[i]] & ENTRY_CASE:
            entry[i] += 1
    return first, last, group, terminology.entry_concept[entry]


def _shouted_around(stream: Stream, upper: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """[k] bool: whether a neighbouring word of three letters or more is in capitals too."""
    long_upper = upper & (stream.end - stream.start >= 3)
    before = np.maximum(starts - 1, 0)
    after = np.minimum(ends, len(upper) - 1)
    return long_upper[before] | long_upper[after]
