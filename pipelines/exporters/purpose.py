"""What the declared purpose of a run forbids to leave."""

from __future__ import annotations

from ..errors import RunError
from ..run_folder import RunFolder


def refuse_patient_level(run: RunFolder) -> None:
    """Raise RunError where the run was declared commercial: then only roll-ups with cells of 11 and more may leave."""
    declared = run.document.get("declared", {}).get("purpose")
    if "commercial" in (declared, run.settings.get("purpose")):
        raise RunError(
            "the run's purpose is commercial, so nothing leaves it at the level of patients",
            where=str(run.path),
            remedy="write the roll-up by site and provider with `phenotext report`",
        )
