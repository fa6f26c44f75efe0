"""Which system a listed code belongs to, where the list does not say it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ..systems import canonical_system

# The forms are disjoint but for SNOMED's shortest ids, which no other system here has.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("HPO", re.compile(r"HP[:_][0-9]{7}")),
    ("Mondo", re.compile(r"MONDO[:_][0-9]{7}")),
    ("DOID", re.compile(r"DOID[:_][0-9]+")),
    ("ICD10CM", re.compile(r"[A-TV-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.IGNORECASE)),
    ("LOINC", re.compile(r"[0-9]{1,7}-[0-9]")),
    ("SNOMED", re.compile(r"[1-9][0-9]{5,17}")),
    ("SNOMED", re.compile(r"[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+")),
)
_NAMED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("SNOMED", re.compile(r"snomed|sctid|conceptid_?sct|sct_?code", re.IGNORECASE)),
    ("ICD10CM", re.compile(r"icd[ _-]?10[ _-]?cm", re.IGNORECASE)),
    ("ICD10", re.compile(r"icd[ _-]?10", re.IGNORECASE)),
    ("ICD9CM", re.compile(r"icd[ _-]?9", re.IGNORECASE)),
    ("Read", re.compile(r"read_?(?:code|v?2|ctv3)|ctv3", re.IGNORECASE)),
    ("dm+d", re.compile(r"dm\+?d", re.IGNORECASE)),
    ("HPO", re.compile(r"(?<![a-z])hpo(?![a-z])", re.IGNORECASE)),
    ("LOINC", re.compile(r"loinc", re.IGNORECASE)),
    ("RxNorm", re.compile(r"rxnorm|rxcui", re.IGNORECASE)),
)
_PLAIN_NAME = re.compile(r"\s+(?:codes?|concepts?|terms?)$", re.IGNORECASE)


def system_of_code(code: str) -> str | None:
    """The one system whose codes look so, or None.

    >>> [system_of_code(code) for code in ("22298006", "E11.9", "HP:0001250", "2160-0", "chronic")]
    ['SNOMED', 'ICD10CM', 'HPO', 'LOINC', None]
    """
    return next((system for system, form in _FORMS if form.fullmatch(code)), None)


def system_in_name(name: str) -> str | None:
    """The system that a file's, column's or list's name speaks of, or None.

    >>> [system_in_name(name) for name in ("icd10_code", "asthma_SNOMEDCT", "SNOMED  CT codes", "code")]
    ['ICD10', 'SNOMED', 'SNOMED', None]
    """
    return next((system for system, form in _NAMED if form.search(name)), None)


def system_named(cell: str) -> str:
    """The system that a cell such as `SNOMED  CT codes` or `http://snomed.info/sct` names."""
    name = _PLAIN_NAME.sub("", " ".join(cell.split()))
    known = canonical_system(name)
    return known if known != name else system_in_name(name) or name


def commonest_system(codes: Iterable[str]) -> str | None:
    """The system that most of the codes look like, or None if less than half look like any."""
    counts: Counter[str | None] = Counter(system_of_code(code.strip()) for code in codes)
    total = counts.total()
    counts.pop(None, None)
    if not counts:
        return None
    system, count = min(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return system if count * 2 >= total else None


def written_forms(system: str, code: str) -> list[str]:
    """A code as given, and for ICD with and without its dot, as lists and vocabularies differ in this.

    >>> written_forms("ICD10CM", "e119"), written_forms("ICD9CM", "E950.1"), written_forms("SNOMED", "22298006")
    (['e119', 'E119', 'E11.9'], ['E950.1', 'E9501'], ['22298006'])
    """
    if system not in ("ICD10CM", "ICD10", "ICD9CM", "ICD9Proc"):
        return [code]
    bare = code.strip().upper().replace(".", "")
    before = 2 if system == "ICD9Proc" else 4 if system == "ICD9CM" and bare.startswith("E") else 3
    dotted = f"{bare[:before]}.{bare[before:]}" if len(bare) > before else bare
    return list(dict.fromkeys((code, bare, dotted)))
