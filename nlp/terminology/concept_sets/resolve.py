"""Concept sets against a compiled terminology: included items, less the excluded ones, with descendants and maps.

The meaning of the three flags is that of OHDSI's Atlas: first everything that the included items name, with
descendants and mapped codes where asked for; then everything that the excluded items name is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..code_map import map_key
from ..map_sources import MapSources
from ..systems import code_fault
from ..terminology import Terminology
from .code_system import written_forms
from .concept_set import ConceptSet, ConceptSetItem, ItemNote
from .resolution import ResolutionReport, ResolvedSet

_NONE = np.empty(0, np.int32)


def resolve(terminology: Terminology, concept_set: ConceptSet) -> ResolvedSet:
    """What one concept set names in a terminology. For many sets make one `Resolver`, which keeps its indexes.

    >>> from phenotext.nlp import Extractor
    >>> terminology = Extractor().terminology
    >>> asthma = ConceptSet("Asthma", (ConceptSetItem("SNOMED", "195967001"), ConceptSetItem("SNOMED", "22298007")))
    >>> resolved = resolve(terminology, asthma)
    >>> [terminology.preferred[i] for i in resolved.concepts], [note.what for note in resolved.report.faulty]
    (['Asthma'], ['check_digit'])

    Raises:
        EclError: an expression that cannot be read.
    """
    return Resolver(terminology).resolve(concept_set)


class Resolver:
    """Resolves concept sets against one terminology."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._sources = MapSources(terminology.arrays)
        self._by_id: tuple[np.ndarray, np.ndarray] | None = None
        self._has_isa: dict[str, bool] = {}

    def resolve(self, concept_set: ConceptSet) -> ResolvedSet:
        """What a concept set names; see `resolve`."""
        report = ResolutionReport(
            concept_set.name,
            concept_set.set_id,
            concept_set.ecl or "",
            repaired=list(concept_set.repaired),
            unreadable=list(concept_set.unreadable),
        )
        if concept_set.ecl is not None:
            return self._expression(concept_set, concept_set.ecl, report)
        report.items = len(concept_set.items)
        included, codes = self._all(concept_set.items, False, report)
        excluded, out_codes = self._all(concept_set.items, True, report)
        report.excluded_items = sum(item.excluded for item in concept_set.items)
        concepts = np.setdiff1d(included, excluded, assume_unique=True).astype(np.int32)
        report.excluded_concepts = len(included) - len(concepts)
        return self._result(concepts, codes - out_codes, report)

    def _result(
        self, concepts: np.ndarray, source_codes: set[tuple[str, str]], report: ResolutionReport
    ) -> ResolvedSet:
        concepts.flags.writeable = False
        report.concepts, report.source_codes = len(concepts), len(source_codes)
        if report.without_hierarchy:
            named = sorted({note.system for note in report.without_hierarchy})
            report.warnings.append(
                "Descendants are asked for, but the terminology has no is-a relations of"
                f" {', '.join(named)}: only the concepts themselves were taken. Build it with a source"
                " that has them (SNOMED CT RF2, Athena's CONCEPT_ANCESTOR or CONCEPT_RELATIONSHIP, OBO)"
            )
        if not len(concepts) and not source_codes:
            report.warnings.append("The set is empty in this terminology")
        return ResolvedSet(report.name, concepts, frozenset(source_codes), report)

    def _expression(self, concept_set: ConceptSet, text: str, report: ResolutionReport) -> ResolvedSet:
        from ..ecl import resolve_ecl

        result = resolve_ecl(self.terminology, text)
        for code in result.unknown:
            detail = "; ".join(f"{association} {successor}" for association, successor in code.successors)
            note = ItemNote(code.reason, code.system, code.code, "", f"character {code.position + 1}", detail)
            held = {"retired": report.retired, "not_found": report.not_found, "no_reference_set": report.not_found}
            held.get(code.reason, report.faulty).append(note)
        for old, new in result.replaced:
            report.replaced.append(ItemNote("replaced", "", old, "", concept_set.origin, f"now {new}"))
        if result.needs_hierarchy:
            report.without_hierarchy.append(
                ItemNote("no_hierarchy", "SNOMED", "", "", concept_set.origin, "the expression has < or >")
            )
        return self._result(result.concepts.astype(np.int32), set(), report)

    def _all(
        self, items: Iterable[ConceptSetItem], excluded: bool, report: ResolutionReport
    ) -> tuple[np.ndarray, set[tuple[str, str]]]:
        """Concepts and source codes of the items that are, or are not, excluded."""
        terminology = self.terminology
        parts = [_NONE]
        codes: set[tuple[str, str]] = set()
        for item in items:
            if item.excluded != excluded:
                continue
            number = self._find(item, report)
            if number < 0:
                if self._is_source(item):
                    codes.add((item.system, map_key(item.system, item.code)))
                continue
            own = np.array([number], np.int32)
            if item.descendants:
                if not self._isa_of(terminology.systems[number]):
                    system = terminology.systems[number]
                    report.without_hierarchy.append(_note("no_hierarchy", item, system=system))
                own = np.append(own, terminology.hierarchy.descendants(number))
            parts.append(own)
            if item.mapped:
                targets = [(terminology.systems[i], terminology.codes[i]) for i in own.tolist()]
                mapped, other = self._mapped_to(targets)
                parts.append(mapped)
                codes |= other
        return np.unique(np.concatenate(parts)), codes

    def _mapped_to(self, targets: list[tuple[str, str]]) -> tuple[np.ndarray, set[tuple[str, str]]]:
        """What maps to the targets: concepts of the terminology, and codes that it knows from maps alone."""
        concepts: list[int] = []
        codes: set[tuple[str, str]] = set()
        for source in self._sources.sources(targets):
            number = self._exactly(source.system, source.code)
            if number >= 0:
                concepts.append(number)
            else:
                codes.add((source.system, source.code))
        return np.array(concepts, np.int32), codes

    def _exactly(self, system: str, code: str) -> int:
        """The concept that has this code itself, with or without a dot; redirects are not followed."""
        for form in written_forms(system, code):
            number = self.terminology.find(form, system)
            if number >= 0 and self.terminology.codes[number] == form:
                return number
        return -1

    def _find(self, item: ConceptSetItem, report: ResolutionReport) -> int:
        """The concept of an item, -1 where there is none; what is odd about it goes to the report."""
        terminology = self.terminology
        number = self._of_concept_id(item.concept_id)
        if number >= 0:
            report.found += 1
            return number
        if not item.code:
            report.not_found.append(_note("concept_id_not_found", item, detail=f"concept id {item.concept_id}"))
            return -1
        number = self._exactly(item.system, item.code) if item.system else -1
        if number >= 0:
            report.found += 1
            return number
        number = terminology.find(item.code, item.system or None)
        if number >= 0:
            report.found += 1
            if terminology.codes[number] != item.code:
                detail = f"now {terminology.codes[number]} {terminology.preferred[number]}"
                report.replaced.append(_note("replaced", item, detail=detail))
            return number
        retired = terminology.retired.get(item.code, item.system or None)
        fault = code_fault(item.system, item.code)
        if retired is not None:
            ways = "; ".join(f"{association} {code}" for association, code in retired.successors)
            detail = ", ".join(part for part in (retired.reason, ways) if part)
            report.retired.append(_note("retired", item, name=item.name or retired.name, detail=detail))
        elif fault:
            report.faulty.append(_note(fault, item))
        elif self._is_source(item):
            report.found += 1
        elif item.system in terminology.system_names:
            report.not_found.append(_note("not_found", item))
        else:
            report.other_systems.append(_note(item.system or "no_system", item))
        return -1

    def _is_source(self, item: ConceptSetItem) -> bool:
        return bool(item.code) and bool(self.terminology.maps.targets(item.system, item.code))

    def _of_concept_id(self, concept_id: int) -> int:
        if concept_id <= 0:
            return -1
        if self._by_id is None:
            ids = self.terminology.concept_ids
            known = np.flatnonzero(ids > 0)
            order = known[np.argsort(ids[known], kind="stable")]
            self._by_id = ids[order], order
        ids, numbers = self._by_id
        place = int(np.searchsorted(ids, concept_id))
        return int(numbers[place]) if place < len(ids) and ids[place] == concept_id else -1

    def _isa_of(self, system: str) -> bool:
        """Whether the terminology has is-a relations of a system."""
        if system not in self._has_isa:
            known = False
            start = self.terminology.arrays.get("isa_parent_start")
            if self.terminology.hierarchy and start is not None:
                number = self.terminology.system_names.index(system)
                low, high = np.searchsorted(self.terminology.concept_system, [number, number + 1]).tolist()
                known = bool(start[high] > start[low])
            self._has_isa[system] = known
        return self._has_isa[system]


def _note(what: str, item: ConceptSetItem, *, system: str = "", name: str = "", detail: str = "") -> ItemNote:
    code = item.code or (f"concept id {item.concept_id}" if item.concept_id else "")
    detail = "; ".join(part for part in (detail, "an item to exclude" if item.excluded else "") if part)
    return ItemNote(what, system or item.system, code, name or item.name, item.origin, detail)
