"""Terminologies: source loaders, term rules, the builder, and the compiled form that notes are matched with."""

from .build import build_terminology
from .build_report import BuildReport
from .source_term import SourceError, SourceTerm
from .sources import read_source
from .terminology import Terminology

__all__ = ["BuildReport", "SourceError", "SourceTerm", "Terminology", "build_terminology", "read_source"]
