"""The kinds of classifiers by name. Each is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .pack_files import PackError
from .patient_model import PatientModel

# kind -> module of this room, class
_CLASSES = {"tfidf": ("tfidf_model", "TfidfModel"), "concepts": ("concept_model", "ConceptModel")}
KINDS = tuple(_CLASSES)


def model_class(kind: str, where: str | Path = "") -> type[PatientModel]:
    """The class of a kind. Raises PackError for one that this version does not have."""
    if kind not in _CLASSES:
        raise PackError(where, f"kind {kind!r} is not known", f"this version has {', '.join(KINDS)}")
    module, name = _CLASSES[kind]
    return getattr(import_module(f".{module}", __package__), name)
