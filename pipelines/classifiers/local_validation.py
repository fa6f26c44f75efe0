"""A model measured on labelled patients of a run: what a site records before it trusts one.

Only labels that people gave count. A labelled patient without a score (no notes) counts as not flagged, so that missed
patients are not lost from the sensitivity; figures of ranking are of the scored rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models.calibration import Calibration
from ...models.evaluate import EvaluationError, ScoredRows, evaluate
from ...models.pack import open_pack
from ...models.proportion import wilson
from ...models.score_rows import OK, EvidenceOptions, score_part
from ..errors import RunError
from ..run_folder import RunFolder
from .label_file import read_label_file
from .note_texts import run_key
from .patient_data import PatientSource, feature_registry
from .ready_model import needs_of, same_notes, threshold_of

SEED = 0
_FIGURES = ("auroc", "auprc", "brier")


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """What `phenotext evaluate-model` is asked for."""

    model: Path
    run: Path
    labels: Path
    site: str = ""
    date: str = ""
    policy: str | None = None
    unlisted_are_negative: bool = False
    notes: Path | None = None
    id_key: Path | None = None


def validate_model(request: ValidationRequest) -> dict[str, Any]:
    """The document that `model promote` reads. Figures are {estimate, low, high} with 95 % intervals, or null.

    Raises RunError for what the user can put right.
    """
    pack, run = open_pack(request.model), RunFolder.open(request.run)
    pack.check_registry(feature_registry(run), run.end_day)
    policy, threshold = threshold_of(pack, request.policy)
    key = run_key(run, request.id_key)
    code = pack.manifest["phenotype_code"]
    labelled = read_label_file(request.labels, run, key, code, unlisted_are_negative=request.unlisted_are_negative)
    trusted = labelled.labels.take(labelled.labels.trusted())
    if not len(trusted):
        raise RunError(
            "no label was given by people", where=str(request.labels), remedy="evaluate on gold or reviewed labels"
        )
    model, calibration = pack.model(), Calibration.from_json(pack.calibration)
    source = PatientSource(run, labelled.cohort, labelled.own, key, request.notes)
    rows: list[tuple[int, int, float]] = []
    for data in source.parts(needs_of(model)):
        part = score_part(model, calibration.probability, data, None, EvidenceOptions(top=0))
        scored = np.array([status == OK for status in part.status], bool)
        probability = np.where(scored, part.probability, np.nan)
        rows += zip(part.row_id.tolist(), part.subject_id.tolist(), probability.tolist(), strict=True)
    at = trusted.positions(np.array([row for row, _, _ in rows], np.int64), where=str(request.labels))
    probability = np.array([found for _, _, found in rows])[at]
    subject = np.array([number for _, number, _ in rows], np.int64)[at]
    weight = 1 / trusted.inclusion_probability
    scored = np.isfinite(probability)
    return {
        "model_name": pack.name,
        "model_version": pack.manifest["version"],
        "model_sha256": pack.sha256,
        "phenotype_code": code,
        "site": request.site.strip(),
        "date": request.date.strip(),
        "run_id": run.run_id,
        "data_sha256": labelled.sha256,
        "same_data_as_training": same_notes(pack, run),
        "policy": policy,
        "threshold": threshold,
        "n": len(trusted),
        "n_positive": int(trusted.value.sum()),
        "n_without_score": int((~scored).sum()),
        "n_labels_not_by_people": len(labelled.labels) - len(trusted),
        "n_left_out": labelled.left_out,
        **_at_threshold(trusted.value, probability, weight, threshold),
        **_ranking(trusted.value[scored], probability[scored], subject[scored], trusted.inclusion_probability[scored]),
    }


def _at_threshold(
    y: np.ndarray, probability: np.ndarray, weight: np.ndarray, threshold: float | None
) -> dict[str, Any]:
    if threshold is None:
        return {"n_flagged": None, "ppv": None, "sensitivity": None, "specificity": None}
    flagged = np.nan_to_num(probability, nan=-1.0) >= threshold
    positive = y > 0
    return {
        "n_flagged": int(flagged.sum()),
        "ppv": wilson(positive[flagged], weight[flagged]),
        "sensitivity": wilson(flagged[positive], weight[positive]),
        "specificity": wilson(~flagged[~positive], weight[~positive]),
    }


def _ranking(y: np.ndarray, probability: np.ndarray, subject: np.ndarray, inclusion: np.ndarray) -> dict[str, Any]:
    rows = ScoredRows.of(y, probability, subject, inclusion)
    try:
        found = evaluate(rows, seed=SEED, workloads=())
    except EvaluationError:  # one label only: nothing to rank
        return dict.fromkeys((*_FIGURES, "ece"))
    figures = {name: found.figures[name].as_json() for name in _FIGURES}
    return {**figures, "ece": found.ece, "calibration_curve": found.curve}
