"""Pairing the mentions of two annotations of one note, one to one, by the characters they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

SEED = 20


class Placed(Protocol):
    """Anything with half-open character offsets."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


Left = TypeVar("Left", bound=Placed)
Right = TypeVar("Right", bound=Placed)


def pairs(left: Sequence[Left], right: Sequence[Right]) -> list[tuple[Left, Right]]:
    """Overlapping mentions, each used once: same offsets first, then most characters shared; in order of the left."""
    options: list[tuple[bool, int, int, int]] = []
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            shared = min(one.end, other.end) - max(one.start, other.start)
            if shared > 0:
                same = (one.start, one.end) == (other.start, other.end)
                options.append((not same, -shared, i, j))
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, _, i, j in sorted(options):
        if i not in taken and j not in used:
            taken[i] = j
            used.add(j)
    return [(left[i], right[taken[i]]) for i in sorted(taken)]


def share_right(gold: np.ndarray, found: np.ndarray) -> float:
    """Share of equal labels."""
    return float((gold == found).mean()) if len(gold) else 0.0


def kappa(left: np.ndarray, right: np.ndarray) -> float:
    """Cohen's kappa of two label arrays (numbers from 0); nan where chance alone explains everything."""
    if not len(left):
        return float("nan")
    size = int(max(left.max(), right.max())) + 1
    chance = float(np.bincount(left, minlength=size) @ np.bincount(right, minlength=size)) / len(left) ** 2
    return (float((left == right).mean()) - chance) / (1 - chance) if chance < 1 else float("nan")


def interval_by_note(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    left: np.ndarray,
    right: np.ndarray,
    notes: np.ndarray,
    n_notes: int,
    *,
    rounds: int = 1000,
) -> tuple[float, float]:
    """95 % percentile interval of a statistic of paired labels, whole notes drawn with replacement; seeded.

    `notes` [k] is the note of each pair (0 .. n_notes - 1); notes without pairs may be drawn too.
    """
    rows = [np.flatnonzero(notes == note) for note in range(n_notes)]
    generator = np.random.default_rng(SEED)
    values: list[float] = []
    for _ in range(rounds):
        drawn = np.concatenate([rows[note] for note in generator.integers(0, n_notes, n_notes)])
        values.append(statistic(left[drawn], right[drawn]))
    low, high = np.nanpercentile(values, [2.5, 97.5]) if not np.isnan(values).all() else (float("nan"),) * 2
    return float(low), float(high)
