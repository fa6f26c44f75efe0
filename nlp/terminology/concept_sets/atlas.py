"""OHDSI's concept sets: the JSON of Atlas, alone or inside a cohort definition.

Shapes that are read: `{"items": [...]}`, `{"name": ..., "expression": {"items": [...]}}`, a list of these, and a cohort
definition with its `ConceptSets`, also wrapped in `expression`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

from ..source_term import SourceError
from ..systems import canonical_system, tidy_code
from .concept_set import ConceptSet, ConceptSetItem, ItemNote

_REMEDY = "Export it from Atlas again (Concept Sets > Export, or Cohort Definitions > Export > JSON)"


def read_atlas(path: Path, content: object) -> list[ConceptSet]:
    """The concept sets in parsed JSON; [] for a cohort definition that uses none.

    Raises:
        SourceError: no concept sets, or an item that is none, with its place in the JSON.
    """
    found = _sets(path, content)
    if found is None:
        raise SourceError(path, None, "The JSON holds no concept set", _REMEDY)
    return [_read(path, value, place, alone=len(found) == 1) for place, value in found]


def _sets(path: Path, content: object) -> list[tuple[str, dict[str, Any]]] | None:
    """(place, object with `expression` or `items`) of every concept set, None where the JSON is something else."""
    if isinstance(content, list):
        for number, value in enumerate(content):
            if not (_is_object(value) and ("expression" in value or "items" in value)):
                raise SourceError(path, None, f"Entry {number} of the list is no concept set", _REMEDY)
        return [(f"[{number}]", value) for number, value in enumerate(content)]
    if not _is_object(content):
        return None
    if content.get("resourceType"):
        raise SourceError(
            path,
            None,
            f"This is a FHIR {str(content['resourceType'])[:40]}, no concept set",
            "Build a terminology from it with `phenotext terminology build --source`, or list its codes in a CSV",
        )
    for holder in (content, content.get("expression")):
        if _is_object(holder) and "ConceptSets" in holder:
            sets = holder["ConceptSets"]
            if not isinstance(sets, list) or not all(_is_object(value) for value in sets):
                raise SourceError(path, None, "ConceptSets is no list of concept sets", _REMEDY)
            return [(f"ConceptSets[{number}]", value) for number, value in enumerate(sets)]
    if "items" in content or "expression" in content:
        return [("", content)]
    return None


def _read(path: Path, value: dict[str, Any], place: str, *, alone: bool) -> ConceptSet:
    holder = value.get("expression", value)
    items = holder.get("items") if _is_object(holder) else None
    if not isinstance(items, list):
        raise SourceError(path, None, f"{place or 'The concept set'} has no list of items", _REMEDY)
    name = value.get("name")
    set_id = value.get("id")
    own = path.name.removesuffix(".gz").removesuffix(".json")
    name = name if isinstance(name, str) and name.strip() else own if alone else f"{own} {place}"
    read: list[ConceptSetItem] = []
    unreadable: list[ItemNote] = []
    for number, item in enumerate(items):
        origin = f"{path.name}#{place}{'.' if place else ''}items[{number}]"
        entry = _item(path, item, origin)
        if entry.code or entry.concept_id:
            read.append(entry)
        else:
            unreadable.append(ItemNote("no_code", entry.system, "", entry.name, origin, "neither code nor concept id"))
    return ConceptSet(
        name.strip(),
        tuple(read),
        set_id="" if set_id is None else str(set_id),
        origin=path.name + (f"#{place}" if place else ""),
        unreadable=tuple(unreadable),
    )


def _item(path: Path, item: object, origin: str) -> ConceptSetItem:
    concept = item.get("concept") if _is_object(item) else None
    if not _is_object(item) or not _is_object(concept):
        raise SourceError(path, None, f"{origin.partition('#')[2]} has no concept", _REMEDY)
    # WebAPI writes CONCEPT_ID, some packages conceptId
    cells = {key.upper().replace("_", ""): value for key, value in concept.items()}
    number = cells.get("CONCEPTID")
    if isinstance(number, str) and number.strip().isdecimal():
        number = int(number)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise SourceError(path, None, f"{origin.partition('#')[2]}: CONCEPT_ID is no whole number", _REMEDY)
    system = canonical_system(str(cells.get("VOCABULARYID") or ""))
    return ConceptSetItem(
        system=system,
        code=tidy_code(system, str(cells.get("CONCEPTCODE") or "")),
        concept_id=number or 0,
        name=str(cells.get("CONCEPTNAME") or ""),
        excluded=_flag(path, item, "isExcluded", origin),
        descendants=_flag(path, item, "includeDescendants", origin),
        mapped=_flag(path, item, "includeMapped", origin),
        origin=origin,
    )


def _flag(path: Path, item: dict[str, Any], name: str, origin: str) -> bool:
    value = item.get(name, False)
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise SourceError(path, None, f"{origin.partition('#')[2]}: {name} is neither true nor false", _REMEDY)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
