"""Person-level bootstrap: rows of one person are drawn together, so intervals do not pretend to more patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

DRAWS = 1000
LEVEL = 0.95
Figure = Callable[[np.ndarray], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its percentile bootstrap interval. `draws` counts those in which the figure could be computed."""

    value: float
    low: float
    high: float
    draws: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def as_json(self) -> dict[str, Any]:
        """Figures that cannot be computed are null: JSON has no nan."""
        return {
            "estimate": _plain(self.value),
            "low": _plain(self.low),
            "high": _plain(self.high),
            "draws": self.draws,
        }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def person_weights(subject_id: np.ndarray, *, draws: int = DRAWS, seed: int) -> Iterator[np.ndarray]:
    """`draws` times [n]: how often each row's person was drawn, with replacement, among the distinct persons."""
    persons, member = np.unique(subject_id, return_inverse=True)
    random = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = np.bincount(random.integers(0, len(persons), len(persons)), minlength=len(persons))
        yield drawn[member].astype(np.float64)


def intervals(
    figures: Mapping[str, Figure],
    subject_id: np.ndarray,
    *,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
    weight: np.ndarray | None = None,
) -> dict[str, Interval]:
    """Percentile intervals of several figures over the same draws; a figure takes row weights [n] (nan: unknown)."""
    base = np.ones(len(subject_id)) if weight is None else np.asarray(weight, np.float64)
    values: dict[str, list[float]] = {name: [] for name in figures}
    for times in person_weights(subject_id, draws=draws, seed=seed):
        for name, figure in figures.items():
            values[name].append(figure(times * base))
    found = {}
    tail = (1 - level) / 2
    for name, figure in figures.items():
        drawn = np.asarray(values[name], np.float64)
        drawn = drawn[np.isfinite(drawn)]
        low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (float("nan"), float("nan"))
        found[name] = Interval(float(figure(base)), float(low), float(high), len(drawn))
    return found


def paired_difference(
    first: Figure,
    second: Figure,
    subject_id: np.ndarray,
    *,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
    weight: np.ndarray | None = None,
) -> Interval:
    """first - second, with an interval over draws of persons that both figures share."""

    def difference(w: np.ndarray) -> float:
        return first(w) - second(w)

    found = intervals({"difference": difference}, subject_id, seed=seed, draws=draws, level=level, weight=weight)
    return found["difference"]
