"""Which group of a terminology a string belongs to, for many strings at once; and names of groups that hold across
terminologies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..trie import EMPTY, GOLDEN
from .terminology import Terminology


def groups_of(terminology: Terminology, words: Sequence[Sequence[str]]) -> np.ndarray:
    """Group [n] int32 that each sequence of normalised words (`tokens.key_words`) names as a whole, -1 where none."""
    lengths = np.array([len(sequence) for sequence in words], np.int64)
    ids = terminology.vocabulary.ids([word for sequence in words for word in sequence])
    starts = np.cumsum(lengths) - lengths
    trie = terminology.trie
    node = np.zeros(len(words), np.int64)
    alive = np.flatnonzero(lengths > 0)
    for level in range(int(lengths.max()) if len(lengths) else 0):
        alive = alive[lengths[alive] > level]
        word = ids[starts[alive] + level]
        known = word >= 0
        node[alive[~known]] = 0
        alive, word = alive[known], word[known]
        node[alive] = trie.first[word] if level == 0 else trie.step(node[alive], word)
        alive = alive[node[alive] > 0]
    return np.where(node > 0, trie.group[node], -1).astype(np.int32)


def group_hashes(terminology: Terminology) -> np.ndarray:
    """[groups] uint64: a hash of each group's normalised words in order, the same in every terminology."""
    trie = terminology.trie
    words = terminology.vocabulary.hashes.astype(np.uint64)
    nodes = np.zeros(len(trie.group), np.uint64)
    reached = np.zeros(len(trie.group), bool)
    first = trie.first[: len(words)]
    seen = first > 0
    nodes[first[seen]] = _mixed(np.zeros(int(seen.sum()), np.uint64), words[seen])
    reached[first[seen]] = True
    used = trie.keys != EMPTY
    edges, children = trie.keys[used], trie.values[used]
    parents, by = edges >> 32, edges & 0xFFFFFFFF
    waiting = np.arange(len(edges))
    while len(waiting):  # a level of the trie each time
        ready = reached[parents[waiting]]
        now = waiting[ready]
        if not len(now):
            break
        nodes[children[now]] = _mixed(nodes[parents[now]], words[by[now]])
        reached[children[now]] = True
        waiting = waiting[~ready]
    ends = np.flatnonzero(trie.group >= 0)
    hashes = np.zeros(len(terminology.group_start) - 1, np.uint64)
    hashes[trie.group[ends]] = nodes[ends]
    return hashes


def hashes_of(words: Sequence[Sequence[str]]) -> np.ndarray:
    """[n] uint64: the hash that `group_hashes` gives to a group with these normalised words."""
    from ..trie import hash_words

    flat = hash_words([word for sequence in words for word in sequence])
    hashes = np.zeros(len(words), np.uint64)
    lengths = np.array([len(sequence) for sequence in words], np.int64)
    starts = np.cumsum(lengths) - lengths
    for level in range(int(lengths.max()) if len(lengths) else 0):
        rows = np.flatnonzero(lengths > level)
        hashes[rows] = _mixed(hashes[rows], flat[starts[rows] + level])
    return hashes


def _mixed(before: np.ndarray, word: np.ndarray) -> np.ndarray:
    """One hash from that of the words before and that of the next word; order counts (splitmix64's finaliser)."""
    mixed = before * GOLDEN + word + np.uint64(1)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
