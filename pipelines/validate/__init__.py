"""Does a run, or a folder of events, keep the promises of the schema? Rows that break a rule are named."""

from .findings import Finding, ValidationReport
from .validation import validate_folder

__all__ = ["Finding", "ValidationReport", "validate_folder"]
