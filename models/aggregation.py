"""How the notes of a patient become one logit, and how each way is fitted.

`bag`: the terms of all notes together. `note_max`: each note is scored alone and the highest counts; every note of a
positive patient trains as positive. `note_em`: scored in the same way, but fitted by expectation maximisation for the
noisy-or model of multiple-instance learning (a patient is positive if any note is; Zhang and Goldman 2001), so that
the many notes of a positive patient which say nothing of the phenotype stop counting as positive.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from .design import Design, Matrix

BAG, NOTE_MAX, NOTE_EM = AGGREGATIONS = ("bag", "note_max", "note_em")
EM_ROUNDS = 6
# Rounds before the last need no more than a direction.
ROUGH, EXACT = 1e-2, 1e-4
# The solver penalises the intercept too; a large constant column makes that penalty small.
INTERCEPT_SCALE = 10

Linear = tuple[np.ndarray, float]


def fit_logistic(x: Matrix, y: np.ndarray, weight: np.ndarray, c: float, tolerance: float = EXACT) -> Linear:
    """Coefficients [k] and intercept of an L2 logistic regression; weights are scaled to mean 1.

    The solver (liblinear, primal) takes no random step. With one label only: no coefficients, smoothed log odds.
    """
    used = weight > 0
    x, y, weight = x[np.flatnonzero(used)], y[used], weight[used]
    weight = weight / weight.mean() if len(weight) else weight
    if len(y) == 0 or y.min() == y.max():
        share = (float((weight * y).sum()) + 0.5) / (len(y) + 1)
        return np.zeros(x.shape[1]), float(np.log(share / (1 - share)))
    model = LogisticRegression(
        C=c, solver="liblinear", intercept_scaling=INTERCEPT_SCALE, tol=tolerance, max_iter=200, random_state=0
    )
    model.fit(x, y, sample_weight=weight)
    intercept = np.asarray(model.intercept_, np.float64).ravel()
    return np.asarray(model.coef_, np.float64)[0], float(intercept[0])


def fit(design: Design, y: np.ndarray, weight: np.ndarray, aggregation: str, c: float) -> Linear:
    """Fit one way. `y`, `weight` [n]."""
    if aggregation == BAG:
        return fit_logistic(design.bag, y, weight, c)
    # a patient with many notes must not outweigh one with few
    notes = np.bincount(design.note_row, minlength=len(design))
    note_weight = (weight / np.maximum(notes, 1))[design.note_row]
    note_y = y[design.note_row]
    linear = fit_logistic(design.notes, note_y, note_weight, c)
    if aggregation == NOTE_MAX:
        return linear
    return _expectation_maximisation(design, note_y, note_weight, c, linear)


def _expectation_maximisation(
    design: Design, note_y: np.ndarray, note_weight: np.ndarray, c: float, linear: Linear
) -> Linear:
    positive = np.flatnonzero(note_y > 0)
    doubled = sparse.csr_matrix(sparse.vstack([design.notes, design.notes[positive]]))
    targets = np.concatenate([note_y, np.zeros(len(positive))])
    row = design.note_row
    for number in range(EM_ROUNDS):
        logit = design.notes @ linear[0] + linear[1]
        silent = -np.logaddexp(0, logit)  # log of 1 - p
        any_note = -np.expm1(np.bincount(row, weights=silent, minlength=len(design)))
        share = np.exp(-np.logaddexp(0, -logit)) / np.maximum(any_note[row], 1e-12)
        # in a positive patient at least one note counts in full, however low all of them are
        top = np.zeros(len(design))
        np.maximum.at(top, row, share)
        share = np.clip(share / np.maximum(top[row], 1e-12), 0.0, 1.0)
        weights = np.concatenate([np.where(note_y > 0, share, 1.0), 1 - share[positive]])
        weights *= np.concatenate([note_weight, note_weight[positive]])
        linear = fit_logistic(doubled, targets, weights, c, ROUGH if number < EM_ROUNDS - 1 else EXACT)
    return linear


def design_logits(design: Design, aggregation: str, linear: Linear) -> np.ndarray:
    """[n] logits of a design's rows."""
    if aggregation == BAG:
        return np.asarray(design.bag @ linear[0]).ravel() + linear[1]
    return highest(np.asarray(design.notes @ linear[0]).ravel() + linear[1], design.note_row, len(design), linear[1])


def highest(note_logit: np.ndarray, note_row: np.ndarray, n: int, nothing: float) -> np.ndarray:
    """[n] highest logit of each row's notes; `nothing` for rows without notes."""
    out = np.full(n, -np.inf)
    np.maximum.at(out, note_row, note_logit)
    return np.where(np.isfinite(out), out, nothing)


Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]


def out_of_fold(fold: np.ndarray, score: Scorer) -> np.ndarray:
    """[n] scores, each from `score(train rows, test rows)` of the fold that did not see the row."""
    out = np.zeros(len(fold))
    for number in range(int(fold.max()) + 1):
        test = np.flatnonzero(fold == number)
        out[test] = score(np.flatnonzero(fold != number), test)
    return out
