"""A word trie in flat arrays: built level by level with numpy, stepped for every position of a batch at once.

The first step is an array look-up by word id; deeper steps go through one open-addressing hash table keyed by
(node, word). All arrays can lie in a memory map, so a million terms open in no time and are shared between processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Accept = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
# Fibonacci hashing: the golden ratio's bits spread consecutive keys over the table.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
EMPTY = -1
MAX_WORDS = 24


def hash_words(words: Iterable[str]) -> np.ndarray:
    """64-bit blake2b of each word [n]; the same on every machine and in every process."""
    blake2b = hashlib.blake2b
    digests = b"".join([blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest() for word in words])
    return np.frombuffer(digests, dtype="<u8")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Word ids by sorted 64-bit hashes: id = rank of the word's hash. Words themselves are not stored."""

    hashes: np.ndarray

    @classmethod
    def build(cls, words: Iterable[str]) -> Vocabulary:
        distinct = sorted(set(words))
        hashes = np.unique(hash_words(distinct))
        if len(hashes) != len(distinct):
            raise ValueError("vocabulary: two words share a 64-bit hash; rename one of the terms that use them")
        return cls(hashes)

    def ids(self, words: Sequence[str]) -> np.ndarray:
        """Ids of `words` [n] int32, -1 where a word is unknown or empty."""
        if not len(self.hashes) or not words:
            return np.full(len(words), -1, np.int32)
        wanted = hash_words(words)
        place = np.searchsorted(self.hashes, wanted)
        place[place == len(self.hashes)] = 0
        found = np.where(self.hashes[place] == wanted, place, -1).astype(np.int32)
        found[[not word for word in words]] = -1
        return found


