"""The one interface of all classifiers: fit, logits, contributions, arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from .patients import PatientNotes

# A term or a value of a feature that fewer patients have may name a person; it never enters a model.
MIN_PATIENTS = 11


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one passage, note or covariate added to a logit.

    `note_id` with `start` and `end` (half-open characters of that note) names a passage; `note_id` alone the whole
    note; `covariate` a feature by its name. `value` is in units of the logit. `method` says how it was computed
    ("linear" is exact; "tree_shap" is exact for trees).
    """

    note_id: int | None
    covariate: str | None
    start: int | None
    end: int | None
    value: float
    method: str


@runtime_checkable
class PatientModel(Protocol):
    """A classifier of patients. Everything is deterministic by (data, y, weight, seed)."""

    kind: str

    def fit(self, data: PatientNotes, y: np.ndarray, weight: np.ndarray, seed: int) -> Self:
        """Learn from n rows, y [n] of 0/1 and weight [n] >= 0; returns itself."""
        ...

    def logits(self, data: PatientNotes) -> np.ndarray:
        """[n] float64, before calibration. A row without notes gets the intercept."""
        ...

    def contributions(self, data: PatientNotes, row: int) -> list[Contribution]:
        """What made the logit of the row at this position, largest absolute value first.

        For an additive model the values and `intercept` sum to the logit.
        """
        ...

    @property
    def intercept(self) -> float:
        """The logit of a row of which nothing is known."""
        ...

    def arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Weights for safetensors, and a JSON object with everything else. Same fit, same bytes."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Self:
        """The inverse of `arrays`; the model gives the same logits."""
        ...


class NotFittedError(RuntimeError):
    """A model asked for scores before `fit` or `from_arrays`."""


class ModelDataError(ValueError):
    """Training data from which this kind cannot learn; the message says why and what to do."""


def checked_targets(data: PatientNotes, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y as [n] float64 of 0/1 and weight as [n] float64, or ModelDataError where they cannot be used."""
    target, sample_weight = np.asarray(y, np.float64), np.asarray(weight, np.float64)
    if target.shape != (len(data),) or sample_weight.shape != (len(data),):
        raise ModelDataError(
            f"{len(data)} rows but {target.shape[0]} labels and {sample_weight.shape[0]} weights; give one a row"
        )
    if not np.isin(target, (0.0, 1.0)).all():
        raise ModelDataError("labels must be 0 or 1")
    if not np.isfinite(sample_weight).all() or (sample_weight < 0).any():
        raise ModelDataError("weights must be finite and not negative")
    used = target[sample_weight > 0]
    if len(used) == 0 or used.min() == used.max():
        raise ModelDataError("training needs rows of both labels with a weight above 0; label more patients")
    return target, sample_weight
