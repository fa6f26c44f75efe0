"""From logits to probabilities: Platt scaling or a temperature, fitted on out-of-fold logits.

Both are monotone, so they never change a ranking. Isotonic regression is left out on purpose: below about a thousand
positives it made the likelihood worse in our measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

PLATT, TEMPERATURE, IDENTITY = METHODS = ("platt", "temperature", "identity")
# Fewer positives or negatives than this and only the intercept is moved.
MIN_CLASS = 10
_ROUNDS = 100


class CalibrationError(ValueError):
    """Logits or labels that no calibration can be fitted to, or a damaged calibration."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = 1 / (1 + exp(-(slope * logit + shift))), slope > 0.

    >>> Calibration("identity", 1.0, 0.0).probability(np.array([0.0])).tolist()
    [0.5]
    """

    method: str
    slope: float
    shift: float

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise CalibrationError(f"unknown calibration {self.method!r}; use one of {', '.join(METHODS)}")
        if not (np.isfinite(self.slope) and np.isfinite(self.shift) and self.slope > 0):
            raise CalibrationError("a calibration needs a finite slope above 0 and a finite shift; fit it again")

    def probability(self, logit: np.ndarray) -> np.ndarray:
        """[n] probabilities, rising with the logit."""
        return sigmoid(self.slope * np.asarray(logit, np.float64) + self.shift)

    def as_json(self) -> dict[str, Any]:
        return {"method": self.method, "slope": self.slope, "shift": self.shift}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calibration:
        """Raises CalibrationError where a part is missing or wrong."""
        try:
            return cls(str(content["method"]), float(content["slope"]), float(content["shift"]))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, CalibrationError):
                raise
            raise CalibrationError("calibration.json needs method, slope and shift; fit it again") from None


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    return np.exp(-np.logaddexp(0, -x))


def fit_calibration(
    logit: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, *, method: str = PLATT
) -> Calibration:
    """Fit on out-of-fold logits [n] and labels [n] of 0/1 with weights [n].

    Platt scaling uses Platt's smoothed targets (1999), so that few positives cannot give probabilities of 1. With
    fewer than MIN_CLASS rows of a label only the shift is fitted. Raises CalibrationError without both labels.
    """
    z, target = np.asarray(logit, np.float64), np.asarray(y, np.float64)
    w = np.ones(len(z)) if weight is None else np.asarray(weight, np.float64)
    if method not in METHODS:
        raise CalibrationError(f"unknown calibration {method!r}; use one of {', '.join(METHODS)}")
    if len(z) != len(target) or len(z) != len(w):
        raise CalibrationError(f"{len(z)} logits, {len(target)} labels and {len(w)} weights; give one of each a row")
    if not np.isfinite(z).all():
        raise CalibrationError("a logit is not finite; train the model again")
    z, target, w = z[w > 0], target[w > 0], w[w > 0]
    positive, negative = float((target == 1).sum()), float((target == 0).sum())
    if not positive or not negative:
        raise CalibrationError("calibration needs rows of both labels; label more patients")
    if method == IDENTITY:
        return Calibration(IDENTITY, 1.0, 0.0)
    if method == PLATT:
        smooth = np.where(target == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
        if min(positive, negative) < MIN_CLASS:
            return Calibration(PLATT, 1.0, _newton(z[:, None] * 0, smooth, w, z)[1])
        slope, shift = _newton(z[:, None], smooth, w, np.zeros(len(z)))
        # logits that rank the wrong way round would turn the order; keep it and say nothing instead
        if slope <= 1e-6:
            return Calibration(PLATT, 1e-6, _newton(z[:, None] * 0, smooth, w, 1e-6 * z)[1])
        return Calibration(PLATT, slope, shift)
    return Calibration(TEMPERATURE, _temperature(z, target, w), 0.0)


def _newton(x: np.ndarray, target: np.ndarray, w: np.ndarray, offset: np.ndarray) -> tuple[float, float]:
    """Slope and shift that maximise the weighted likelihood of sigmoid(slope * x + shift + offset)."""
    design = np.column_stack([x, np.ones(len(target))])
    beta = np.zeros(2)

    def loss(b: np.ndarray) -> float:
        eta = design @ b + offset
        return float((w * (np.logaddexp(0, eta) - target * eta)).sum()) + 1e-8 * float(b @ b)

    current = loss(beta)
    for _ in range(_ROUNDS):
        p = sigmoid(design @ beta + offset)
        gradient = design.T @ (w * (p - target)) + 2e-8 * beta
        curvature = design.T @ (design * (w * p * (1 - p))[:, None]) + 2e-8 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-8 and loss(beta - size * step) > current:
            size /= 2
        beta = beta - size * step
        following = loss(beta)
        if current - following < 1e-10 * max(1.0, abs(current)):
            break
        current = following
    return float(beta[0]), float(beta[1])


def _temperature(z: np.ndarray, target: np.ndarray, w: np.ndarray) -> float:
    """The slope in [1e-3, 1e3] with the highest likelihood, by golden section on its logarithm (the loss is convex)."""

    def loss(log_slope: float) -> float:
        eta = np.exp(log_slope) * z
        return float((w * (np.logaddexp(0, eta) - target * eta)).sum())

    low, high = np.log(1e-3), np.log(1e3)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(_ROUNDS):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) <= loss(b) else (a, high)
    return float(np.exp((low + high) / 2))


def calibration_curve(
    y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None, *, bins: int = 10
) -> list[dict[str, float]]:
    """Mean probability, share of positives and number of rows, in up to `bins` bins of about equal numbers of rows."""
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    if len(y) == 0:
        return []
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, probability, side="right")
    curve = []
    for number in range(len(edges) + 1):
        at = np.flatnonzero((place == number) & (w > 0))
        if len(at):
            total = float(w[at].sum())
            curve.append(
                {
                    "n": float(len(at)),
                    "weight": total,
                    "predicted": float((w[at] * probability[at]).sum() / total),
                    "observed": float((w[at] * np.asarray(y, np.float64)[at]).sum() / total),
                }
            )
    return curve


def expected_calibration_error(
    y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None, *, bins: int = 10
) -> float:
    """Mean distance of predicted and observed over the bins of `calibration_curve`, weighted by their rows."""
    curve = calibration_curve(y, probability, weight, bins=bins)
    total = sum(part["weight"] for part in curve)
    if not total:
        return float("nan")
    return sum(part["weight"] * abs(part["predicted"] - part["observed"]) for part in curve) / total
