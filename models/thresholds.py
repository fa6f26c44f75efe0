"""Where to cut a list of scored patients: by workload, PPV's lower bound, recall at a specificity, or net benefit.

All policies read out-of-fold probabilities of labelled rows. A flag is raised at probability >= threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .ranking import Ranking

WORKLOAD, PPV, SPECIFICITY, NET_BENEFIT = POLICIES = ("workload", "ppv", "specificity", "net_benefit")
# One-sided 95 %.
_Z = 1.6448536269514722


class ThresholdError(ValueError):
    """A policy that cannot be met by these scores, or is asked for with a value outside its range."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cut and what it gave on the rows it was chosen on (weighted by inclusion probability where that was given).

    `value` is what the policy was asked for: patients, PPV, specificity, or threshold probability. `ppv_lower` is the
    one-sided 95 % Wilson bound.
    """

    policy: str
    value: float
    threshold: float
    flagged: int
    ppv: float
    ppv_lower: float
    recall: float
    specificity: float
    net_benefit: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Threshold:
        """Raises ThresholdError where a part is missing or no finite number."""
        names = ("value", "threshold", "ppv", "ppv_lower", "recall", "specificity")
        try:
            numbers = {name: float(content[name]) for name in names}
            benefit = content.get("net_benefit")
            found = cls(
                policy=str(content["policy"]),
                flagged=int(content["flagged"]),
                net_benefit=None if benefit is None else float(benefit),
                **numbers,
            )
        except (KeyError, TypeError, ValueError):
            raise ThresholdError(
                "a threshold needs policy, value, threshold and its figures; choose it again"
            ) from None
        if found.policy not in POLICIES or not np.isfinite(found.threshold):
            raise ThresholdError(f"a threshold needs a finite cut and one of {', '.join(POLICIES)}; choose it again")
        return found


def wilson_lower(positive: float, total: float, z: float = _Z) -> float:
    """One-sided lower bound of a share (Wilson 1927); 0 for no rows.

    >>> round(wilson_lower(9, 10), 3)
    0.652
    """
    if total <= 0:
        return 0.0
    share = positive / total
    centre = share + z * z / (2 * total)
    spread = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return float(max((centre - spread) / (1 + z * z / total), 0.0))


@dataclass(frozen=True, slots=True)
class Cuts:
    """Every distinct cut of labelled rows, highest first: `threshold`, weighted `true` and `false` positives, row
    counts `rows`. `effective` turns weighted counts into numbers of rows for the bounds.
    """

    threshold: np.ndarray
    true: np.ndarray
    false: np.ndarray
    rows: np.ndarray
    effective: float

    @classmethod
    def of(cls, y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> Cuts:
        """y, probability, weight [n]. Raises ThresholdError without both labels."""
        w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
        ranking = Ranking.of(y, np.asarray(probability, np.float64))
        true, false = ranking.counts(w)
        if not len(true) or true[-1] <= 0 or false[-1] <= 0:
            raise ThresholdError("a threshold needs rows of both labels; label more patients")
        # Kish's effective sample size keeps the bounds honest where rows weigh unequally
        effective = float(w.sum() ** 2 / (w**2).sum() / w.sum())
        threshold = np.asarray(probability, np.float64)[ranking.order][ranking.last]
        return cls(threshold, true, false, ranking.last + 1, effective)

    def at(self, i: int, policy: str, value: float, benefit: float | None = None) -> Threshold:
        true, false = float(self.true[i]), float(self.false[i])
        return Threshold(
            policy=policy,
            value=float(value),
            threshold=float(self.threshold[i]),
            flagged=int(self.rows[i]),
            ppv=true / (true + false) if true + false else 0.0,
            ppv_lower=float(self.ppv_lower()[i]),
            recall=true / float(self.true[-1]),
            specificity=1 - false / float(self.false[-1]),
            net_benefit=benefit,
        )

    def ppv_lower(self) -> np.ndarray:
        """[cuts] Wilson bound of the PPV of each cut."""
        scale = self.effective
        return np.asarray([wilson_lower(t * scale, (t + f) * scale) for t, f in zip(self.true, self.false)])


def by_workload(cuts: Cuts, patients: int) -> Threshold:
    """The lowest cut that flags at most so many patients. Raises ThresholdError where ties at the top are more."""
    if patients < 1:
        raise ThresholdError(f"workload must be 1 patient or more, not {patients}")
    fitting = np.flatnonzero(cuts.rows <= patients)
    if not len(fitting):
        raise ThresholdError(f"{int(cuts.rows[0])} patients share the highest score; give a larger workload")
    return cuts.at(int(fitting[-1]), WORKLOAD, patients)


def by_ppv(cuts: Cuts, ppv: float) -> Threshold:
    """The lowest cut whose PPV has a lower 95 % bound of at least `ppv`: a point estimate would be chosen too low."""
    _share("ppv", ppv)
    good = np.flatnonzero(cuts.ppv_lower() >= ppv)
    if not len(good):
        raise ThresholdError(
            f"no cut has a PPV whose lower bound reaches {ppv}; the best is {cuts.ppv_lower().max():.3f}"
        )
    return cuts.at(int(good[-1]), PPV, ppv)


def by_specificity(cuts: Cuts, specificity: float) -> Threshold:
    """The cut with the highest recall at this specificity or more."""
    _share("specificity", specificity)
    good = np.flatnonzero(1 - cuts.false / cuts.false[-1] >= specificity - 1e-12)
    if not len(good):
        raise ThresholdError(f"no cut has specificity {specificity}: too many negatives share the highest score")
    return cuts.at(int(good[-1]), SPECIFICITY, specificity)


def by_net_benefit(cuts: Cuts, threshold_probability: float) -> Threshold:
    """The cut with the highest net benefit where one missed patient is worth (1 - p) / p needless reviews.

    Vickers and Elkin 2006: true positives / n - false positives / n * p / (1 - p).
    """
    _share("threshold probability", threshold_probability)
    benefit = net_benefits(cuts, threshold_probability)
    best = int(np.argmax(benefit))
    return cuts.at(best, NET_BENEFIT, threshold_probability, float(benefit[best]))


def net_benefits(cuts: Cuts, threshold_probability: float) -> np.ndarray:
    """[cuts] net benefit of each cut."""
    n = float(cuts.true[-1] + cuts.false[-1])
    odds = threshold_probability / (1 - threshold_probability)
    return cuts.true / n - cuts.false / n * odds


def decision_curve(
    y: np.ndarray, probability: np.ndarray, at: np.ndarray, weight: np.ndarray | None = None
) -> list[dict[str, float]]:
    """Net benefit of flagging at probability >= p, of flagging all, for each p of `at` (all in (0, 1))."""
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    target, total = np.asarray(y, np.float64), float(w.sum())
    curve = []
    for p in np.asarray(at, np.float64).tolist():
        _share("threshold probability", p)
        odds = p / (1 - p)
        flagged = w * (probability >= p)
        model = float((flagged * target).sum() - (flagged * (1 - target)).sum() * odds) / total
        everyone = float((w * target).sum() - (w * (1 - target)).sum() * odds) / total
        curve.append({"p": p, "model": model, "all": everyone})
    return curve


def choose_threshold(
    policy: str, value: float, y: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> Threshold:
    """One of POLICIES by name. Raises ThresholdError where it cannot be met."""
    if policy not in POLICIES:
        raise ThresholdError(f"unknown policy {policy!r}; use one of {', '.join(POLICIES)}")
    cuts = Cuts.of(y, probability, weight)
    if policy == WORKLOAD:
        return by_workload(cuts, int(value))
    return {PPV: by_ppv, SPECIFICITY: by_specificity, NET_BENEFIT: by_net_benefit}[policy](cuts, value)


def _share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ThresholdError(f"{name} must be between 0 and 1, not {value}")
