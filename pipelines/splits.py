"""Default split of patients: 80 % train, 10 % tuning, 10 % held out, by a hash of the patient alone."""

from __future__ import annotations

from .ids import blake2b_63

TRAIN_BELOW, TUNING_BELOW = 800, 900  # per mille


def default_split(subject_id: int) -> str:
    """The same patient is in the same part at every run, whoever else is there."""
    share = blake2b_63(f"split|{subject_id}".encode()) % 1000
    if share < TRAIN_BELOW:
        return "train"
    return "tuning" if share < TUNING_BELOW else "held_out"
