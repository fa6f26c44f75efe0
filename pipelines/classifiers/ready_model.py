"""What must be at hand for a model to score: the data it reads, and the threshold it flags by."""

from __future__ import annotations

from ...models.concept_model import FEATURES, ConceptModel
from ...models.pack import ModelPack
from ...models.patient_model import PatientModel
from ...models.tfidf_model import TfidfModel
from ..errors import RunError
from ..run_folder import RunFolder
from .patient_data import Needs


def needs_of(model: PatientModel) -> Needs:
    """Mentions for models of concepts and of words with negation; features for models trained on a run's."""
    if isinstance(model, ConceptModel):
        return Needs(mentions=model.reads != FEATURES, features=model.reads == FEATURES)
    if isinstance(model, TfidfModel):
        return Needs(mentions=model.mark_denied, features=False)
    return Needs()


def threshold_of(pack: ModelPack, policy: str | None = None) -> tuple[str | None, float | None]:
    """The policy and its threshold: the model's default, or the one named. (None, None) where the model has no default.

    Raises RunError for a policy that the model has no threshold for.
    """
    policies: dict[str, dict[str, float]] = pack.thresholds.get("policies", {})
    chosen = policy or pack.thresholds.get("default")
    if chosen is None:
        return None, None
    if chosen not in policies:
        why = pack.thresholds.get("not_met", {}).get(chosen)
        raise RunError(
            f"the model has no threshold by {chosen}" + (f" ({why})" if why else ""),
            where=str(pack.path),
            remedy=f"use {', '.join(sorted(policies)) or 'none: it only ranks'}",
        )
    return chosen, float(policies[chosen]["threshold"])


def same_notes(pack: ModelPack, run: RunFolder) -> bool:
    """Whether the model was trained on the notes of this run, as their hash says."""
    return pack.manifest["data"].get("notes_sha256") == run.document["identity"]["notes"]["sha256"]
