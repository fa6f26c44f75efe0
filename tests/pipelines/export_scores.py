"""Scores of three patients, as a classifier writes them: one flagged with its basis, one not flagged, one failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .conftest import rows


def score_rows(source: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of `score` and `score_evidence` for the corpus of the exporters."""
    evidence = next(row for row in rows(source, "evidence") if row["code"] == "SNOMED/195967001")
    cohort = sorted(rows(source, "cohort"), key=lambda row: row["subject_id"] != evidence["subject_id"])
    told = [("ok", 0.91, True), ("ok", 0.12, False), ("error", None, None)]
    scores = [
        {
            "score_id": 100 + place,
            "row_id": row["row_id"],
            "subject_id": row["subject_id"],
            "prediction_time": row["prediction_time"],
            "phenotype_code": "SNOMED/195967001",
            "base_concept_id": evidence["base_concept_id"],
            "model_name": "toy",
            "model_version": "1",
            "model_sha256": "ab" * 32,
            "raw_score": probability,
            "probability": probability,
            "threshold": 0.5,
            "flagged": flagged,
            "rank": place + 1,
            "n_notes": 2,
            "n_chunks": 2,
            "status": status,
            "run_id": evidence["run_id"],
        }
        for place, (row, (status, probability, flagged)) in enumerate(zip(cohort, told))
    ]
    basis = [
        {
            "score_id": 100,
            "rank": 1,
            "evidence_id": evidence["evidence_id"],
            "note_id": None,
            "event_id": None,
            "covariate_id": None,
            "start": None,
            "end": None,
            "contribution": 0.8,
            "method": "attention",
        }
    ]
    return scores, basis
