"""medspaCy's TargetRules as a terminology source (https://github.com/medspacy/medspacy).

A rule's code is taken from its `attributes` or `metadata` (`code` with `system`, or a key that names a system, such as
`cui`, `snomed`, `icd10cm`). A rule without one gets a local code of its category and literal, so that each literal is a
concept of its own, as in medspaCy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import Any

from ...normalize import fold
from ...rule_import.token_patterns import UntranslatableError, phrases_of
from ..source_term import SourceError, SourceTerm
from ..systems import canonical_system, code_fault, tidy_code
from .content import SourceContent

Json = dict[str, Any]
TARGET_KEY = "target_rules"
LOCAL_SYSTEM = "medspaCy"
_SYSTEM_KEYS = ("system", "code_system", "vocabulary", "vocabulary_id", "terminology")
_CODE_KEYS = ("code", "concept_code")
# Keys of attributes and metadata that name the system themselves; a suffix such as `_code` or `_id` may follow.
_NAMED_SYSTEMS: Mapping[str, str] = {
    "cui": "UMLS",
    "umls": "UMLS",
    "umls_cui": "UMLS",
    "snomed": "SNOMED",
    "snomedct": "SNOMED",
    "snomed_ct": "SNOMED",
    "sctid": "SNOMED",
    "hpo": "HPO",
    "mondo": "Mondo",
    "icd10": "ICD10",
    "icd10cm": "ICD10CM",
    "icd9cm": "ICD9CM",
    "rxnorm": "RxNorm",
    "rxcui": "RxNorm",
    "loinc": "LOINC",
}
_SUFFIX = re.compile(r"_(?:code|id|concept_id)$")
_NOT_IN_CODE = re.compile(r"[^a-z0-9]+")
_REMEDY = 'Give {"target_rules": [{"literal": ..., "category": ...}, ...]}, as medspaCy\'s TargetRule.to_json writes it'


def is_target_rules(document: object) -> bool:
    """Whether a JSON document holds medspaCy's target rules."""
    return isinstance(document, dict) and isinstance(document.get(TARGET_KEY), list)


def read_target_rules(path: Path, document: Json) -> SourceContent:
    """Read a parsed file of target rules. The literal is the preferred name; a pattern gives further terms.

    Raises:
        SourceError: no rule in it, or none that could be taken.
    """
    content = SourceContent(path.name)
    rules = document[TARGET_KEY]
    for number, rule in enumerate(rules, start=1):
        place = f"{path.name}#{number}"
        if not isinstance(rule, dict) or not isinstance(rule.get("literal"), str) or not rule["literal"].strip():
            content.drops.reject("empty_term", place)
            continue
        category = rule.get("category")
        category = category.strip() if isinstance(category, str) and category.strip() else "CONCEPT"
        code, system = _code_of(rule, category)
        fault = code_fault(system, code)
        if fault is not None:
            content.drops.reject(fault, place)
            continue
        _take(rule, category, code, system, place, content)
    if not rules:
        raise SourceError(path, None, "The list of target rules is empty", _REMEDY)
    content.drops.refuse_mostly_bad(path, len(rules))
    if not content.terms:
        raise SourceError(
            path, None, "No target rule could be taken: their patterns stand for no list of terms", _REMEDY
        )
    return content


def _take(rule: Json, category: str, code: str, system: str, place: str, content: SourceContent) -> None:
    literal = " ".join(rule["literal"].split())
    try:
        phrases = phrases_of(literal, rule.get("pattern"))
    except UntranslatableError as error:
        content.drops.leave_out("pattern_not_translated", place)
        content.notices.append(f"{place}: the pattern is not translated ({error}).")
        return
    content.notices.extend(f"{place}: {difference}." for difference in phrases.differences)
    for phrase in dict.fromkeys(phrases.phrases):
        content.terms.append(
            SourceTerm(
                code=intern(code),
                system=system,
                term=phrase,
                preferred=literal,
                kind="preferred" if fold(phrase) == fold(literal) else "synonym",
                chronic=False,
                semantic_tag=intern(category.lower()),
                origin=place,
            )
        )


def _code_of(rule: Json, category: str) -> tuple[str, str]:
    """Code and system of a rule: its own, or a local one."""
    for name in ("attributes", "metadata"):
        values = rule.get(name)
        if isinstance(values, dict):
            for code, system in _codes_in({str(key).lower(): value for key, value in values.items()}):
                return tidy_code(system, code), system
    local = f"{_slug(category)}:{_slug(rule['literal'])}"
    return local, LOCAL_SYSTEM


def _codes_in(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    system = next((values[key] for key in _SYSTEM_KEYS if isinstance(values.get(key), str)), None)
    code = next((_text(values[key]) for key in _CODE_KEYS if _text(values.get(key))), None)
    if code is not None:
        yield code, canonical_system(system) if system else LOCAL_SYSTEM
    for key, value in values.items():
        named = _NAMED_SYSTEMS.get(_SUFFIX.sub("", key)) or _NAMED_SYSTEMS.get(key)
        if named is not None and _text(value):
            yield _text(value), named


def _text(value: object) -> str:
    """A code given as text or as a whole number; the empty string for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _slug(text: str) -> str:
    return _NOT_IN_CODE.sub("_", fold(text)).strip("_") or "symbol"
