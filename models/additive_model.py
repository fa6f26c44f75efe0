"""A logistic regression over weighted terms of notes, shared by the kinds `tfidf` and `concepts`.

The logit is the intercept plus a sum over occurrences of terms, so every passage has its exact share of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from ..nlp import Extractor
from .aggregation import AGGREGATIONS, BAG, Linear, design_logits, fit, highest, out_of_fold
from .design import Design, Matrix, Occurrences, Terms, make_design, rows_from_notes, weighted
from .near_duplicates import SplitError, make_folds
from .patient_model import Contribution, ModelDataError, NotFittedError, checked_targets
from .patients import PatientNotes
from .ranking import average_precision

INNER_FOLDS = 3
# With fewer positives inner folds choose a penalty by luck: measured on 13 findings, the first one does better.
MIN_POSITIVES_FOR_C = 50
C_GRID = (10.0, 1.0, 100.0)


class AdditiveModel(ABC):
    """Fits, scores and explains; a kind says what its terms are.

    `aggregations` and `c_grid` are what inner cross-validation chooses from; the first of equals wins. `extractor` is
    needed where the data do not carry what a kind reads.
    """

    kind: str = ""
    FORMAT: ClassVar[int] = 1

    def __init__(
        self,
        extractor: Extractor | None = None,
        *,
        aggregations: Sequence[str] = AGGREGATIONS,
        c_grid: Sequence[float] = C_GRID,
    ) -> None:
        unknown = [name for name in aggregations if name not in AGGREGATIONS]
        if unknown or not aggregations or not c_grid:
            raise ValueError(f"aggregations must be some of {', '.join(AGGREGATIONS)}, and c_grid not empty")
        self.extractor = extractor
        self.aggregations = tuple(aggregations)
        self.c_grid = tuple(float(c) for c in c_grid)
        self.names: tuple[str, ...] = ()
        self.aggregation = BAG
        self.c = self.c_grid[0]
        self.idf = np.zeros(0)
        self.linear: Linear | None = None
        self.inner: list[dict[str, Any]] = []

    @abstractmethod
    def learn_terms(self, data: PatientNotes) -> Terms:
        """The terms of the training notes that may enter the model."""

    @abstractmethod
    def find_terms(self, data: PatientNotes) -> Occurrences:
        """Occurrences of the model's terms (`self.names`) in notes."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What decides which terms a kind finds; part of the saved model."""

    def prepare(self, data: PatientNotes) -> Design:
        """The training matrices; they do not depend on labels, so several labels may share them."""
        terms = self.learn_terms(data)
        if not terms.names:
            raise ModelDataError(
                f"no term is seen in enough of the {len(data)} patients to enter a model; train on more patients"
            )
        return make_design(data, terms)

    def fit(self, data: PatientNotes, y: np.ndarray, weight: np.ndarray, seed: int) -> Self:
        """See PatientModel. Raises ModelDataError where nothing can be learned."""
        target, sample_weight = checked_targets(data, y, weight)
        return self.fit_design(self.prepare(data), target, sample_weight, seed)

    def fit_design(self, design: Design, y: np.ndarray, weight: np.ndarray, seed: int) -> Self:
        """As `fit`, on matrices that `prepare` made."""
        self.names = design.names
        self.aggregation, self.c = self._choose(design, y, weight, seed)
        self.idf = design.bag_idf if self.aggregation == BAG else design.note_idf
        self.linear = fit(design, y, weight, self.aggregation, self.c)
        return self

    def _choose(self, design: Design, y: np.ndarray, weight: np.ndarray, seed: int) -> tuple[str, float]:
        """Aggregation first, then the penalty, by average precision on person-grouped inner folds."""
        one_note = len(np.unique(design.note_row)) == len(design.note_row)
        ways = self.aggregations if not one_note else self.aggregations[:1]
        self.inner = []
        best, best_c = ways[0], self.c_grid[0]
        grid = self.c_grid if y[weight > 0].sum() >= MIN_POSITIVES_FOR_C else self.c_grid[:1]
        if len(ways) == 1 and len(grid) == 1:
            return best, best_c
        try:
            folds = make_folds(design.groups, y, INNER_FOLDS, seed)
        except SplitError:
            return best, best_c
        parts = {}
        for number in range(INNER_FOLDS):
            parts[number] = (design.take(folds.train(number)), design.take(folds.test(number)))

        def precision(way: str, c: float) -> float:
            def score(train: np.ndarray, test: np.ndarray) -> np.ndarray:
                left, right = parts[int(folds.fold[test[0]])]
                return design_logits(right, way, fit(left, y[train], weight[train], way, c))

            found = average_precision(y, out_of_fold(folds.fold, score), weight)
            self.inner.append({"aggregation": way, "c": c, "average_precision": round(found, 6)})
            return found

        scores = {way: precision(way, best_c) for way in ways} if len(ways) > 1 else {}
        if scores:
            best = max(ways, key=lambda way: (scores[way], -ways.index(way)))
        if len(grid) > 1:
            by_c = {c: scores[best] if c == best_c and scores else precision(best, c) for c in grid}
            best_c = max(grid, key=lambda c: (by_c[c], -grid.index(c)))
        return best, best_c

    def _fitted(self) -> Linear:
        if self.linear is None:
            raise NotFittedError(f"this {self.kind} model is not fitted; call fit, or load one")
        return self.linear

    def _matrix(self, data: PatientNotes, at: Occurrences) -> Matrix:
        """[n, k] for the bag, [m, k] where notes are scored alone."""
        counts = at.counts(data.n_notes, len(self.names))
        counts.sum_duplicates()
        return weighted(rows_from_notes(data) @ counts if self.aggregation == BAG else counts, self.idf)

    def logits(self, data: PatientNotes) -> np.ndarray:
        """[n] float64; a row without known terms gets the intercept."""
        coefficients, intercept = self._fitted()
        score = np.asarray(self._matrix(data, self.find_terms(data)) @ coefficients).ravel() + intercept
        return score if self.aggregation == BAG else highest(score, data.note_rows(), len(data), intercept)

    @property
    def intercept(self) -> float:
        return self._fitted()[1]

    def contributions(self, data: PatientNotes, row: int) -> list[Contribution]:
        """Passages with their share of the logit, largest first; with `intercept` they sum to the logit.

        Where the highest note counts, only that note's passages are given. Passages of the same place are added up.
        """
        coefficients, _ = self._fitted()
        one = data.subset([row])
        at = self.find_terms(one)
        matrix = self._matrix(one, at)
        if self.aggregation == BAG:
            line = np.zeros(len(at.note), np.int64)
        else:
            if not one.n_notes:
                return []
            top = int(np.argmax(np.asarray(matrix @ coefficients).ravel()))
            at = at.of_notes(range(top, top + 1))
            line = at.note
        if not len(at.note):
            return []
        value = np.asarray(matrix[line, at.column]).ravel() * coefficients[at.column]
        key = line * len(self.names) + at.column
        _, member, counts = np.unique(key, return_inverse=True, return_counts=True)
        value = value / counts[member]
        places: dict[tuple[int, int, int], float] = {}
        for note, start, end, share in zip(at.note.tolist(), at.start.tolist(), at.end.tolist(), value.tolist()):
            place = (int(one.note_id[note]), start, end)
            places[place] = places.get(place, 0.0) + share
        found = [Contribution(n, None, s, e, share, "linear") for (n, s, e), share in places.items() if share]
        return sorted(found, key=lambda c: (-abs(c.value), c.note_id or 0, c.start or 0, c.end or 0))

    def arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        coefficients, intercept = self._fitted()
        meta = {
            "kind": self.kind,
            "format": self.FORMAT,
            "aggregation": self.aggregation,
            "c": self.c,
            "inner": self.inner,
            "names": list(self.names),
            "settings": self.settings(),
        }
        return {"coefficients": coefficients, "idf": self.idf, "intercept": np.asarray([intercept])}, meta

    def restore(self, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Self:
        """Take over what `arrays` gave. Raises ModelDataError where the parts do not fit."""
        if meta.get("kind") != self.kind or meta.get("format") != self.FORMAT:
            raise ModelDataError(f"these weights are no {self.kind} model of format {self.FORMAT}; train it again")
        self.names = tuple(str(name) for name in meta["names"])
        coefficients = np.asarray(arrays["coefficients"], np.float64)
        idf = np.asarray(arrays["idf"], np.float64)
        intercept = np.asarray(arrays["intercept"], np.float64)
        if coefficients.shape != (len(self.names),) or idf.shape != coefficients.shape or intercept.shape != (1,):
            raise ModelDataError("weights and names of the model differ in number; the model is damaged, get it again")
        if not all(np.isfinite(a).all() for a in (coefficients, idf, intercept)):
            raise ModelDataError("the model has weights that are not finite; it is damaged, get it again")
        if meta["aggregation"] not in AGGREGATIONS:
            raise ModelDataError(f"unknown aggregation; use one of {', '.join(AGGREGATIONS)}")
        self.aggregation, self.c, self.inner = str(meta["aggregation"]), float(meta["c"]), list(meta.get("inner", []))
        self.idf, self.linear = idf, (coefficients, float(intercept[0]))
        return self

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Self:
        """The inverse of `arrays`."""
