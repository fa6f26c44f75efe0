"""Measures of a ranking by weighted counts: AUROC, average precision. Plain numpy, so that a bootstrap is cheap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Ranking:
    """n rows sorted by score, best first; rows of equal score share a `step` and are taken together.

    >>> Ranking.of(np.array([1, 0, 1, 0]), np.array([.9, .8, .7, .1])).average_precision()
    0.8333333333333333
    """

    order: np.ndarray
    y: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, score: np.ndarray) -> Ranking:
        """y [n] of 0/1, score [n]; nan scores are refused."""
        if np.isnan(score).any():
            raise ValueError("a score is not a number; every row needs one")
        order = np.argsort(-score, kind="stable")
        ranked = score[order]
        last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1) if len(ranked) else np.zeros(0, np.int64)
        return cls(order=order, y=np.asarray(y, np.float64)[order], last=last)

    def counts(self, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Weighted true and false positives down to each distinct score."""
        w = np.ones(len(self.y)) if weight is None else np.asarray(weight, np.float64)[self.order]
        return np.cumsum(w * self.y)[self.last], np.cumsum(w * (1 - self.y))[self.last]

    def average_precision(self, weight: np.ndarray | None = None) -> float:
        """Area under precision and recall by steps; nan without positives."""
        true, false = self.counts(weight)
        if not len(true) or true[-1] <= 0:
            return float("nan")
        flagged = true + false
        precision = np.divide(true, flagged, out=np.zeros_like(true), where=flagged > 0)
        return float((np.diff(true, prepend=0.0) * precision).sum() / true[-1])

    def auroc(self, weight: np.ndarray | None = None) -> float:
        """Share of pairs in the right order, ties half; nan without both labels."""
        true, false = self.counts(weight)
        if not len(true) or true[-1] <= 0 or false[-1] <= 0:
            return float("nan")
        before = np.concatenate([[0.0], true[:-1]])
        return float((np.diff(false, prepend=0.0) * (before + true) / 2).sum() / (true[-1] * false[-1]))


def average_precision(y: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Area under the precision-recall curve; equals scikit-learn's average_precision_score."""
    return Ranking.of(y, score).average_precision(weight)


def auroc(y: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Area under the receiver operating characteristic curve."""
    return Ranking.of(y, score).auroc(weight)
