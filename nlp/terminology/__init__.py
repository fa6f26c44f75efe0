"""Terminologies: source loaders, term rules, the builder, and the compiled form that notes are matched with.

The builder and the loaders are imported when first used: `import phenotext.nlp` needs neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .terminology import Terminology

if TYPE_CHECKING:
    from .build import build_terminology
    from .build_report import BuildReport
    from .source_term import SourceError, SourceTerm
    from .sources import read_source

__all__ = ["BuildReport", "SourceError", "SourceTerm", "Terminology", "build_terminology", "read_source"]
_LATER = {
    "BuildReport": ".build_report",
    "SourceError": ".source_term",
    "SourceTerm": ".source_term",
    "build_terminology": ".build",
    "read_source": ".sources",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name], __name__), name)
