"""Matches inside longer matches, on request: "acute kidney injury" also names a kidney injury."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from .context import Context
from .found import Found
from .misspellings import Misspelled
from .stream import Stream
from .terminology.terminology import GROUP_ANY, Terminology


def nested_matches(
    terminology: Terminology, stream: Stream, first: np.ndarray, last: np.ndarray, concept: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Every shorter dictionary string inside the matches [first, last) with `concept` [k], of a concept of its own.

    Returns first word, last word (half-open), group, concept and the number of the match around it, ordered by these.
    Strings that need capitals are left out: a part of a name is no acronym.
    """
    long = np.flatnonzero(last - first > 1)
    counts = (last - first)[long]
    owner = np.repeat(long, counts)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = first[owner] + offset
    trie = terminology.trie
    node = trie.first[stream.term[start]]
    depth = 1
    found: list[tuple[np.ndarray, ...]] = []
    while len(start):
        group = trie.group[node]
        whole = (start == first[owner]) & (start + depth == last[owner])
        rows = np.flatnonzero((group >= 0) & ~whole)
        rows = rows[terminology.group_case[group[rows]] == GROUP_ANY]
        number = terminology.entry_concept[terminology.group_start[group[rows]]]
        own = number != concept[owner[rows]]
        rows, number = rows[own], number[own]
        found.append((start[rows], start[rows] + depth, group[rows], number, owner[rows]))
        going = (node > 0) & (start + depth < last[owner])
        start, owner, node = start[going], owner[going], node[going]
        word = stream.term[start + depth] if len(start) else start
        known = word >= 0
        start, owner = start[known], owner[known]
        node = trie.step(node[known], word[known])
        going = node > 0
        start, owner, node = start[going], owner[going], node[going]
        depth += 1
    columns = [np.concatenate(column) for column in zip(*found)] if found else [np.empty(0, np.int64)] * 5
    order = np.lexsort((columns[4], columns[3], columns[1], columns[0]))
    columns = [column[order] for column in columns]
    # of two matches around one string the first owns it; a string that is a match by itself stays what it is
    same = np.zeros(len(order), bool)
    same[1:] = np.all([column[1:] == column[:-1] for column in (columns[0], columns[1], columns[3])], axis=0)
    taken = set(zip(first.tolist(), last.tolist()))
    alone = [span not in taken for span in zip(columns[0].tolist(), columns[1].tolist())]
    keep = ~same & np.array(alone, bool)
    return columns[0][keep], columns[1][keep], columns[2][keep], columns[3][keep], columns[4][keep]


def with_nested(
    terminology: Terminology, stream: Stream, slips: Misspelled, found: Found, context: Context
) -> tuple[Found, Context, np.ndarray]:
    """Matches and the strings inside them by position, the context of each, and which lie inside another [n] bool.

    What lies inside a match is asserted as the match is.
    """
    *inner, owner = nested_matches(terminology, stream, found.first, found.last, found.concept)
    first, last, group, concept = inner
    every = found.and_also(Found.in_dictionary(stream, slips, first, last, group, concept))
    order = every.by_position()
    owners = np.concatenate((np.arange(len(found)), owner))
    return every.take(order), shared_context(context, owners[order]), order >= len(found)


def shared_context(context: Context, owner: np.ndarray) -> Context:
    """The context of mentions [n] that each take it over from a mention of `context`: `owner` [n] its number."""
    low = np.searchsorted(context.pair_mention, owner, side="left")
    counts = np.searchsorted(context.pair_mention, owner, side="right") - low
    pair_mention = np.repeat(np.arange(len(owner)), counts)
    place = np.arange(len(pair_mention)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    columns: dict[str, np.ndarray] = {}
    for field in fields(context):
        values: np.ndarray = getattr(context, field.name)
        columns[field.name] = values[place] if field.name.startswith("pair_") else values[owner]
    columns["pair_mention"] = pair_mention
    return replace(context, **columns)
