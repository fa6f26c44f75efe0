"""The concept sets of a definition in the run's terminology: by which concepts and codes its events are found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...nlp.terminology.code_map import map_key
from ...nlp.terminology.concept_sets import ConceptSet, ConceptSetItem, ResolutionReport, read_concept_sets
from ...nlp.terminology.concept_sets.atlas import read_atlas
from ...nlp.terminology.concept_sets.resolve import Resolver
from ...nlp.terminology.ecl import EclError
from ...nlp.terminology.source_term import SourceError
from ...nlp.terminology.systems import canonical_system, tidy_code
from ...nlp.terminology.terminology import Terminology
from ..concepts import LOCAL_BASE, base_concept_ids
from ..errors import RunError
from .definition import Definition

# One row for each concept or source code of a set; one of the last two columns is null.
SET_SCHEMA = pa.schema([("set_name", pa.string()), ("base_concept_id", pa.int64()), ("code_key", pa.string())])


@dataclass(frozen=True, slots=True)
class ResolvedSets:
    """Table `phenotype_concept` (SET_SCHEMA, ordered) and the account of each set."""

    table: pa.Table
    reports: dict[str, ResolutionReport]

    def warnings(self) -> list[str]:
        """What a user must know about the sets, a sentence each."""
        told: list[str] = []
        for name, report in self.reports.items():
            told += [f"Concept set {name}: {warning}" for warning in report.warnings]
            lost = [note for note in (*report.not_found, *report.retired) if note.code]
            if lost:
                named = ", ".join(f"{note.system} {note.code}".strip() for note in lost[:5])
                more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
                told.append(f"Concept set {name}: {len(lost)} codes are not in this terminology ({named}{more})")
        return told


def code_key(system: str, code: str) -> str:
    """The form in which a set's codes meet `event.code`: ICD and NDC codes without dots, all in capitals.

    >>> code_key("ICD10CM", "E11.9"), code_key("LOINC", "4548-4")
    ('ICD10CM/E119', 'LOINC/4548-4')
    """
    return f"{system}/{map_key(system, code)}".upper()


def resolve_sets(definition: Definition, terminology: Terminology) -> ResolvedSets:
    """Resolve every concept set of a definition.

    Raises RunError for a set that cannot be read, a faulty code (a failed check digit is never meant), and a
    definition none of whose sets has anything in this terminology.
    """
    resolver = Resolver(terminology)
    numbers = base_concept_ids(terminology)
    rows: set[tuple[str, int | None, str | None]] = set()
    reports: dict[str, ResolutionReport] = {}
    for name, entry in definition.document["concept_sets"].items():
        where = f"{definition.where}, concept_sets/{name}"
        concept_set = _read(name, entry, definition.folder, where)
        try:
            resolved = resolver.resolve(concept_set)
        except EclError as error:
            raise RunError(str(error), where=where) from None
        report = resolved.report
        report.name = name
        faulty = [note for note in report.faulty if note.system == "SNOMED" or not note.system]
        if faulty and "codes" in entry:
            note = faulty[0]
            raise RunError(
                f"{note.system} {note.code} is no code ({note.what.replace('_', ' ')})",
                where=where,
                remedy="copy it again from its source, as text",
            )
        reports[name] = report
        rows |= {(name, int(numbers[concept]), None) for concept in resolved.concepts.tolist()}
        rows |= {(name, None, code_key(system, code)) for system, code in resolved.source_codes}
        rows |= _outside(name, concept_set, report)
        if report.warnings and any(row[0] == name for row in rows):
            # codes of the source itself may fill a set that has nothing in the terminology
            report.warnings = [warning for warning in report.warnings if "empty in this terminology" not in warning]
    ordered = sorted(rows, key=lambda row: (row[0], row[1] or 0, row[2] or ""))
    columns = list(zip(*ordered, strict=True)) or [(), (), ()]
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SET_SCHEMA, strict=True)], schema=SET_SCHEMA
    )
    return ResolvedSets(table, reports)


def _outside(name: str, concept_set: ConceptSet, report: ResolutionReport) -> set[tuple[str, int | None, str | None]]:
    """Listed codes that the terminology does not have: claims that were not mapped still carry them as they are."""
    out = {note.origin for note in (*report.other_systems, *report.not_found) if note.origin}
    excluded = {(item.system, item.code) for item in concept_set.items if item.excluded}
    rows: set[tuple[str, int | None, str | None]] = set()
    for item in concept_set.items:
        if item.excluded or item.origin not in out or (item.system, item.code) in excluded:
            continue
        if item.system and item.code:
            rows.add((name, None, code_key(item.system, item.code)))
        if 0 < item.concept_id < LOCAL_BASE:
            rows.add((name, item.concept_id, None))
    return rows


def _read(name: str, entry: dict[str, Any], folder: Path, where: str) -> ConceptSet:
    try:
        if "codes" in entry:
            return ConceptSet(name, tuple(_items(name, entry)))
        if "ecl" in entry:
            return ConceptSet(name, ecl=entry["ecl"], origin=name)
        if "ohdsi" in entry and not isinstance(entry["ohdsi"], str):
            return read_atlas(Path(f"{name}.json"), {"name": name, "expression": entry["ohdsi"]})[0]
        path = folder / (entry.get("file") or entry["ohdsi"])
        sets = read_concept_sets(path, canonical_system(entry["system"]) if "system" in entry else None)
    except SourceError as error:
        raise RunError(str(error), where=where) from None
    wanted = entry.get("set")
    chosen = sets if wanted is None else [one for one in sets if wanted in (one.name, one.set_id)]
    if len(chosen) != 1:
        known = "; ".join(f"{one.set_id} {one.name}".strip() for one in sets[:10]) or "none"
        problem = f"{len(chosen)} sets of the file are meant" if wanted is None else f"{len(chosen)} sets are {wanted}"
        raise RunError(problem, where=where, remedy=f"give `set` with one name or id of: {known}")
    return chosen[0]


def _items(name: str, entry: dict[str, Any]) -> list[ConceptSetItem]:
    items: list[ConceptSetItem] = []
    for key in ("codes", "exclude"):
        for number, written in enumerate(entry.get(key, ())):
            system, _, rest = written.partition("/")
            code, _, label = rest.partition("|")
            system = canonical_system(system.strip())
            items.append(
                ConceptSetItem(
                    system=system,
                    code=tidy_code(system, code.strip()),
                    name=label.strip(" |"),
                    excluded=key == "exclude",
                    # is-a relations of claim codes are not looked for: these stand for themselves
                    descendants=entry.get("descendants", True),
                    mapped=entry.get("mapped", False),
                    origin=f"{name}#{key}[{number}]",
                )
            )
    return items
