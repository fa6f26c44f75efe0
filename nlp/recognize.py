"""Finding a terminology's strings in the word stream: longest match, capitals where a string needs them."""

from __future__ import annotations

import numpy as np

from .order_free import find_bags
from .stream import Stream
from .terminology.terminology import ENTRY_CASE, GROUP_ANY, GROUP_MIXED, GROUP_UPPER_WORDLIKE, Terminology
from .tokens import Flag, Kind, SurfaceTable, kind_in
from .trie import without_overlaps

Matches = tuple[np.ndarray, np.ndarray, np.ndarray]


def recognize(
    terminology: Terminology, stream: Stream, surfaces: SurfaceTable, linking: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return first word, last word (half-open), group and concept of every mention, ordered by position.

    Acronyms match in capitals only; one that is also an English word ("ALL", "CAN") not inside a shouted passage.
    `linking` [cue vocabulary + 1] marks conjunctions; None leaves out order-free matching.
    """
    upper = (stream.flags & Flag.UPPER) > 0
    exempt = upper | (stream.kind != Kind.WORD) | ((stream.flags & Flag.INITIAL) > 0)
    # lowered[i] = words before i that are not in capitals
    lowered = np.zeros(len(stream.kind) + 1, np.int32)
    np.cumsum(~exempt, out=lowered[1:])
    case = terminology.group_case

    def accepts(groups: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        needs = case[groups]
        fits = (needs == GROUP_ANY) | (needs == GROUP_MIXED)
        rows = np.flatnonzero(~fits)
        if len(rows):
            starts, ends = starts[rows], ends[rows]
            capitals = (lowered[ends] == lowered[starts]) & ~part_of_a_name(stream, upper, starts, ends)
            shouting = (needs[rows] == GROUP_UPPER_WORDLIKE) & shouted_around(stream, upper, starts, ends)
            fits[rows] = capitals & ~shouting
        return fits

    first, last, group = terminology.trie.longest(stream.term, accepts)
    keep = without_overlaps(first, last)
    exact = (first[keep], last[keep], group[keep])
    first, last, group = exact if linking is None else _with_bags(terminology, stream, surfaces, linking, exact)
    entry = terminology.group_start[group].astype(np.int64)
    # where capitals decide, a small-letter match takes the first entry that does not need them
    mixed = np.flatnonzero((case[group] == GROUP_MIXED) & (lowered[last] != lowered[first]))
    for i in mixed.tolist():
        stop = int(terminology.group_start[group[i] + 1])
        while entry[i] < stop - 1 and terminology.entry_flags[entry[i]] & ENTRY_CASE:
            entry[i] += 1
    concept = terminology.entry_concept[entry]
    if ((first[1:] == first[:-1]) & (last[1:] == last[:-1])).any():
        # strings of one concept may be read from the same words: "dissection and a large lymph node"
        _, rows = np.unique(np.stack((first, last, concept)), axis=1, return_index=True)
        rows.sort()
        first, last, group, concept = first[rows], last[rows], group[rows], concept[rows]
    return first, last, group, concept


def _with_bags(
    terminology: Terminology, stream: Stream, surfaces: SurfaceTable, linking: np.ndarray, exact: Matches
) -> Matches:
    """Add order-free matches: compact ones compete with the exact ones by length, stretched ones stand beside them."""
    first, last, group, stretched = find_bags(
        terminology.bags,
        stream,
        surfaces.class_hash[stream.surface],
        surfaces.in_bag[stream.surface],
        linking[stream.cue],
    )
    if not len(first):
        return exact
    compact = ~stretched
    # exact matches first: of equally long ones they win
    all_first = np.concatenate((exact[0], first[compact]))
    all_last = np.concatenate((exact[1], last[compact]))
    all_group = np.concatenate((exact[2], group[compact].astype(exact[2].dtype)))
    order = np.lexsort((np.arange(len(all_first)), all_first - all_last, all_first))
    all_first, all_last, all_group = all_first[order], all_last[order], all_group[order]
    keep = without_overlaps(all_first, all_last)
    all_first, all_last, all_group = all_first[keep], all_last[keep], all_group[keep]
    # a stretched match inside a longer name is part of it, not a finding of its own
    first, last, group = first[stretched], last[stretched], group[stretched]
    place = np.searchsorted(all_first, first, side="right") - 1
    inside = (place >= 0) & (np.append(all_last, 0)[place] >= last)
    fresh = np.ones(len(first), bool)
    fresh[1:] = (first[1:] != first[:-1]) | (last[1:] != last[:-1]) | (group[1:] != group[:-1])
    keep = ~inside & fresh
    all_first = np.concatenate((all_first, first[keep]))
    all_last = np.concatenate((all_last, last[keep]))
    all_group = np.concatenate((all_group, group[keep].astype(all_group.dtype)))
    order = np.lexsort((all_group, all_last, all_first))
    return all_first[order], all_last[order], all_group[order]


def part_of_a_name(stream: Stream, upper: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """[k] bool: acronyms tied by a hyphen to other capitals or a number: the "PD" of PD-L1 is no Parkinson disease."""
    code = upper | (stream.kind == Kind.NUMBER)
    before, after = np.maximum(starts - 1, 0), np.minimum(ends, len(upper) - 1)
    tied_before = code[before] & (stream.start[starts] - stream.end[before] == 1)
    tied_before &= kind_in(stream.kind[before], Kind.WORD, Kind.NUMBER)
    tied_after = code[after] & (stream.start[after] - stream.end[ends - 1] == 1)
    tied_after &= kind_in(stream.kind[after], Kind.WORD, Kind.NUMBER)
    # a blank is one character too: only what the stream dropped, a hyphen, leaves neighbours unspaced
    spaced = (stream.flags & Flag.SPACED) > 0
    return (tied_before & ~spaced[before]) | (tied_after & ~spaced[ends - 1])


def shouted_around(stream: Stream, upper: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """[k] bool: whether a neighbouring word of three letters or more is in capitals too."""
    before = np.maximum(starts - 1, 0)
    after = np.minimum(ends, len(upper) - 1)
    shouted = upper[before] & (stream.end[before] - stream.start[before] >= 3)
    return shouted | (upper[after] & (stream.end[after] - stream.start[after] >= 3))
