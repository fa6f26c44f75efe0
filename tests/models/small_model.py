"""A small classifier trained on sentences written for these tests, and its pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from phenotext.models.pack import FeatureRegistry, ModelPack, Origin, write_pack
from phenotext.models.patients import PatientNotes, patient_notes
from phenotext.models.tfidf_model import TfidfModel

REGISTRY = FeatureRegistry("a" * 64, "b" * 64)


def patients(n: int = 40) -> tuple[PatientNotes, np.ndarray]:
    """n patients of two notes; every other has gout, and the words for it."""
    rows = [
        (
            100 + i,
            [
                f"Seen in clinic for knee pain. {'Gout with tophi of the toe.' if i % 2 else 'Sprain of the ankle.'}",
                f"Follow up after {['rest', 'walking', 'a long trip'][i % 3]}. Feels better.",
            ],
        )
        for i in range(n)
    ]
    return patient_notes(rows), np.array([i % 2 for i in range(n)], np.int8)


def small_model() -> TfidfModel:
    data, y = patients()
    return TfidfModel().fit(data, y, np.ones(len(y)), seed=3)


def origin(**changes: Any) -> Origin:
    given: dict[str, Any] = {
        "name": "gout-tfidf",
        "version": "1",
        "phenotype_code": "SNOMED/90560007",
        "phenotype_name": "Gout",
        "data_sha256": "c" * 64,
        "data": {"n_patients": 40, "n_positive": 20, "n_notes": 80, "labels_by_kind": {"gold": 40}},
        "seed": 3,
        "end_day": -1,
        "licence": "Apache-2.0",
        "trained_on_phi": False,
        "registry": REGISTRY,
    }
    return Origin(**(given | changes))


def write_small(folder: Path, model: TfidfModel | None = None, **changes: Any) -> ModelPack:
    return write_pack(
        folder,
        origin(**changes),
        model or small_model(),
        calibration={"method": "identity"},
        thresholds={"default": "ppv", "threshold": 0.5},
        evaluation={"auroc": {"estimate": 0.9, "low": 0.8, "high": 0.95}},
    )
