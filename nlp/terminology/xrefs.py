"""Cross-references of ontologies turned into SNOMED CT codes, where the names agree.

Ontologies say that a class of theirs is `SNOMEDCT_US:22298006` elsewhere. Such cross-references are often wrong or
retired, so none is taken on trust: the SNOMED name of the target (from another source of the same build) must equal the
class's label or an exact synonym of it, word by word after normalisation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from ..tokens import key_words
from .code_map import MAP_SCHEMA
from .source_term import SourceError, SourceTerm
from .sources.content import SourceContent, resolve_chains
from .systems import code_fault
from .variants import clean_name

Key = tuple[str, str]
Keep = Literal["all", "unconverted", "none"]
_SNOMED = "SNOMED"
_UMLS = "UMLS"
_EXAMPLES = 10
# "Edema" names a finding and a morphologic abnormality; classes of phenotypes and diseases mean the first.
_CLINICAL = ("disorder", "finding")
# Better agreements first; of the cross-references of one class only those of the best kind count.
_AGREEMENTS = (
    "label_is_preferred_name",
    "label_is_synonym",
    "synonym_is_preferred_name",
    "synonym_is_synonym",
)


@dataclass(frozen=True, slots=True)
class XrefExample:
    """One rejected cross-reference: the class, its label, the code it names, and that code's name where known."""

    code: str
    label: str
    target: str
    target_name: str


@dataclass(slots=True)
class XrefReport:
    """What became of the cross-references of one source.

    Attributes:
        source: name of the source.
        classes: classes that have a cross-reference to SNOMED CT.
        xrefs: those cross-references; `followed` of them led through a concept of the UMLS.
        accepted: cross-references taken, by the kind of agreement.
        rejected: cross-references not taken, by reason, with `examples`.
        converted: classes that got a SNOMED code.
        terms_added: their names that SNOMED lacked, now under its code.
        terms_left_out: names not added, because they already name another SNOMED code.
        classes_left_out: classes that did not stay under a code of their own, as `keep` said.
        checkable: classes whose label is the preferred name of exactly one SNOMED code.
        right: those of them that have a cross-reference to this very code.
    """

    source: str
    classes: int = 0
    xrefs: int = 0
    followed: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[XrefExample]] = field(default_factory=dict)
    converted: int = 0
    terms_added: int = 0
    terms_left_out: int = 0
    classes_left_out: int = 0
    checkable: int = 0
    right: int = 0

    def summary(self) -> list[str]:
        """Lines of plain text for the terminal."""
        share = f" ({self.right / self.checkable:.0%})" if self.checkable else ""
        accepted = sum(self.accepted.values())
        lines = [
            f"  cross-references of {self.source} to SNOMED: {self.xrefs:,} of {self.classes:,} classes, "
            f"{accepted:,} accepted, {self.xrefs - accepted:,} rejected{_counts(self.rejected)}",
            f"    right where the label is a SNOMED name: {self.right:,} of {self.checkable:,}{share}",
            f"    {self.converted:,} classes became SNOMED codes: {self.terms_added:,} names added, "
            f"{self.terms_left_out:,} left out because they name another code; "
            f"{self.classes_left_out:,} classes did not keep a code of their own",
        ]
        for reason, found in self.examples.items():
            few = ", ".join(f"{e.label} -> {e.target} {e.target_name}".rstrip() for e in found[:3])
            lines.append(f"    {reason.replace('_', ' ')}: {few}")
        return lines

    def reject(self, reason: str, example: XrefExample) -> None:
        """Count a cross-reference that is not taken."""
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        seen = self.examples.setdefault(reason, [])
        if len(seen) < _EXAMPLES:
            seen.append(example)


def adopt_xrefs(sources: Sequence[SourceContent], keep: Keep = "unconverted") -> list[XrefReport]:
    """Move the terms of classes to the SNOMED codes that their checked cross-references name.

    Changes the sources that have cross-references: terms get SNOMED codes, accepted cross-references become a map.

    Args:
        sources: all sources of a build; those with SNOMED terms say what its names are.
        keep: which codes of the ontology stay beside: `all`, those that found no SNOMED code (`unconverted`), or
            `none`.

    Returns:
        a report for each source with cross-references, in order.

    Raises:
        SourceError: no source has cross-references, or none has SNOMED names.
    """
    names = _SnomedNames(sources)
    if not any(source.xrefs for source in sources):
        problem = "No source has cross-references to turn into SNOMED codes"
        raise SourceError("sources", None, problem, "Give an OBO file or OBO graph, or leave the option away")
    if not names.preferred:
        problem = "No source has SNOMED names to check the cross-references by"
        raise SourceError(
            "sources", None, problem, "Give a SNOMED CT release or the Global Patient Set as another --source"
        )
    return [_adopt(source, names, keep) for source in sources if source.xrefs]


