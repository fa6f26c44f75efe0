"""Order-free matching: terms of several words found whatever their order, inflection or shared parts.

"Cyst of the kidney" is no string of a dictionary that has "renal cyst", and "short and broad thumbs" names two
findings. A term's key is the sum of its content words' class hashes (Zobrist), so the key of any stretch of text is the
difference of two prefix sums, whatever the order of its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .stream import Stream
from .tokens import Kind, kind_in
from .trie import GOLDEN, hash_words
from .word_class import STOPWORDS, word_class

MAX_BAG = 6
# Longest part that a shared head may skip: "short and very broad thumbs"
MAX_SKIP = 2
# First and last content word, and group, of each match.
Positions = tuple[np.ndarray, np.ndarray, np.ndarray]
LINKING = frozenset(("and", "or", "/"))


def bag_words(keys: Sequence[str]) -> list[str]:
    """Classes of the content words among normalised words; [] where the term is not fit for order-free matching.

    Unfit: punctuation inside, fewer than two or more than MAX_BAG content words, conjunctions, one-letter words.
    """
    words = [word_class(key) for key in keys if key not in STOPWORDS]
    if not 2 <= len(words) <= MAX_BAG:
        return []
    if any(not word.isalnum() or word in LINKING or (len(word) < 2 and not word.isdigit()) for word in words):
        return []
    return words


def class_hashes(keys: Sequence[str]) -> np.ndarray:
    """[n] uint64 hash of each normalised word's class; 0 for stopwords, for "" and for what is no word."""
    hashes = hash_words([word_class(key) for key in keys]).copy()
    hashes[[not key or key in STOPWORDS or not key[:1].isalnum() for key in keys]] = 0
    return hashes


@dataclass(frozen=True, slots=True)
class BagTable:
    """Open-addressing table from bag keys to dictionary groups, and the sorted hashes of all words in bags."""

    keys: np.ndarray
    groups: np.ndarray
    words: np.ndarray

    @classmethod
    def build(cls, bags: np.ndarray, groups: np.ndarray, words: np.ndarray) -> BagTable:
        """From bag keys [n] uint64 with their groups [n]; of equal keys the first counts."""
        distinct, first = np.unique(bags, return_index=True)
        size = 2
        while size < 2 * max(len(distinct), 1):
            size *= 2
        keys = np.zeros(size, np.uint64)
        values = np.full(size, -1, np.int32)
        waiting = np.flatnonzero(distinct)
        slots = _slots(distinct, size)
        while len(waiting):
            free = waiting[keys[slots[waiting]] == 0]
            _, winners = np.unique(slots[free], return_index=True)
            placed = free[winners]
            keys[slots[placed]] = distinct[placed]
            values[slots[placed]] = groups[first[placed]]
            waiting = waiting[keys[slots[waiting]] != distinct[waiting]]
            slots[waiting] = (slots[waiting] + 1) & (size - 1)
        return cls(keys, values, np.unique(words))

    def find(self, bags: np.ndarray) -> np.ndarray:
        """Group of each bag key [n], -1 where there is none."""
        size = len(self.keys)
        slots = _slots(bags, size)
        held = self.keys[slots]
        result = np.where(held == bags, self.groups[slots], -1)
        open_ = np.flatnonzero((held != bags) & (held != 0))
        while len(open_):
            slots[open_] = (slots[open_] + 1) & (size - 1)
            held = self.keys[slots[open_]]
            hit = held == bags[open_]
            result[open_[hit]] = self.groups[slots[open_[hit]]]
            open_ = open_[~hit & (held != 0)]
        return result

    def members(self, hashes: np.ndarray) -> np.ndarray:
        """[n] bool: whether a word's class occurs in any bag."""
        if not len(self.words):
            return np.zeros(len(hashes), bool)
        place = np.minimum(np.searchsorted(self.words, hashes), len(self.words) - 1)
        return self.words[place] == hashes


def _slots(bags: np.ndarray, size: int) -> np.ndarray:
    shift = np.uint64(64 - (size.bit_length() - 1))
    return ((bags * GOLDEN) >> shift).astype(np.int64)


@dataclass(slots=True)
class _Content:
    """The content words of a stream: `word` their positions, `key` prefix sums [n + 1], `link` what stands before each.

    `link`: 0 nothing or stopwords, 1 a conjunction, 2 anything else, which no match may cross. `touches`: the word
    stands
    right behind the one before; so a match must not end there, in the middle of a noun phrase ("bulbous nasal | tip").
    """

    word: np.ndarray
    key: np.ndarray
    link: np.ndarray
    touches: np.ndarray  # [n + 1]
    foreign: np.ndarray  # prefix count of words in no bag
    breaks: np.ndarray  # prefix count of links 2
    joints: np.ndarray  # prefix count of links 1


