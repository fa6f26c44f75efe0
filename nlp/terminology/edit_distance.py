"""Which words of a list are a typing error away from what was typed, for a hundred thousand words at once.

The distance is the restricted Damerau-Levenshtein distance (a letter left out, added, changed, or two neighbours
swapped count 1 each; Boytsov 2011, section 2.2), to the beginning of a word, as the word may still be being typed.
Words that lack too many of the query's letters are left out first, by one bit for each kind of letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_WIDTH = 24  # letters of a word that are compared
_BITS = np.array([bin(i).count("1") for i in range(1 << 16)], np.uint8)


def allowed_errors(word: str) -> int:
    """Typing errors that are forgiven: none in words of up to three characters, one up to seven, two beyond."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


@dataclass(frozen=True, slots=True)
class Letters:
    """Words as letters: `points` [w, width] code points, 0 after the end; `length` [w]; `mask` [w] letters held."""

    points: np.ndarray
    length: np.ndarray
    mask: np.ndarray

    @classmethod
    def of(cls, words: Sequence[str]) -> Letters:
        """Words beyond 24 letters count by their first 24."""
        cut = np.array([word[:_WIDTH].encode("utf-32-le", "surrogatepass") for word in words] or [b""])
        width = max(1, cut.dtype.itemsize // 4)
        padded = np.zeros((len(words), width), np.uint32)
        if words:
            padded[:] = np.frombuffer(cut.astype(f"S{width * 4}").tobytes(), np.uint32).reshape(len(words), width)
        mask = np.zeros(len(words), np.uint64)
        for column in range(width):
            letters = padded[:, column]
            mask |= np.where(letters > 0, np.uint64(1) << (letters.astype(np.uint64) % np.uint64(64)), np.uint64(0))
        return cls(padded, (padded > 0).sum(axis=1), mask)


def near_words(words: Letters, query: str, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [k] of the words within `allowed_errors(query)` of it, and their distances [k]; at most `limit`.

    A whole word counts its own distance; a longer word the distance of its nearest beginning, and half an error more,
    so that whole words come first (distances are rounded up).
    """
    errors = allowed_errors(query)
    query = query[:_WIDTH]
    if not errors or not len(words.length):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    own = Letters.of([query])
    lacking = own.mask[0] & ~words.mask
    candidates = np.flatnonzero((_popcount(lacking) <= errors) & (words.length >= len(query) - errors))
    points = words.points[candidates, : len(query) + errors]
    length = words.length[candidates]
    last = _last_row(points, own.points[0, : len(query)])
    columns = np.arange(last.shape[1])[None, :]
    last = np.where(columns <= length[:, None], last, errors + 1)
    whole = last[np.arange(len(last)), np.minimum(length, last.shape[1] - 1)]
    whole = np.where(length < last.shape[1], whole, errors + 1)
    begun = last.min(axis=1)
    distance = np.minimum(whole, begun)
    near = np.flatnonzero(distance <= errors)
    order = near[np.lexsort((candidates[near], length[near], whole[near] > errors, distance[near]))][:limit]
    return candidates[order], np.where(whole[order] <= errors, whole[order], begun[order] + 1)


def _last_row(points: np.ndarray, query: np.ndarray) -> np.ndarray:
    """[n, width + 1] distances of the whole query to the first 0..width letters of each word."""
    count, width = points.shape
    before = np.zeros((count, width + 1), np.int16)
    row = np.broadcast_to(np.arange(width + 1, dtype=np.int16), (count, width + 1)).copy()
    for i, letter in enumerate(query.tolist(), start=1):
        new = np.empty_like(row)
        new[:, 0] = i
        same = points == letter
        best = np.minimum(row[:, :-1] + ~same, row[:, 1:] + 1)
        if i > 1:
            swapped = same[:, :-1] & (points[:, 1:] == query[i - 2])
            best[:, 1:] = np.where(swapped, np.minimum(best[:, 1:], before[:, :-2] + 1), best[:, 1:])
        for j in range(1, width + 1):
            new[:, j] = np.minimum(best[:, j - 1], new[:, j - 1] + 1)
        before, row = row, new
    return row


def _popcount(values: np.ndarray) -> np.ndarray:
    parts = values.view(np.uint16).reshape(len(values), 4)
    return _BITS[parts].sum(axis=1)
