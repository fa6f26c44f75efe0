"""How well scores find patients: ranking, work list, calibration, with person-level intervals and subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .calibration import calibration_curve, expected_calibration_error
from .ranking import Ranking
from .resampling import DRAWS, Figure, Interval, intervals, paired_difference

# Cells of fewer patients may identify them; the rule of CMS for releases.
SMALL_CELL = 11
WORKLOADS = (10, 50, 100)
SPECIFICITIES = (0.9, 0.95, 0.99)


class EvaluationError(ValueError):
    """Scores and labels that cannot be evaluated; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """n labelled rows: `y` [n] of 0/1, `probability` [n] in [0, 1], `subject_id` [n], `weight` [n] >= 0.

    `weight` is 1 / inclusion probability where rows were drawn for review unequally.
    """

    y: np.ndarray
    probability: np.ndarray
    subject_id: np.ndarray
    weight: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.y)
        if not (len(self.probability) == len(self.subject_id) == len(self.weight) == n):
            raise EvaluationError(f"{n} labels, {len(self.probability)} probabilities; give one of each a row")
        if not np.isin(self.y, (0, 1)).all():
            raise EvaluationError("labels must be 0 or 1")
        if not ((self.probability >= 0) & (self.probability <= 1)).all():
            raise EvaluationError("probabilities must lie in [0, 1]; calibrate the logits first")
        if not (np.isfinite(self.weight) & (self.weight >= 0)).all():
            raise EvaluationError("weights must be finite and not negative")

    @classmethod
    def of(
        cls,
        y: np.ndarray,
        probability: np.ndarray,
        subject_id: np.ndarray | None = None,
        inclusion_probability: np.ndarray | None = None,
    ) -> ScoredRows:
        """Without persons each row is one; without inclusion probabilities all rows weigh the same."""
        n = len(y)
        return cls(
            y=np.asarray(y, np.float64),
            probability=np.asarray(probability, np.float64),
            subject_id=np.arange(n) if subject_id is None else np.asarray(subject_id),
            weight=np.ones(n) if inclusion_probability is None else 1 / np.asarray(inclusion_probability, np.float64),
        )

    def take(self, rows: np.ndarray) -> ScoredRows:
        """The rows at these positions."""
        return ScoredRows(self.y[rows], self.probability[rows], self.subject_id[rows], self.weight[rows])

    def prevalence(self, weight: np.ndarray | None = None) -> float:
        """Weighted share of positives."""
        w = self.weight if weight is None else weight
        return float((w * self.y).sum() / w.sum()) if w.sum() > 0 else float("nan")

    def brier(self, weight: np.ndarray | None = None) -> float:
        """Weighted mean of (probability - label)^2."""
        w = self.weight if weight is None else weight
        return float((w * (self.probability - self.y) ** 2).sum() / w.sum()) if w.sum() > 0 else float("nan")


def top_k(rows: ScoredRows, k: int, weight: np.ndarray | None = None) -> tuple[float, float]:
    """PPV and recall among k rows of highest probability; ties at the k-th share their mean. k counts weighted rows."""
    ranking = Ranking.of(rows.y, rows.probability)
    true, false = ranking.counts(rows.weight if weight is None else weight)
    if not len(true) or true[-1] <= 0:
        return float("nan"), float("nan")
    flagged = true + false
    reach = min(float(k), float(flagged[-1]))
    found = float(np.interp(reach, np.concatenate([[0.0], flagged]), np.concatenate([[0.0], true])))
    return found / reach, found / float(true[-1])


def recall_at_specificity(rows: ScoredRows, specificity: float, weight: np.ndarray | None = None) -> float:
    """The highest recall of a cut with at least this specificity."""
    true, false = Ranking.of(rows.y, rows.probability).counts(rows.weight if weight is None else weight)
    if not len(true) or true[-1] <= 0 or false[-1] <= 0:
        return float("nan")
    good = np.flatnonzero(1 - false / false[-1] >= specificity - 1e-12)
    return float(true[good[-1]] / true[-1]) if len(good) else 0.0


