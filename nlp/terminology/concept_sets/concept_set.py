"""The one form in which all concept-set files are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConceptSetItem:
    """One line of a concept set.

    Attributes:
        system: OMOP vocabulary name, "" if only the concept id is given.
        code: the code, in its system's own form.
        concept_id: OMOP concept id, 0 if the file gives none.
        name: the name that the file gives, "" if none.
        excluded: take these concepts out of the set.
        descendants: the item means all kinds of the concept too.
        mapped: the item means the codes of other systems that map to the concept too.
        origin: `file:line`, or `file#number` in JSON.
    """

    system: str
    code: str
    concept_id: int = 0
    name: str = ""
    excluded: bool = False
    descendants: bool = False
    mapped: bool = False
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ItemNote:
    """Something to know about one line: `what` is a reason such as `swapped_columns`, `detail` a sentence or ""."""

    what: str
    system: str
    code: str
    name: str
    origin: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ConceptSet:
    """A named list of items, or an expression of SNOMED's constraint language (then `items` is empty).

    `repaired` are lines that were put right while reading, `unreadable` lines that say no code at all.
    """

    name: str
    items: tuple[ConceptSetItem, ...] = ()
    ecl: str | None = None
    set_id: str = ""
    origin: str = ""
    repaired: tuple[ItemNote, ...] = ()
    unreadable: tuple[ItemNote, ...] = ()
