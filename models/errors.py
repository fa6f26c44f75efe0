"""The errors of this room whose message is written for the user: what is wrong, where, and what to do; never a note."""

from __future__ import annotations

from .calibration import CalibrationError
from .evaluate import EvaluationError
from .labels import LabelError
from .near_duplicates import SplitError
from .pack_files import PackError
from .patient_model import ModelDataError
from .patients import PatientDataError
from .thresholds import ThresholdError

USER_ERRORS: tuple[type[Exception], ...] = (
    PackError,
    LabelError,
    ModelDataError,
    PatientDataError,
    SplitError,
    CalibrationError,
    ThresholdError,
    EvaluationError,
)
