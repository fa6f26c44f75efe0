"""The index of spellings: every word of a terminology, by what is left of it with one letter gone, and by its sound.

Two words within one slip of each other (a letter too few, too many, another, or two exchanged) share a string that is
left of both when at most one letter of each is taken out (the deletion neighbourhood of SymSpell, Garbe 2012). Words
further apart that sound alike ("hemorage", "arythmia") share a sound key. Both are hashes in sorted arrays, so a word
is looked up without a loop over the vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .normalize import americanize, fold
from .terminology.artefact import StringColumn
from .trie import GOLDEN

SHORTEST = 5
LONGEST = 32
# An odd multiplier: words are polynomials in it, modulo 2^64.
BASE = np.uint64(0x2545F4914F6CDD1D)
_LETTERS = re.compile(r"[a-z]+\Z")
# Spellings of one sound, in order; what they have in common is all that counts, not how anyone speaks.
_FIRST_SOUNDS = (("pn", "n"), ("gn", "n"), ("kn", "n"), ("mn", "n"), ("ps", "s"), ("wr", "r"), ("x", "s"))
_SOUNDS = tuple(
    tuple(pair.split(">"))
    for pair in "ph>f rh>r th>t ae>e oe>e sce>se sci>si scy>si ce>se ci>si cy>si ch>k ck>k c>k q>k z>s y>i ght>t ei>e"
    " ie>e ea>e ee>e".split()
)
_DOUBLED = re.compile(r"(.)\1+")


def spelling(word: str) -> str:
    """The form in which words are compared: lower case, American, no plural taken off; "" where it is no plain word."""
    form = americanize(fold(word))
    return form if SHORTEST <= len(form) <= LONGEST and _LETTERS.match(form) else ""


@lru_cache(maxsize=1 << 15)
def sound_key(form: str) -> str:
    """What a spelling sounds like, roughly: `hemorrhage` and `hemorage` have one key."""
    for letters, sound in _FIRST_SOUNDS:
        if form.startswith(letters):
            form = sound + form[len(letters) :]
            break
    for letters, sound in _SOUNDS:
        form = form.replace(letters, sound)
    return _DOUBLED.sub(r"\1", form)


def edits(one: str, other: str, limit: int) -> int:
    """Letters to add, drop, change or exchange with their neighbour (optimal string alignment); limit + 1 if more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, its in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


@dataclass(frozen=True, slots=True)
class SpellingIndex:
    """`spellings`: the distinct spellings [s], ascending; `keys` [d] uint32 ascending with `words` [d] int32, the
    spelling that each deletion key belongs to; `sounds` and `sound_words` [s] the same for sound keys."""

    spellings: StringColumn
    keys: np.ndarray
    words: np.ndarray
    sounds: np.ndarray
    sound_words: np.ndarray

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> SpellingIndex:
        return cls(
            StringColumn(arrays["spelling_blob"], arrays["spelling_offsets"]),
            arrays["spelling_keys"],
            arrays["spelling_words"],
            arrays["spelling_sounds"],
            arrays["spelling_sound_words"],
        )

    def __len__(self) -> int:
        return len(self.spellings)

    def near(self, forms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (number in `forms`, spelling number) that share a key, ordered and each once; distances are not
        checked."""
        if not forms or not len(self):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        asked, keys = deletion_keys(forms)
        sounds = _hashes([sound_key(form) for form in forms])
        pairs = [
            _meet(self.keys, self.words, asked, keys),
            _meet(self.sounds, self.sound_words, _count(sounds), sounds),
        ]
        both = np.concatenate([one * len(self) + other for one, other in pairs])
        both = np.unique(both)
        return both // len(self), both % len(self)


def pack_spellings(words: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays of a SpellingIndex over words as written in terms; words that are no plain words are left out."""
    forms = sorted({form for word in set(words) if (form := spelling(word))})
    number, keys = deletion_keys(forms)
    order = np.lexsort((number, keys))
    sounds = _hashes([sound_key(form) for form in forms])
    by_sound = np.argsort(sounds, kind="stable")
    blob, offsets = StringColumn.pack(forms)
    return {
        "spelling_blob": blob,
        "spelling_offsets": offsets,
        "spelling_keys": keys[order],
        "spelling_words": number[order].astype(np.int32),
        "spelling_sounds": sounds[by_sound],
        "spelling_sound_words": by_sound.astype(np.int32),
    }


def deletion_keys(forms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [d] in `forms` and keys [d] uint32: each form's own and those with one letter taken out."""
    numbers: list[np.ndarray] = [np.empty(0, np.int64)]
    keys: list[np.ndarray] = [np.empty(0, np.uint32)]
    lengths = np.array([len(form) for form in forms], np.int64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        letters = _letters(_at(forms, rows), length)
        powers = _powers(length)
        # without letter i: those before it keep their power, those after it move up by one
        before = np.zeros((len(rows), length + 1), np.uint64)
        np.cumsum(letters * powers, axis=1, out=before[:, 1:])
        after = np.zeros((len(rows), length + 1), np.uint64)
        np.cumsum(letters[:, 1:] * powers[:-1], axis=1, out=after[:, 1:length])
        after[:, length] = after[:, length - 1]
        without = before[:, :length] + (after[:, length - 1 : length] - after[:, :length])
        numbers += [rows, np.repeat(rows, length)]
        keys += [_mixed(before[:, length], length), _mixed(without.ravel(), length - 1)]
    return np.concatenate(numbers), np.concatenate(keys)


def _hashes(forms: Sequence[str]) -> np.ndarray:
    hashes = np.zeros(len(forms), np.uint32)
    lengths = np.array([len(form) for form in forms], np.int64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        letters = _letters(_at(forms, rows), length)
        hashes[rows] = _mixed((letters * _powers(length)).sum(axis=1, dtype=np.uint64), length)
    return hashes


def _at(forms: Sequence[str], rows: np.ndarray) -> list[str]:
    places: list[int] = rows.tolist()
    return [forms[place] for place in places]


def _letters(forms: Sequence[str], length: int) -> np.ndarray:
    return np.frombuffer("".join(forms).encode("ascii"), np.uint8).reshape(len(forms), length).astype(np.uint64)


def _powers(length: int) -> np.ndarray:
    return np.concatenate((np.ones(1, np.uint64), np.cumprod(np.full(max(length - 1, 0), BASE))))[:length]


def _mixed(sums: np.ndarray, length: int) -> np.ndarray:
    mixed = (sums + np.uint64(length)) * GOLDEN
    return (mixed >> np.uint64(32)).astype(np.uint32)


def _count(of: np.ndarray) -> np.ndarray:
    return np.arange(len(of))


def _meet(held: np.ndarray, words: np.ndarray, asked: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(asked, word) wherever a key is among the held ones."""
    low = np.searchsorted(held, keys, side="left")
    hit = np.flatnonzero(held[np.minimum(low, len(held) - 1)] == keys)
    low, keys, asked = low[hit], keys[hit], asked[hit]
    counts = np.searchsorted(held, keys, side="right") - low
    total = int(counts.sum())
    place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    return np.repeat(asked, counts).astype(np.int64), words[place].astype(np.int64)
