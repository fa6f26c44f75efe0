"""From labelled patients to a calibrated model: folds, out-of-fold logits, calibration, figures, the final fit.

1. Rows of one person, or with near-duplicate notes, form a group; groups are cut into outer folds, frozen by a hash.
2. Each kind gives out-of-fold logits; what a kind chooses, it chooses in inner folds of the training part.
3. Calibration is fitted on out-of-fold logits. Probabilities for the figures come from a calibration that was fitted
   without their fold; the stored one uses all folds.
4. The kind with the highest out-of-fold AUPRC is compared with the simpler ones by a paired bootstrap over persons.
   The simplest kind whose interval of the difference holds 0 is recommended.
5. The recommended and all other kinds are fitted on all rows.
Silver labels train with their weight and are never evaluated. Same data and seed, same result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .calibration import PLATT, Calibration, CalibrationError, fit_calibration
from .evaluate import WORKLOADS, Evaluation, ScoredRows, compare, evaluate
from .labels import Labels
from .near_duplicates import (
    Folds,
    RowGroups,
    SplitError,
    check_disjoint,
    make_folds,
    near_duplicate_groups,
    person_groups,
)
from .patient_model import ModelDataError, PatientModel, checked_targets
from .patients import PatientNotes
from .resampling import DRAWS, Interval

OUTER_FOLDS = 5
MIN_POSITIVES = 10

Factory = Callable[[], PatientModel]


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Labelled rows, ready to train: `data` n rows, `y` [n] of 0/1, `weight` [n] for training, `trusted` [n] bool
    (may be evaluated), `inclusion_probability` [n]."""

    data: PatientNotes
    y: np.ndarray
    weight: np.ndarray
    trusted: np.ndarray
    inclusion_probability: np.ndarray

    @classmethod
    def of(cls, data: PatientNotes, labels: Labels, *, where: str = "labels") -> TrainingRows:
        """The labelled rows of a cohort, in order of row id. Raises LabelError for a label of an unknown row."""
        ordered = labels.take(np.argsort(labels.row_id, kind="stable"))
        return cls(
            data=data.subset(ordered.positions(data.row_id, where=where)),
            y=ordered.value.astype(np.float64),
            weight=ordered.weight.astype(np.float64),
            trusted=ordered.trusted(),
            inclusion_probability=ordered.inclusion_probability,
        )

    def sha256(self) -> str:
        """Identity of what is learned from: row ids, labels, weights and notes."""
        digest = hashlib.sha256()
        for column in (self.data.row_id, self.data.note_start, self.data.note_id):
            digest.update(np.asarray(column, np.int64).tobytes())
        for column in (self.y, self.weight, self.inclusion_probability):
            digest.update(np.asarray(column, np.float64).tobytes())
        digest.update(np.asarray(self.trusted, np.uint8).tobytes())
        for text in self.data.text:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        if self.data.features is not None:
            table = self.data.features.tocsr()
            for column in (table.indptr, table.indices):
                digest.update(np.asarray(column, np.int64).tobytes())
            digest.update(np.asarray(table.data, np.float64).tobytes())
            digest.update("\n".join(self.data.feature_names).encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One trained kind: the model fitted on all rows, its calibration, and its out-of-fold results."""

    name: str
    model: PatientModel
    calibration: Calibration
    out_of_fold_logits: np.ndarray
    out_of_fold_probabilities: np.ndarray
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Training:
    """What training gives. `behind_best` has for each kind best - kind in AUPRC, with its paired interval."""

    candidates: Mapping[str, Candidate]
    recommended: str
    best: str
    behind_best: Mapping[str, Interval]
    folds: Folds
    groups: RowGroups
    data_sha256: str
    seed: int

    def as_json(self) -> dict[str, Any]:
        """Protocol and figures, for evaluation.json."""
        return {
            "protocol": {
                "outer_folds": self.folds.count,
                "folds_sha256": self.folds.sha256,
                "grouped_by": "patient and near-duplicate notes",
                "groups": len(np.unique(self.groups.group)),
                "stock_note_groups": self.groups.stock,
                "data_sha256": self.data_sha256,
                "seed": self.seed,
            },
            "recommended": self.recommended,
            "best": self.best,
            "behind_best": {name: interval.as_json() for name, interval in self.behind_best.items()},
            "kinds": {name: candidate.evaluation.as_json() for name, candidate in self.candidates.items()},
        }


def row_groups(data: PatientNotes) -> RowGroups:
    """Rows of one person, or with near-duplicate notes, have the same number."""
    return person_groups(data.subject_id, data.note_rows(), near_duplicate_groups(data.text))


def train(
    rows: TrainingRows,
    kinds: Mapping[str, Factory],
    *,
    seed: int,
    folds: int = OUTER_FOLDS,
    calibration: str = PLATT,
    draws: int = DRAWS,
    workloads: Sequence[int] = WORKLOADS,
    min_positives: int = MIN_POSITIVES,
    progress: Callable[[str], None] | None = None,
) -> Training:
    """Train every kind and recommend one. `kinds` is name -> function that makes an unfitted model, simplest first.
    Fewer than `min_positives` gold labels of either value are refused.

    Raises ModelDataError where there are too few labels, SplitError where there are too few patients for the folds.
    """
    tell = progress or (lambda stage: None)
    y, weight = checked_targets(rows.data, rows.y, rows.weight)
    positives = int(y[rows.trusted].sum())
    negatives = int(rows.trusted.sum()) - positives
    if min(positives, negatives) < min_positives:
        raise ModelDataError(
            f"{positives} positive and {negatives} negative gold labels; training needs {min_positives} of each"
        )
    if not kinds:
        raise ModelDataError("no kind to train; name at least one")
    tell("groups")
    groups = row_groups(rows.data)
    cut = make_folds(groups.group, y, folds, seed, row_id=rows.data.row_id)
    check_disjoint(cut.fold, rows.data.subject_id, groups.group)
    candidates = {}
    for name, make in kinds.items():
        candidates[name] = _candidate(name, make, rows, (y, weight), cut, seed, calibration, draws, workloads, tell)
    gold = np.flatnonzero(rows.trusted)
    behind, best = _comparison(candidates, rows, gold, seed, draws)
    recommended = next(name for name in candidates if name == best or behind[name].low <= 0)
    return Training(
        candidates=candidates,
        recommended=recommended,
        best=best,
        behind_best=behind,
        folds=cut,
        groups=groups,
        data_sha256=rows.sha256(),
        seed=seed,
    )


def _candidate(
    name: str,
    make: Factory,
    rows: TrainingRows,
    targets: tuple[np.ndarray, np.ndarray],
    cut: Folds,
    seed: int,
    method: str,
    draws: int,
    workloads: Sequence[int],
    tell: Callable[[str], None],
) -> Candidate:
    y, weight = targets
    logits = np.zeros(len(y))
    for number in range(cut.count):
        tell(f"{name}: fold {number + 1} of {cut.count}")
        inside, outside = cut.train(number), cut.test(number)
        model = make().fit(rows.data.subset(inside), y[inside], weight[inside], seed)
        logits[outside] = model.logits(rows.data.subset(outside))
    inverse = 1 / rows.inclusion_probability
    gold = rows.trusted
    probabilities = cross_calibrated(logits, y, inverse, gold, cut, method)
    scored = ScoredRows(y[gold], probabilities[gold], rows.data.subject_id[gold], inverse[gold])
    tell(f"{name}: final fit")
    return Candidate(
        name=name,
        model=make().fit(rows.data, y, weight, seed),
        calibration=fit_calibration(logits[gold], y[gold], inverse[gold], method=method),
        out_of_fold_logits=logits,
        out_of_fold_probabilities=probabilities,
        evaluation=evaluate(scored, seed=seed, draws=draws, workloads=workloads),
    )


def cross_calibrated(
    logits: np.ndarray, y: np.ndarray, weight: np.ndarray, trusted: np.ndarray, cut: Folds, method: str = PLATT
) -> np.ndarray:
    """[n] probabilities of out-of-fold logits, each by a calibration that did not see the row's fold."""
    out = np.zeros(len(y))
    for number in range(cut.count):
        outside = cut.test(number)
        inside = np.flatnonzero((cut.fold != number) & trusted)
        try:
            fitted = fit_calibration(logits[inside], y[inside], weight[inside], method=method)
        except CalibrationError as error:
            raise SplitError(f"fold {number + 1} of {cut.count}: {error}") from None
        out[outside] = fitted.probability(logits[outside])
    return out


def _comparison(
    candidates: Mapping[str, Candidate], rows: TrainingRows, gold: np.ndarray, seed: int, draws: int
) -> tuple[dict[str, Interval], str]:
    """best - kind in AUPRC for each kind, over the same draws of persons; and the best kind."""
    value = {name: candidate.evaluation.figures["auprc"].value for name, candidate in candidates.items()}
    best = max(candidates, key=lambda name: value[name])
    behind = {
        name: compare(
            rows.y[gold],
            candidates[best].out_of_fold_probabilities[gold],
            candidate.out_of_fold_probabilities[gold],
            rows.data.subject_id[gold],
            seed=seed,
            draws=draws,
            weight=1 / rows.inclusion_probability[gold],
        )
        for name, candidate in candidates.items()
    }
    return behind, best
