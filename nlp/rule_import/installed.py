"""The rules that come with an installed medspaCy or negspaCy, without loading their pipelines."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from .context_rules import ImportedCues
from .negspacy_terms import cues_from_negspacy
from .report import RuleFileError
from .rule_files import read_cue_file, read_heading_file
from .section_rules import ImportedHeadings

CONTEXT_FILE, SECTION_FILE = "context_rules.json", "section_patterns.json"


@dataclass(frozen=True, slots=True)
class MedspacyRules:
    """medspaCy's own rules of one language."""

    cues: ImportedCues
    headings: ImportedHeadings


def medspacy_resources(language: str = "en") -> Path:
    """The folder with medspaCy's rule files for a language; spaCy is not loaded for it.

    Raises:
        RuleFileError: medspaCy is not installed, or has no rules for the language.
    """
    found = importlib.util.find_spec("medspacy")
    if found is None or found.origin is None:
        raise RuleFileError("medspacy", "medspaCy is not installed", "Install it: pip install medspacy")
    # beside the package, not inside it
    folder = Path(found.origin).parent.parent / "resources" / language
    if not (folder / CONTEXT_FILE).is_file():
        raise RuleFileError(folder / CONTEXT_FILE, "medspaCy has no such file", "Give a language that it has rules for")
    return folder


def from_medspacy(language: str = "en") -> MedspacyRules:
    """medspaCy's default ConText and section rules.

    Raises:
        RuleFileError: medspaCy is not installed, or its files for the language are missing or empty.
    """
    folder = medspacy_resources(language)
    return MedspacyRules(read_cue_file(folder / CONTEXT_FILE), read_heading_file(folder / SECTION_FILE))


def from_negspacy(name: str = "en_clinical") -> ImportedCues:
    """A term set of an installed negspaCy: `en`, `en_clinical`, `en_clinical_sensitive`, `es_clinical`.

    Raises:
        RuleFileError: negspaCy is not installed, or has no such set.
    """
    try:
        termsets = importlib.import_module("negspacy.termsets")
    except ImportError:
        raise RuleFileError("negspacy", "negspaCy is not installed", "Install it, or give a JSON file") from None
    if name not in termsets.LANGUAGES:
        known = ", ".join(sorted(termsets.LANGUAGES))
        raise RuleFileError("negspacy", f"It has no term set {name!r}", f"Give one of {known}")
    return cues_from_negspacy(termsets.termset(name).get_patterns(), f"negspaCy {name}")
