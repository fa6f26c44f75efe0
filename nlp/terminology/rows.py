"""The rows that pass from the term rules to the compiler: concepts and the strings that name them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """One concept of the terminology to compile. `system` is an OMOP vocabulary name, `preferred` its display name."""

    code: str
    system: str
    preferred: str
    semantic_tag: str | None = None
    chronic: bool = False


@dataclass(frozen=True, slots=True)
class TermVariant:
    """One string that names a concept.

    `case_sensitive` is set on acronyms, which must match as written (`ALL` is not `all`).
    `rank` orders concepts that share a string, lower is better: 0 preferred name, 1 synonym, 2 lay term, 3
    abbreviation;
    4 is added when a rule derived the string from the source's term.
    """

    code: str
    system: str
    text: str
    case_sensitive: bool
    kind: str
    rank: int