def find_bags(
    table: BagTable, stream: Stream, word_hash: np.ndarray, member: np.ndarray, linking: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Order-free matches in a word stream.

    `word_hash` [m] class hash of each word (0: stopword or no word), `member` [m] whether it is in any bag, `linking`
    [m]
    whether it is "and", "or", "/". Returns first word, last word (half-open), group, and whether the match is stretched
    over words of its neighbour ("[short] and broad [thumbs]").
    """
    content = _content(stream, word_hash, member, linking)
    found = _windows(table, content)
    stretched = _shared_heads(table, content)
    starts = np.concatenate([s for s, _, _ in found + stretched])
    lasts = np.concatenate([e for _, e, _ in found + stretched])
    groups = np.concatenate([g for _, _, g in found + stretched])
    flags = np.repeat([False, True], [sum(len(s) for s, _, _ in part) for part in (found, stretched)])
    first, last = content.word[starts], content.word[lasts] + 1
    order = np.lexsort((groups, last, first))
    return first[order], last[order], groups[order], flags[order]


def _content(stream: Stream, word_hash: np.ndarray, member: np.ndarray, linking: np.ndarray) -> _Content:
    is_word = (word_hash != 0) & ~linking & kind_in(stream.kind, Kind.WORD, Kind.NUMBER)
    word = np.flatnonzero(is_word)
    wall = ~is_word & ~linking & ~kind_in(stream.kind, Kind.WORD, Kind.NUMBER)
    walls = np.cumsum(wall)
    joints = np.cumsum(linking)
    link = np.zeros(len(word), np.int8)
    if len(word):
        link[1:] = np.where(np.diff(walls[word]) > 0, 2, np.minimum(np.diff(joints[word]), 1))
        link[0] = 2
    key = np.zeros(len(word) + 1, np.uint64)
    np.cumsum(word_hash[word], out=key[1:])

    def prefix(flags: np.ndarray) -> np.ndarray:
        counts = np.zeros(len(flags) + 1, np.int32)
        np.cumsum(flags, out=counts[1:])
        return counts

    touches = np.zeros(len(word) + 1, bool)
    touches[1:-1] = np.diff(word) == 1
    return _Content(word, key, link, touches, prefix(~member[word]), prefix(link == 2), prefix(link == 1))


def _windows(table: BagTable, content: _Content) -> list[Positions]:
    """Matches of 2 to MAX_BAG neighbouring content words: content positions of the first and last, groups."""
    n = len(content.word)
    stops = content.foreign[1:].copy()  # [i]: words and links up to and with i that no match may hold
    stops += content.breaks[1:] + content.joints[1:]
    start = np.flatnonzero(content.foreign[1:] == content.foreign[:-1])
    matches: list[Positions] = []
    for length in range(2, MAX_BAG + 1):
        start = start[start <= n - length]
        start = start[stops[start + length - 1] == stops[start]]
        whole = start[~content.touches[start + length]]
        group = table.find(content.key[whole + length] - content.key[whole])
        hit = group >= 0
        matches.append((whole[hit], whole[hit] + length - 1, group[hit]))
    return matches


def _shared_heads(table: BagTable, content: _Content) -> list[Positions]:
    """Matches whose head is shared: "[short] and broad [thumbs]", "[hypoplasia] of the maxilla and [mandible]"."""
    joint = np.flatnonzero(content.link == 1)
    # both neighbours of the joint belong to the terms that share a head
    foreign = content.foreign
    joint = joint[(foreign[joint + 1] == foreign[joint]) & (foreign[joint] == foreign[joint - 1])]
    matches: list[Positions] = []
    for alone in (1, 2):
        for skip in range(1, MAX_SKIP + 1):
            for head in (1, 2):
                # the lone part ends right before the joint, the head follows `skip` words after it
                matches.append(
                    _stretched(table, content, joint - alone, joint, joint + skip, joint + skip + head, joint)
                )
                # the head comes first, the lone part begins right after the joint
                matches.append(
                    _stretched(table, content, joint - skip - head, joint - skip, joint, joint + alone, joint)
                )
    return matches


def _stretched(
    table: BagTable,
    content: _Content,
    first: np.ndarray,
    first_end: np.ndarray,
    second: np.ndarray,
    second_end: np.ndarray,
    joint: np.ndarray,
) -> Positions:
    """Look up the two blocks [first, first_end) and [second, second_end) as one bag."""
    n = len(content.word)
    inside = (first >= 0) & (second_end <= n)
    first, first_end, second, second_end = (a[inside] for a in (first, first_end, second, second_end))
    foreign, breaks, joints = content.foreign, content.breaks, content.joints
    ok = foreign[first_end] == foreign[first]
    ok &= foreign[second_end] == foreign[second]
    ok &= breaks[second_end] == breaks[first + 1]
    ok &= ~content.touches[second_end]
    # neither block may hold a joint inside; the head must lean on its neighbour without one
    ok &= joints[first_end] == joints[first + 1]
    ok &= joints[second_end] == joints[second + 1]
    right_head = first_end == joint[inside]
    # "broad thumbs": the head touches the part it follows; "hypoplasia of the ...": a preposition follows the head
    ok &= np.where(
        right_head,
        content.touches[np.minimum(second, n)],
        (content.link[np.minimum(first_end, n - 1)] == 0) & ~content.touches[np.minimum(first_end, n)],
    )
    first, first_end, second, second_end = (a[ok] for a in (first, first_end, second, second_end))
    key = content.key
    group = table.find(key[first_end] - key[first] + (key[second_end] - key[second]))
    hit = group >= 0
    return first[hit], second_end[hit] - 1, group[hit]
