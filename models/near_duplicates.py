"""Groups of notes that repeat each other, and frozen splits that keep them and a person's rows together.

A text is the set of its 5-word shingles. MinHash signatures (Broder 1997) in bands find candidate pairs, the exact
Jaccard similarity of the shingles decides, and connected components make the groups. Random tests show what this is
for: copied notes on both sides of a split lift a classifier's figures without any gain on new patients.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SHINGLE = 5
BANDS, ROWS = 32, 4
# Jaccard similarity from which two notes count as copies; 32 bands of 4 find 99.9 % of the pairs at 0.67.
SIMILAR = 0.6
_WORD = re.compile(r"\w+")
_FRACTION = float(1 << 53)


class SplitError(ValueError):
    """A split that would put a person or a copied note on both sides, or that cannot be made."""


def shingles(text: str, size: int = SHINGLE) -> np.ndarray:
    """Sorted distinct 64-bit hashes of the runs of `size` words; a shorter text is one run."""
    words = _WORD.findall(text.casefold())
    if not words:
        return np.zeros(0, np.uint64)
    runs = {" ".join(words[i : i + size]) for i in range(max(len(words) - size + 1, 1))}
    hashes = [int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest(), "little") for run in runs]
    return np.unique(np.asarray(hashes, np.uint64))


def near_duplicate_groups(texts: Sequence[str], *, similarity: float = SIMILAR, size: int = SHINGLE) -> np.ndarray:
    """[m] int64 group of each text: texts of one group are linked by pairs with Jaccard >= similarity.

    Groups are numbered in order of their first text. A text without words is alone.

    >>> near_duplicate_groups(["a b c d e f g", "x y", "A b c, d e f g!", "x y"]).tolist()
    [0, 1, 0, 1]
    """
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity must be in (0, 1], not {similarity}")
    sets = [shingles(text, size) for text in texts]
    joined = _Components(len(sets))
    seen: dict[bytes, int] = {}
    first: list[int] = []  # texts that are no exact copy of an earlier one
    for i, one in enumerate(sets):
        if not len(one):
            continue
        known = seen.setdefault(one.tobytes(), i)
        if known == i:
            first.append(i)
        else:
            joined.join(known, i)
    for i, j in _candidates([sets[i] for i in first]):
        a, b = first[i], first[j]
        if joined.root(a) != joined.root(b) and jaccard(sets[a], sets[b]) >= similarity:
            joined.join(a, b)
    return joined.numbers()


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Similarity of two sorted sets of hashes; 0 where both are empty."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / max(len(a) + len(b) - both, 1)


def _candidates(sets: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """Pairs that agree in a whole band of their MinHash signatures; in a bucket each text meets the one before."""
    if not sets:
        return []
    random = np.random.default_rng(61)
    multiplier = random.integers(1, 1 << 63, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
    shift = random.integers(0, 1 << 63, BANDS * ROWS, dtype=np.uint64)
    signatures = np.empty((len(sets), BANDS * ROWS), np.uint64)
    for i, one in enumerate(sets):
        # multiply-add modulo 2^64, high bits folded down: the low bits alone are not mixed
        mixed = one[:, None] * multiplier + shift
        mixed ^= mixed >> np.uint64(29)
        signatures[i] = mixed.min(axis=0)
    pairs: set[tuple[int, int]] = set()
    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = {}
        for i, cells in enumerate(signatures[:, band * ROWS : (band + 1) * ROWS]):
            buckets.setdefault(cells.tobytes(), []).append(i)
        for members in buckets.values():
            # all pairs of small buckets; of large ones (stock text) each with its successor and with the first
            if len(members) <= 12:
                pairs.update((a, b) for k, a in enumerate(members) for b in members[k + 1 :])
            else:
                pairs.update(pairwise(members))
                pairs.update((members[0], b) for b in members[1:])
    return sorted(pairs)


class _Components:
    """Union-find over n items; the smallest item is the root."""

    def __init__(self, n: int) -> None:
        self.parent = list(range(n))

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        a, b = self.root(i), self.root(j)
        self.parent[max(a, b)] = min(a, b)

    def numbers(self) -> np.ndarray:
        roots = np.asarray([self.root(i) for i in range(len(self.parent))], np.int64)
        return np.unique(roots, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, slots=True)
class RowGroups:
    """[n] `group` of each cohort row, and how many groups of equal notes were `stock`: too many people have them."""

    group: np.ndarray
    stock: int


def person_groups(
    subject_id: np.ndarray, note_row: np.ndarray, note_group: np.ndarray, *, largest_share: float = 0.1
) -> RowGroups:
    """Rows of one person, or with notes of one near-duplicate group, are together.

    `subject_id` [n]; `note_row` [m] position of the row of each note; `note_group` [m] from near_duplicate_groups.
    Stock notes ("see scanned document") would chain everybody into one group, which nothing could cut. So groups of
    notes link people from the rarest to the commonest, and one that would make a group of more than `largest_share`
    of all people (at least 2) links nobody and is counted.
    """
    people, person = np.unique(subject_id, return_inverse=True)
    pairs = np.unique(np.column_stack([note_group, person[note_row]]), axis=0) if len(note_group) else np.zeros((0, 2))
    _, first, counts = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    joined = _Components(len(people))
    size = np.ones(len(people), np.int64)
    limit, stock = max(int(len(people) * largest_share), 2), 0
    for i in np.argsort(counts, kind="stable").tolist():
        if counts[i] < 2:
            continue
        members = pairs[first[i] : first[i] + counts[i], 1].astype(np.int64).tolist()
        roots = sorted({joined.root(member) for member in members})
        total = int(size[roots].sum())
        if total > limit:
            stock += 1
            continue
        for root in roots[1:]:
            joined.join(roots[0], root)
        size[roots[0]] = total
    return RowGroups(np.unique(joined.numbers()[person], return_inverse=True)[1].astype(np.int64), stock)


@dataclass(frozen=True, slots=True)
class Folds:
    """[n] int8 fold of each row, 0 to count - 1; `sha256` identifies the assignment of row ids to folds."""

    fold: np.ndarray
    count: int
    sha256: str

    def test(self, number: int) -> np.ndarray:
        return np.flatnonzero(self.fold == number)

    def train(self, number: int) -> np.ndarray:
        return np.flatnonzero(self.fold != number)


def make_folds(groups: np.ndarray, y: np.ndarray, count: int, seed: int, *, row_id: np.ndarray | None = None) -> Folds:
    """Cut rows into folds, groups whole, positives and sizes spread as evenly as groups allow.

    Groups are dealt largest number of positives first to the fold that has the fewest (then the fewest rows); the seed
    decides among equals. `y` is [n] or [n, labels]. Raises SplitError where there are fewer groups than folds.
    """
    labels = np.asarray(y, np.float64).reshape(len(groups), -1)
    names, member = np.unique(groups, return_inverse=True)
    if count < 2 or len(names) < count:
        raise SplitError(f"{count} folds of {len(names)} groups of patients; give 2 folds or more, and more patients")
    positives = np.zeros((len(names), labels.shape[1]))
    np.add.at(positives, member, labels)
    sizes = np.bincount(member)
    # a rare label weighs more than a common one, so that each fold gets some of it
    scarcity = 1 / np.maximum(positives.sum(axis=0), 1)
    burden = positives * scarcity
    random = np.random.default_rng(seed)
    order = np.lexsort((random.permutation(len(names)), -sizes, -burden.sum(axis=1)))
    load, rows = np.zeros((count, labels.shape[1])), np.zeros(count)
    of_group = np.empty(len(names), np.int8)
    for group in order.tolist():
        excess = ((load + burden[group]) ** 2 - load**2).sum(axis=1) if burden[group].any() else np.zeros(count)
        fold = int(np.lexsort((rows, np.round(excess, 12)))[0])
        of_group[group] = fold
        load[fold] += burden[group]
        rows[fold] += sizes[group]
    fold = of_group[member]
    ids = np.arange(len(fold)) if row_id is None else row_id
    order = np.argsort(ids, kind="stable")
    digest = hashlib.sha256(np.asarray(ids, np.int64)[order].tobytes() + fold[order].tobytes()).hexdigest()
    return Folds(fold=fold, count=count, sha256=digest)


def stable_split(
    groups: np.ndarray, subject_id: np.ndarray, shares: Sequence[float], *, salt: str = "phenotext"
) -> np.ndarray:
    """[n] int8 number of the part each row falls into, by a hash of its group's smallest subject id.

    The part of a group does not change when other patients join, so a held-out part stays held out. `shares` sum to 1.
    """
    if abs(sum(shares) - 1) > 1e-9 or min(shares) < 0:
        raise SplitError(f"shares {tuple(shares)} do not sum to 1; give the share of each part")
    bounds = np.cumsum(shares)[:-1]
    smallest: dict[int, int] = {}
    for group, subject in zip(groups.tolist(), subject_id.tolist()):
        smallest[group] = min(subject, smallest.get(group, subject))
    part = {}
    for group, subject in smallest.items():
        digest = hashlib.blake2b(f"{salt}:{subject}".encode(), digest_size=8).digest()
        part[group] = int(np.searchsorted(bounds, (int.from_bytes(digest, "little") >> 11) / _FRACTION, side="right"))
    return np.asarray([part[group] for group in groups.tolist()], np.int8)


def check_disjoint(part: np.ndarray, subject_id: np.ndarray, groups: np.ndarray) -> None:
    """Raise SplitError where a person or a group of near-duplicates stands in two parts."""
    for what, key in (("patient", subject_id), ("group of near-duplicate notes", groups)):
        pairs = np.unique(np.column_stack([key, part]), axis=0)
        keys, counts = np.unique(pairs[:, 0], return_counts=True)
        if (counts > 1).any():
            raise SplitError(
                f"{int((counts > 1).sum())} of {len(keys)} {what}s are on both sides; split by person_groups"
            )