class _SnomedNames:
    """The SNOMED names of a build, and what became of its retired codes."""

    def __init__(self, sources: Sequence[SourceContent]) -> None:
        self.preferred: dict[str, str] = {}
        self.by_code: dict[str, dict[str, bool]] = {}  # normalised name -> whether it is the preferred one
        self.by_name: dict[str, list[str]] = {}
        self.by_preferred: dict[str, list[str]] = {}
        self.tags: dict[str, str | None] = {}
        self.retired: set[str] = set()
        redirects: dict[str, str] = {}
        concepts: dict[str, list[str]] = {}
        for source in sources:
            for term in source.terms:
                if term.system == _SNOMED:
                    self._add(term)
            self.retired.update(code for system, code in source.retired if system == _SNOMED)
            for old, new in source.redirects.items():
                redirects.setdefault(old, new)
            for table in source.maps:
                _read_umls_map(table, concepts)
        self.redirects = resolve_chains(redirects)
        self.concepts = concepts

    def _add(self, term: SourceTerm) -> None:
        code = term.code
        if code not in self.preferred:
            self.preferred[code] = term.preferred
            self.tags[code] = term.semantic_tag
            name = normal(term.preferred, term.semantic_tag)
            self.by_preferred.setdefault(name, []).append(code)
            self._name(code, name, True)
        if term.term != self.preferred[code]:
            self._name(code, normal(term.term, term.semantic_tag), False)

    def _name(self, code: str, name: str, preferred: bool) -> None:
        names = self.by_code.setdefault(code, {})
        if name and name not in names:
            names[name] = preferred
            self.by_name.setdefault(name, []).append(code)

    def living(self, code: str) -> tuple[str, str]:
        """(code in use, "") for a code or its successor, or ("", why there is none)."""
        fault = code_fault(_SNOMED, code)
        if fault:
            return "", fault
        if code in self.preferred:
            return code, ""
        new = self.redirects.get(code, "")
        if new in self.preferred:
            return new, ""
        return "", "retired_without_successor" if code in self.retired else "no_such_code"


def normal(name: str, semantic_tag: str | None = None) -> str:
    """A name as it is compared: cleaned, its words normalised as for matching.

    >>> normal("Tumours of the Kidney (disorder)") == normal("tumor of the kidneys")
    True
    """
    return " ".join(key_words(clean_name(name, semantic_tag)))


def _adopt(source: SourceContent, names: _SnomedNames, keep: Keep) -> XrefReport:
    report = XrefReport(source.name)
    terms_of: dict[Key, list[SourceTerm]] = {}
    for term in source.terms:
        terms_of.setdefault((term.system, term.code), []).append(term)
    converted: dict[Key, str] = {}
    for key, xrefs in source.xrefs.items():
        terms = terms_of.get(key, [])
        targets = list(_targets(xrefs, names, report))
        if targets and terms:
            report.classes += 1
            code = _checked(terms, targets, names, report)
            if code:
                converted[key] = code
    report.converted = len(converted)
    if keep != "all":
        own = {(term.system, term.code) for term in source.terms if term.system != _SNOMED}
        report.classes_left_out = len(own) if keep == "none" else len(converted)
        gone = own if keep == "none" else converted.keys()
        for system, edges in source.isa.items():
            source.isa[system] = _bridged(edges, {code for its_system, code in gone if its_system == system})
    source.terms = list(_moved(source.terms, converted, names, keep, report))
    if converted:
        source.maps.append(_map(converted, terms_of, names))
    return report


def _bridged(edges: Sequence[tuple[str, str]], gone: Collection[str]) -> list[tuple[str, str]]:
    """(child, parent) edges among the codes that stay, ordered, none twice.

    A parent that is gone is replaced by the nearest ones above it that stay, so that no branch falls off.
    """
    if not gone:
        return list(edges)
    above: dict[str, list[str]] = {}
    for child, parent in edges:
        above.setdefault(child, []).append(parent)
    found: set[tuple[str, str]] = set()
    for child in above.keys() - gone:
        seen = set(above[child])
        waiting = list(seen)
        while waiting:
            parent = waiting.pop()
            if parent not in gone:
                found.add((child, parent))
                continue
            further = set(above.get(parent, ())) - seen
            seen |= further
            waiting.extend(further)
    return sorted(found)


def _targets(xrefs: Iterable[Key], names: _SnomedNames, report: XrefReport) -> Iterator[str]:
    """SNOMED codes that a class refers to; directly, or else by the one code of its UMLS concept."""
    direct = [code for system, code in xrefs if system == _SNOMED]
    yield from direct
    if not direct:
        for system, cui in xrefs:
            codes = names.concepts.get(cui, ()) if system == _UMLS else ()
            if len(codes) == 1:
                report.followed += 1
                yield codes[0]


