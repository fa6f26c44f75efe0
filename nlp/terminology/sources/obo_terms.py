"""What OBO flat files and OBO graphs share: systems by prefix, synonym kinds, and how a term record becomes source
terms."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from ..retired import RetiredCode
from ..source_term import SourceTerm, TermKind
from ..systems import canonical_system, code_fault, tidy_code
from .content import SourceContent

_PURL = re.compile(r"https?://purl\.obolibrary\.org/obo/([A-Za-z]+)_([0-9A-Za-z]+)")
_DATED = re.compile(r"_(?:19|20)\d{2}(?:_\d{2}){0,2}$")
_OBSOLETE = "obsolete "
# Codes of these systems carry their prefix.
_PREFIXED = frozenset({"HPO", "Mondo", "DOID"})
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}|v?\d+(?:\.\d+)+")


@dataclass(slots=True)
class OboRecord:
    """One class of an ontology. Synonyms are (text, scope EXACT/RELATED/BROAD/NARROW, type); `consider` are classes
    that may stand for an obsolete one, `xrefs` the same thing elsewhere, as the ontology says (`SCTID:22298006`)."""

    id: str = ""
    name: str = ""
    obsolete: bool = False
    synonyms: list[tuple[str, str, str]] = field(default_factory=list)
    alternative_ids: list[str] = field(default_factory=list)
    replaced_by: list[str] = field(default_factory=list)
    consider: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    xrefs: list[str] = field(default_factory=list)


def curie(identifier: str) -> str:
    """`http://purl.obolibrary.org/obo/HP_0001250` and `HP:0001250` as `HP:0001250`."""
    match = _PURL.fullmatch(identifier.strip())
    return f"{match[1]}:{match[2]}" if match else identifier.strip()


def system_of(code: str) -> str:
    """The vocabulary name of a curie's prefix."""
    prefix, colon, _ = code.partition(":")
    return canonical_system(prefix) if colon else ""


def release_of(version: str) -> str | None:
    """The date or number inside a version line such as `hp/releases/2024-04-26`, or the whole line."""
    match = _VERSION.search(version)
    return match[0] if match else (version.strip() or None)


def take_record(record: OboRecord, content: SourceContent, place: str, scopes: Collection[str]) -> None:
    """Append the record's terms, or count why not; alternative ids and replacements become redirects, `is_a` lines
    edges, cross-references `content.xrefs`."""
    code = curie(record.id)
    for alternative in record.alternative_ids:
        content.redirects.setdefault(curie(alternative), code)
    if record.obsolete:
        content.drops.leave_out("obsolete", place)
        if len(record.replaced_by) == 1:  # several replacements leave open which one is meant
            content.redirects[code] = curie(record.replaced_by[0])
        _retire(record, content, code)
        return
    system = system_of(code)
    code = tidy_code(system, code)
    fault = ("empty_system" if not system else code_fault(system, code)) if code else "empty_code"
    if fault is None and not record.name:
        fault = "empty_term"
    if fault:
        content.drops.reject(fault, place)
        return
    take_edges(system, code, record.parents, content, place)
    targets = [target for xref in record.xrefs if (target := reference(xref)) is not None]
    if targets:
        content.xrefs[(system, code)] = list(dict.fromkeys(targets))
    seen = {record.name}
    content.terms.append(SourceTerm(code, system, record.name, record.name, "preferred", False, None, place))
    for text, scope, sort in record.synonyms:
        if scope not in scopes:
            content.drops.leave_out(f"scope_{scope.lower()}", place)
        elif "obsolete" in sort.lower() or "deprecated" in sort.lower():
            content.drops.leave_out("obsolete_synonym", place)
        elif text in seen or not text:
            content.drops.leave_out("duplicate", place)
        else:
            seen.add(text)
            content.terms.append(SourceTerm(code, system, text, record.name, _kind(sort), False, None, place))


def take_edges(system: str, code: str, parents: Collection[str], content: SourceContent, place: str) -> None:
    """Add is-a edges; those to classes of another vocabulary are left out and counted."""
    for parent in dict.fromkeys(curie(parent) for parent in parents):
        if system_of(parent) == system:
            content.isa.setdefault(system, []).append((code, tidy_code(system, parent)))
        else:
            content.drops.leave_out("is_a_of_another_vocabulary", place)


def reference(xref: str) -> tuple[str, str] | None:
    """(system, code) of a cross-reference such as `SNOMEDCT_US:22298006`; None for one without a prefix or a link."""
    prefix, colon, code = curie(xref).partition(":")
    if not colon or not code.strip() or code.startswith("//"):
        return None
    # DOID writes the release into the prefix: SNOMEDCT_US_2023_03_01.
    system = canonical_system(_DATED.sub("", prefix.strip()).replace("UMLS_CUI", "UMLS"))
    code = code.strip()
    return system, f"{prefix.strip()}:{code}" if system in _PREFIXED else code


def _retire(record: OboRecord, content: SourceContent, code: str) -> None:
    system = system_of(code)
    if not system or code_fault(system, tidy_code(system, code)):
        return
    name = record.name.strip()
    name = name[len(_OBSOLETE) :].strip() if name.lower().startswith(_OBSOLETE) else name
    successors = [("REPLACED BY", curie(other)) for other in record.replaced_by]
    successors += [("CONSIDER", curie(other)) for other in record.consider]
    content.retired[(system, code)] = RetiredCode(name, "obsolete", tuple(dict.fromkeys(successors)))


def _kind(sort: str) -> TermKind:
    sort = sort.lower()
    if "abbrev" in sort or "acronym" in sort:
        return "abbreviation"
    return "lay" if "layperson" in sort else "synonym"
