"""The rows that pass from the term rules to the compiler: concepts and the strings that name them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from .retired import RetiredCode

RANKS = 16


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """One concept of the terminology to compile. `system` is an OMOP vocabulary name, `preferred` its display name.

    `concept_id` is the OMOP concept id, 0 if unknown; `restriction` the UMLS restriction level of its least restricted
    term.
    """

    code: str
    system: str
    preferred: str
    semantic_tag: str | None = None
    chronic: bool = False
    concept_id: int = 0
    restriction: int = 0


@dataclass(frozen=True, slots=True)
class TermVariant:
    """One string that names a concept.

    `case_sensitive` is set on acronyms, which must match as written (`ALL` is not `all`).
    `rank` orders concepts that share a string, lower is better: 0 preferred name, 1 synonym, 2 lay term, 3
    abbreviation;
    4 is added when a rule derived the string from the source's term. A multiple of RANKS says from which source it
    comes, or that the user prefers this code for the string (see `precedence.py`).
    """

    code: str
    system: str
    text: str
    case_sensitive: bool
    kind: str
    rank: int


@dataclass(slots=True)
class Relations:
    """What a terminology knows beyond names, by code; all of it may be empty.

    Attributes:
        isa: (system, child, parent).
        refsets: member codes by the reference set's code.
        retired: see `RetiredCode`.
        maps: tables of `MAP_SCHEMA`, the preferred source first.
    """

    isa: list[tuple[str, str, str]] = field(default_factory=list)
    refsets: dict[str, list[str]] = field(default_factory=dict)
    retired: dict[tuple[str, str], RetiredCode] = field(default_factory=dict)
    maps: list[pa.Table] = field(default_factory=list)