def _checked(terms: list[SourceTerm], targets: list[str], names: _SnomedNames, report: XrefReport) -> str:
    """The SNOMED code of a class, empty if none of its cross-references holds."""
    label = terms[0].preferred
    wanted = normal(label)
    synonyms = {normal(term.term) for term in terms} - {wanted}
    report.xrefs += len(targets)
    official = names.by_preferred.get(wanted, ())
    agreements: dict[str, list[str]] = {}
    living: set[str] = set()
    for target in dict.fromkeys(targets):
        code, fault = names.living(target)
        example = XrefExample(terms[0].code, label, target, names.preferred.get(code, ""))
        if code:
            living.add(code)
            kind = _agreement(wanted, synonyms, names.by_code[code])
            if kind and kind.startswith("synonym") and names.by_name.get(wanted):
                # The label itself names another code, so the shared synonym is too wide.
                kind, fault = "", "label_names_another_code"
            if kind:
                found = agreements.setdefault(kind, [])
                if code not in found:
                    found.append(code)
                continue
        report.reject(fault or "name_differs", example)
    if len(official) == 1:
        report.checkable += 1
        report.right += official[0] in living
    return _best(agreements, terms, names, report)


def _best(agreements: Mapping[str, list[str]], terms: list[SourceTerm], names: _SnomedNames, report: XrefReport) -> str:
    kinds = [kind for kind in _AGREEMENTS if kind in agreements]
    chosen = ""
    for number, kind in enumerate(kinds):
        codes = agreements[kind]
        clinical = [code for code in codes if names.tags[code] in _CLINICAL]
        if number == 0 and len(clinical or codes) == 1:
            report.accepted[kind] = report.accepted.get(kind, 0) + 1
            chosen = (clinical or codes)[0]
        for code in codes:
            if code == chosen:
                continue
            example = XrefExample(terms[0].code, terms[0].preferred, code, names.preferred[code])
            report.reject("another_agrees_better" if chosen else "several_codes_agree", example)
    return chosen


def _agreement(label: str, synonyms: set[str], names: Mapping[str, bool]) -> str:
    if label in names:
        return _AGREEMENTS[0] if names[label] else _AGREEMENTS[1]
    shared = [names[synonym] for synonym in synonyms if synonym in names]
    if not shared:
        return ""
    return _AGREEMENTS[2] if any(shared) else _AGREEMENTS[3]


def _moved(
    terms: Iterable[SourceTerm], converted: Mapping[Key, str], names: _SnomedNames, keep: Keep, report: XrefReport
) -> Iterator[SourceTerm]:
    added: set[tuple[str, str]] = set()
    for term in terms:
        code = converted.get((term.system, term.code))
        if term.system == _SNOMED or keep == "all" or (keep == "unconverted" and code is None):
            yield term
        if code is None:
            continue
        name = normal(term.term)
        if name in names.by_code[code] or (code, name) in added:
            continue  # SNOMED has it
        if names.by_name.get(name):
            report.terms_left_out += 1
            continue
        added.add((code, name))
        report.terms_added += 1
        kind = "synonym" if term.kind == "preferred" else term.kind
        yield replace(
            term,
            code=code,
            system=_SNOMED,
            preferred=names.preferred[code],
            kind=kind,
            semantic_tag=names.tags[code],
        )


def _map(converted: Mapping[Key, str], terms_of: Mapping[Key, list[SourceTerm]], names: _SnomedNames) -> pa.Table:
    rows = [
        {
            "source_system": key[0],
            "source_code": key[1],
            "source_name": terms_of[key][0].preferred,
            "target_system": _SNOMED,
            "target_code": code,
            "target_name": names.preferred[code],
            "target_concept_id": 0,
            "target_domain": "",
            "relationship": "cross-reference checked by name",
        }
        for key, code in converted.items()
    ]
    return pa.Table.from_pylist(rows, schema=MAP_SCHEMA)


def _read_umls_map(table: pa.Table, concepts: dict[str, list[str]]) -> None:
    """Add the SNOMED codes of UMLS concepts, where a source gave them."""
    for source, code, system, target in zip(
        *(table[name].to_pylist() for name in ("source_system", "source_code", "target_system", "target_code")),
        strict=True,
    ):
        if source == _UMLS and system == _SNOMED:
            concepts.setdefault(code, []).append(target)


def _counts(reasons: Mapping[str, int]) -> str:
    if not reasons:
        return ""
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    return " (" + ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in ordered) + ")"