def ppv_at_prevalence(recall: float, specificity: float, prevalence: float) -> float:
    """PPV that a cut would have where this share of patients is positive (Bayes); recall and specificity stay.

    >>> round(ppv_at_prevalence(0.8, 0.99, 0.01), 3)
    0.447
    """
    if not 0 < prevalence < 1:
        raise EvaluationError(f"prevalence must be between 0 and 1, not {prevalence}")
    true, false = recall * prevalence, (1 - specificity) * (1 - prevalence)
    return true / (true + false) if true + false > 0 else float("nan")


def ppv_at_cut(rows: ScoredRows, threshold: float, prevalence: float, weight: np.ndarray | None = None) -> float:
    """PPV of probability >= threshold at a stated prevalence."""
    w = rows.weight if weight is None else weight
    flagged, positive = rows.probability >= threshold, rows.y > 0
    all_true, all_false = float(w[positive].sum()), float(w[~positive].sum())
    if not all_true or not all_false:
        return float("nan")
    recall = float(w[positive & flagged].sum()) / all_true
    specificity = 1 - float(w[~positive & flagged].sum()) / all_false
    return ppv_at_prevalence(recall, specificity, prevalence)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures by name with intervals (auroc, auprc, brier, ppv@k, recall@k, recall@specificity=s), and the rest.

    `needed_to_screen` is 1 / ppv@k (None where none is found). `ppv_at_prevalence` is that of `threshold` at the
    stated prevalence.
    """

    n: int
    patients: int
    positives: int
    prevalence: float
    figures: dict[str, Interval]
    needed_to_screen: dict[int, float | None]
    ece: float
    curve: list[dict[str, float]]
    threshold: float | None = None
    stated_prevalence: float | None = None
    ppv_at_prevalence: Interval | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "patients": self.patients,
            "positives": self.positives,
            "prevalence": self.prevalence,
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
            "needed_to_screen": {str(k): value for k, value in self.needed_to_screen.items()},
            "ece": self.ece,
            "calibration_curve": self.curve,
            "threshold": self.threshold,
            "stated_prevalence": self.stated_prevalence,
            "ppv_at_prevalence": None if self.ppv_at_prevalence is None else self.ppv_at_prevalence.as_json(),
        }


def evaluate(
    rows: ScoredRows,
    *,
    seed: int,
    draws: int = DRAWS,
    workloads: Sequence[int] = WORKLOADS,
    threshold: float | None = None,
    prevalence: float | None = None,
) -> Evaluation:
    """All figures of one model on labelled rows. Raises EvaluationError without both labels."""
    positives = int(rows.y.sum())
    if not 0 < positives < len(rows.y):
        raise EvaluationError("an evaluation needs rows of both labels; label more patients")
    ranking = Ranking.of(rows.y, rows.probability)
    fitting = [k for k in workloads if k <= len(rows.y)]
    figures: dict[str, Figure] = {"auroc": ranking.auroc, "auprc": ranking.average_precision, "brier": rows.brier}
    for k in fitting:
        figures[f"ppv@{k}"] = lambda w, k=k: top_k(rows, k, w)[0]
        figures[f"recall@{k}"] = lambda w, k=k: top_k(rows, k, w)[1]
    for s in SPECIFICITIES:
        figures[f"recall@specificity={s}"] = lambda w, s=s: recall_at_specificity(rows, s, w)
    if threshold is not None and prevalence is not None:
        figures["ppv_at_prevalence"] = lambda w: ppv_at_cut(rows, threshold, prevalence, w)
    found = intervals(figures, rows.subject_id, seed=seed, draws=draws, weight=rows.weight)
    stated = found.pop("ppv_at_prevalence", None)
    return Evaluation(
        n=len(rows.y),
        patients=len(np.unique(rows.subject_id)),
        positives=positives,
        prevalence=rows.prevalence(),
        figures=found,
        needed_to_screen={k: 1 / found[f"ppv@{k}"].value if found[f"ppv@{k}"].value > 0 else None for k in fitting},
        ece=expected_calibration_error(rows.y, rows.probability, rows.weight),
        curve=calibration_curve(rows.y, rows.probability, rows.weight),
        threshold=threshold,
        stated_prevalence=prevalence,
        ppv_at_prevalence=stated,
    )


def compare(
    y: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    subject_id: np.ndarray,
    *,
    seed: int,
    draws: int = DRAWS,
    weight: np.ndarray | None = None,
) -> Interval:
    """AUPRC of the first scores less that of the second, on the same rows and the same draws of persons."""
    one, other = Ranking.of(y, first), Ranking.of(y, second)
    return paired_difference(
        one.average_precision, other.average_precision, subject_id, seed=seed, draws=draws, weight=weight
    )


def macro_auprc(y: np.ndarray, scores: np.ndarray) -> Figure:
    """Mean average precision of several labels as a figure of row weights. y, scores [n, labels].

    A label without positives in a draw is left out of that draw's mean.
    """
    rankings = [Ranking.of(y[:, j], scores[:, j]) for j in range(y.shape[1])]

    def figure(w: np.ndarray) -> float:
        values = [ranking.average_precision(w) for ranking in rankings]
        known = [value for value in values if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")

    return figure


@dataclass(frozen=True, slots=True)
class SubgroupRow:
    """One group of patients. Figures are None where `suppressed`: a cell would show fewer than SMALL_CELL patients.

    `ppv` and `recall` are those of the threshold, `calibration` mean probability less share of positives.
    """

    attribute: str
    group: str
    suppressed: bool
    n: int | None = None
    positives: int | None = None
    auroc: Interval | None = None
    auprc: Interval | None = None
    ppv: Interval | None = None
    recall: Interval | None = None
    calibration: Interval | None = None

    def as_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return {k: v.as_json() if isinstance(v, Interval) else v for k, v in content.items()}


def subgroup_table(
    rows: ScoredRows,
    attributes: Mapping[str, Sequence[str]],
    threshold: float,
    *,
    seed: int,
    draws: int = DRAWS,
) -> list[SubgroupRow]:
    """Figures by group (sex, age band, site, ...); `attributes` has n names of groups for each attribute.

    A group with fewer than SMALL_CELL patients, positive patients or negative patients is suppressed. If that would
    leave one suppressed group of an attribute, its number would follow from the total; then the smallest other group
    is suppressed too.
    """
    table: list[SubgroupRow] = []
    for attribute, groups in attributes.items():
        if len(groups) != len(rows.y):
            raise EvaluationError(f"{attribute}: {len(groups)} groups for {len(rows.y)} rows; give one a row")
        names = np.asarray([str(group) for group in groups])
        members = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
        small = {name for name, at in members.items() if _smallest_cell(rows.take(at)) < SMALL_CELL}
        if len(small) == 1 and len(members) > 1:
            small.add(min((name for name in members if name not in small), key=lambda name: len(members[name])))
        for name, at in members.items():
            if name in small:
                table.append(SubgroupRow(attribute, name, suppressed=True))
            else:
                table.append(_subgroup(attribute, name, rows.take(at), threshold, seed, draws))
    return table


def _smallest_cell(part: ScoredRows) -> int:
    positive = part.y > 0
    return min(len(np.unique(part.subject_id[positive])), len(np.unique(part.subject_id[~positive])))


def _subgroup(attribute: str, name: str, part: ScoredRows, threshold: float, seed: int, draws: int) -> SubgroupRow:
    ranking = Ranking.of(part.y, part.probability)
    flagged = part.probability >= threshold

    def share(of: np.ndarray, among: np.ndarray, w: np.ndarray) -> float:
        total = float(w[among].sum())
        return float(w[of & among].sum()) / total if total > 0 else float("nan")

    found = intervals(
        {
            "auroc": ranking.auroc,
            "auprc": ranking.average_precision,
            "ppv": lambda w: share(part.y > 0, flagged, w),
            "recall": lambda w: share(flagged, part.y > 0, w),
            "calibration": lambda w: (
                float((w * (part.probability - part.y)).sum() / w.sum()) if w.sum() > 0 else float("nan")
            ),
        },
        part.subject_id,
        seed=seed,
        draws=draws,
        weight=part.weight,
    )
    return SubgroupRow(attribute, name, False, n=len(part.y), positives=int(part.y.sum()), **found)