@dataclass(frozen=True, slots=True)
class Trie:
    """Arrays of a word trie over V words with N nodes (node 0 is the root and no child of any).

    `first` [V+1] node after one word (0: none; the last cell serves word id -1); `keys`/`values` [2^b] the hash table;
    `group` [N] payload group that ends at a node, -1 none; `inner` [N] whether a node has children.
    """

    first: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    group: np.ndarray
    inner: np.ndarray

    @classmethod
    def build(cls, sequences: np.ndarray, lengths: np.ndarray, vocabulary_size: int) -> tuple[Trie, np.ndarray]:
        """Build from word ids `sequences` [n, width] (padded) with `lengths` [n] >= 1.

        Returns the trie and the group number of each sequence [n]; equal sequences share a group.
        """
        n = len(lengths)
        state = np.zeros(n, np.int64)
        nodes = 1
        first = np.zeros(vocabulary_size + 1, np.int32)
        all_keys: list[np.ndarray] = []
        all_values: list[np.ndarray] = []
        for level in range(int(lengths.max()) if n else 0):
            rows = np.flatnonzero(lengths > level)
            keys = (state[rows] << 32) | sequences[rows, level].astype(np.int64)
            distinct, inverse = np.unique(keys, return_inverse=True)
            children = np.arange(nodes, nodes + len(distinct), dtype=np.int64)
            nodes += len(distinct)
            state[rows] = children[inverse]
            if level == 0:
                first[distinct] = children
            else:
                all_keys.append(distinct)
                all_values.append(children)
        edges = np.concatenate(all_keys) if all_keys else np.empty(0, np.int64)
        targets = np.concatenate(all_values) if all_values else np.empty(0, np.int64)
        keys, values = _hash_table(edges, targets)
        inner = np.zeros(nodes, bool)
        inner[edges >> 32] = True
        ends, group_of = np.unique(state, return_inverse=True)
        group = np.full(nodes, -1, np.int32)
        if n:
            group[ends] = np.arange(len(ends), dtype=np.int32)
        return cls(first, keys, values, group, inner), group_of.astype(np.int32)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], prefix: str) -> Trie:
        return cls(*(arrays[prefix + name] for name in ("first", "keys", "values", "group", "inner")))

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays by name, each name with `prefix`, for an artefact."""
        return {prefix + name: getattr(self, name) for name in ("first", "keys", "values", "group", "inner")}

    def step(self, nodes: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Children of `nodes` [k] by `words` [k]; 0 where there is none."""
        keys = (nodes.astype(np.int64) << 32) | words.astype(np.int64)
        mask = np.int64(len(self.keys) - 1)
        slots = _slots(keys, len(self.keys))
        held = self.keys[slots]
        result = np.where(held == keys, self.values[slots], 0)
        open_ = np.flatnonzero((held != keys) & (held != EMPTY))
        while len(open_):
            slots[open_] = (slots[open_] + 1) & mask
            held = self.keys[slots[open_]]
            wanted = keys[open_]
            hit = held == wanted
            result[open_[hit]] = self.values[slots[open_[hit]]]
            open_ = open_[~hit & (held != EMPTY)]
        return result

    def longest(
        self, words: np.ndarray, accepts: Accept | None = None, positions: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Longest match from every position of `words` [n] (ids, -1 unknown), or from the ascending `positions` only.

        Returns starts, ends (half-open word positions) and groups of the matches, ordered by start. `accepts(groups,
        starts, ends)` may veto a match; then the next shorter one from that start counts.
        """
        if positions is None:
            node = self.first[words]
            starts = np.flatnonzero(node)
            node = node[starts]
        else:
            node = self.first[words[positions]]
            starts, node = positions[node > 0], node[node > 0]
        best_end = np.zeros(len(starts), np.int64)
        best_group = np.full(len(starts), -1, np.int32)
        alive = np.arange(len(starts))
        depth = 1
        total = len(words)
        while len(alive):
            group = self.group[node]
            hits = np.flatnonzero(group >= 0)
            if len(hits):
                rows = alive[hits]
                groups = group[hits]
                if accepts is not None:
                    ok = accepts(groups, starts[rows], starts[rows] + depth)
                    rows, groups = rows[ok], groups[ok]
                best_end[rows] = starts[rows] + depth
                best_group[rows] = groups
            go_on = self.inner[node]
            alive, node = alive[go_on], node[go_on]
            position = starts[alive] + depth
            inside = position < total
            if not inside.all():
                alive, node, position = alive[inside], node[inside], position[inside]
            word = words[position]
            known = word >= 0
            alive, node = alive[known], node[known]
            node = self.step(node, word[known])
            moved = node > 0
            alive, node = alive[moved], node[moved]
            depth += 1
        matched = best_group >= 0
        return starts[matched], best_end[matched], best_group[matched]


def _slots(keys: np.ndarray, size: int) -> np.ndarray:
    shift = np.uint64(64 - (size.bit_length() - 1))
    # the words of one node differ in the low bits, nodes in the high ones: fold before multiplying
    mixed = keys.view(np.uint64) ^ (keys.view(np.uint64) >> np.uint64(29))
    return ((mixed * GOLDEN) >> shift).astype(np.int64)


def _hash_table(edges: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Insert all edges at once: every round, each free slot takes one of the edges that want it, the rest move on."""
    size = 2
    while size < 1.6 * max(len(edges), 1):
        size *= 2
    keys = np.full(size, EMPTY, np.int64)
    values = np.zeros(size, np.int32)
    waiting = np.arange(len(edges))
    slots = _slots(edges, size) if len(edges) else np.empty(0, np.int64)
    while len(waiting):
        wanted = slots[waiting]
        free = keys[wanted] == EMPTY
        candidates = waiting[free]
        _, winners = np.unique(slots[candidates], return_index=True)
        placed = candidates[winners]
        keys[slots[placed]] = edges[placed]
        values[slots[placed]] = targets[placed]
        lost = np.ones(len(edges), bool)
        lost[placed] = False
        waiting = waiting[lost[waiting]]
        slots[waiting] = (slots[waiting] + 1) & (size - 1)
    return keys, values


def pad(sequences: Sequence[Sequence[int] | np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Word-id sequences as a matrix padded with 0, and their lengths."""
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    width = int(lengths.max()) if len(lengths) else 0
    matrix = np.zeros((len(sequences), width), np.int32)
    if width:
        filled = np.arange(width)[None, :] < lengths[:, None]
        matrix[filled] = np.concatenate([np.asarray(sequence, np.int32) for sequence in sequences])
    return matrix, lengths


def without_overlaps(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Indices of matches to keep: of overlapping matches the longest wins, of equally long ones the leftmost.

    `starts` must be ascending, of equal starts the longest first. Matches inside another are dropped at once; only
    chains of matches that cross each other cost Python time.
    """
    if len(starts) < 2:
        return np.arange(len(starts))
    reach = np.maximum.accumulate(ends)
    inside = np.zeros(len(starts), bool)
    inside[1:] = ends[1:] <= reach[:-1]
    outer = np.flatnonzero(~inside)
    crossing = starts[outer[1:]] < ends[outer[:-1]]
    if not crossing.any():
        return outer
    kept = np.ones(len(outer), bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], crossing, [False])).astype(np.int8)))
    stops = np.append(outer, len(starts))
    chosen: list[int] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist()):  # chain: outer[first] .. outer[last]
        kept[first : last + 1] = False
        # what stands inside a loser may stand after all, so the whole stretch competes
        chosen += _longest_first(range(int(outer[first]), int(stops[last + 1])), starts, ends)
    return np.sort(np.concatenate((outer[kept], np.array(chosen, np.int64))))


def _longest_first(matches: Iterable[int], starts: np.ndarray, ends: np.ndarray) -> list[int]:
    """Greedy choice among `matches`: the longest first, of equally long ones the leftmost."""
    chosen: list[int] = []
    for i in sorted(matches, key=lambda m: (starts[m] - ends[m], starts[m])):
        if all(ends[i] <= starts[j] or starts[i] >= ends[j] for j in chosen):
            chosen.append(i)
    return chosen
