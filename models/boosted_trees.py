"""XGBoost over the columns of the regression: chosen only where it is installed and ranks better in inner folds."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np

from .aggregation import fit_logistic, out_of_fold
from .design import Design, Matrix
from .near_duplicates import SplitError, make_folds
from .patient_model import ModelDataError
from .ranking import average_precision

ROUNDS = 150
# Fewer positives than this and trees learn the folds, not the phenotype.
MIN_POSITIVES = 50
# Trees must rank better by this much: they are larger, and their contributions name no passage.
MARGIN = 0.01
INNER_FOLDS = 3


def _xgboost() -> Any:
    if importlib.util.find_spec("xgboost") is None:
        raise ModelDataError("this model holds trees and needs xgboost; install xgboost-cpu")
    import xgboost

    return xgboost


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Gradient boosted trees in XGBoost's JSON form; one thread, so that the same input gives the same trees."""

    content: bytes

    @classmethod
    def fit(cls, x: Matrix, y: np.ndarray, weight: np.ndarray, seed: int) -> BoostedTrees:
        xgboost = _xgboost()
        settings = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": 4,
            "eta": 0.1,
            "min_child_weight": 2,
            "lambda": 1.0,
            "colsample_bytree": 0.5,
            "nthread": 1,
            "seed": seed,
            "base_score": 0.5,
        }
        matrix = xgboost.DMatrix(x.astype(np.float32), label=y, weight=weight)
        booster = xgboost.train(settings, matrix, num_boost_round=ROUNDS)
        return cls(bytes(booster.save_raw("json")))

    def _booster(self) -> Any:
        booster = _xgboost().Booster({"nthread": 1})
        booster.load_model(bytearray(self.content))
        return booster

    def logits(self, x: Matrix) -> np.ndarray:
        """[n] margins."""
        return self.contributions(x).sum(axis=1) + self.intercept

    def contributions(self, x: Matrix) -> np.ndarray:
        """[n, k] Shapley values of the trees; with `intercept` they sum to the margin."""
        matrix = _xgboost().DMatrix(x.astype(np.float32))
        return self._booster().predict(matrix, pred_contribs=True).astype(np.float64)[:, :-1]

    @property
    def intercept(self) -> float:
        """The mean margin of training rows, which Shapley values start from."""
        booster = self._booster()
        matrix = _xgboost().DMatrix(np.zeros((1, booster.num_features()), np.float32))
        return float(booster.predict(matrix, pred_contribs=True)[0, -1])

    def as_array(self) -> np.ndarray:
        return np.frombuffer(self.content, np.uint8)

    @classmethod
    def from_array(cls, array: np.ndarray) -> BoostedTrees:
        return cls(array.tobytes())


def prefer_trees(design: Design, y: np.ndarray, weight: np.ndarray, seed: int, c: float) -> tuple[bool, dict[str, Any]]:
    """Whether trees beat the regression by MARGIN in person-grouped inner folds, and what was found."""
    report: dict[str, Any] = {"learner": "trees", "average_precision": None}
    if importlib.util.find_spec("xgboost") is None:
        return False, {**report, "why": "xgboost is not installed"}
    if y[weight > 0].sum() < MIN_POSITIVES:
        return False, {**report, "why": f"fewer than {MIN_POSITIVES} positives"}
    try:
        fold = make_folds(design.groups, y, INNER_FOLDS, seed).fold
    except SplitError:
        return False, {**report, "why": "too few groups"}

    def regression(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        coefficients, intercept = fit_logistic(design.bag[train], y[train], weight[train], c)
        return np.asarray(design.bag[test] @ coefficients).ravel() + intercept

    def trees(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        return BoostedTrees.fit(design.bag[train], y[train], weight[train], seed).logits(design.bag[test])

    linear = average_precision(y, out_of_fold(fold, regression), weight)
    boosted = average_precision(y, out_of_fold(fold, trees), weight)
    chosen = bool(boosted > linear + MARGIN)
    return chosen, {**report, "average_precision": round(boosted, 6), "linear": round(linear, 6)}
