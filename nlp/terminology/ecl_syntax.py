"""The words and the tree of an ECL expression (SNOMED CT Expression Constraint Language), and its errors.

Source: SNOMED International, "Expression Constraint Language - Specification and Guide", version 2.2, brief syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = ("<<!", ">>!", "!!>", "!!<", "<<", ">>", "<!", ">!", "<", ">")
"""Hierarchy operators, the longest first."""


class EclError(ValueError):
    """An expression that cannot be read or evaluated: what is wrong, at which character (from 1), and the remedy."""

    def __init__(self, problem: str, text: str, position: int, remedy: str) -> None:
        self.problem, self.position, self.remedy = problem, position, remedy
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        place = f"character {column}" if "\n" not in text else f"line {line}, character {column}"
        super().__init__(f"ECL, {place}: {problem}; {remedy}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A concept by its code; `system` is an OMOP vocabulary name, `position` the place in the text."""

    code: str
    system: str
    position: int


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Every concept (of `system`, where given)."""

    system: str | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """The concepts that an operator of `OPERATORS` reaches from `operand`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class MemberOf:
    """`^`: the members of the reference sets that `operand` names."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Combined:
    """`parts` joined by AND, OR or MINUS (`word`); MINUS has two parts."""

    word: str
    parts: tuple[Node, ...]


Node = Reference | Wildcard | Walk | MemberOf | Combined


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text: `kind` is `code`, `any`, `operator`, `member`, `word` (AND, OR, MINUS), `(`, `)`, or
    `foreign` for what is ECL but not read here (`text` then names the construct)."""

    kind: str
    text: str
    position: int
    system: str = ""


_BLANK = re.compile(r"\s+")
_TERM = re.compile(r"\s*\|([^|]*)\|")
_SNOMED = re.compile(r"[0-9]+")
# an alternate identifier of ECL 2.2 is scheme#code; codes of OBO ontologies also stand alone, as no other code has
# their form
_OTHER = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)#(\*|[A-Za-z0-9][A-Za-z0-9._:/-]*)")
_QUOTED = re.compile(r'"([A-Za-z][A-Za-z0-9 _-]*)#([^"]+)"')
_OBO = re.compile(r"(HP|MONDO|DOID):[0-9]+")
_WORD = re.compile(r"[A-Za-z]+")
_LONG_OPERATORS = {
    "descendantof": "<", "descendantorselfof": "<<", "childof": "<!", "childorselfof": "<<!", "ancestorof": ">",
    "ancestororselfof": ">>", "parentof": ">!", "parentorselfof": ">>!", "memberof": "^", "any": "*",
}  # fmt: skip
_FOREIGN = (
    ("{{", "a filter or history supplement ({{ ... }})"),
    ("}}", "a filter or history supplement ({{ ... }})"),
    ("::", "an attribute refinement (:)"),
    (":", "an attribute refinement (:)"),
    ("{", "an attribute group ({ ... })"),
    ("}", "an attribute group ({ ... })"),
    ("[", "a cardinality or field list ([ ... ])"),
    ("]", "a cardinality or field list ([ ... ])"),
    (".", "a dotted expression (.)"),
    ("!=", "a comparison in a refinement (!=)"),
    ("=", "a comparison in a refinement (=)"),
    ("+", "a history supplement (+HISTORY)"),
    ("#", "a concrete value (#)"),
    ('"', "a string value"),
)


def words_of(text: str, systems: dict[str, str]) -> Iterator[Token]:
    """The words of an expression, blanks and comments left out. `systems` gives the vocabulary of an OBO prefix."""
    place = 0
    while place < len(text):
        blank = _BLANK.match(text, place)
        if blank:
            place = blank.end()
        elif text.startswith("/*", place):
            end = text.find("*/", place + 2)
            if end < 0:
                raise EclError("the comment has no end", text, place, "close it with */")
            place = end + 2
        else:
            token, place = _next(text, place, systems)
            yield token
            if token.kind == "foreign":  # what follows has a grammar of its own
                return


def _next(text: str, place: int, systems: dict[str, str]) -> tuple[Token, int]:
    for pattern in (_QUOTED, _OTHER):
        match = pattern.match(text, place)
        if match and match[2] == "*":
            return Token("any", "*", place, match[1]), match.end()
        if match:
            return Token("code", match[2], place, match[1]), _after_term(text, match.end())
    match = _OBO.match(text, place)
    if match:
        return Token("code", match[0], place, systems[match[1]]), _after_term(text, match.end())
    match = _SNOMED.match(text, place)
    if match:
        return Token("code", match[0], place, "SNOMED"), _after_term(text, match.end())
    if text[place] == "*":
        return Token("any", "*", place), place + 1
    if text[place] in "()":
        return Token(text[place], text[place], place), place + 1
    if text[place] == "^":
        return Token("member", "^", place), place + 1
    if text[place] == ",":
        return Token("word", "AND", place), place + 1
    if not text.startswith(("!=", "<=", ">="), place):
        for operator in OPERATORS:
            if text.startswith(operator, place):
                return Token("operator", operator, place), place + len(operator)
    match = _WORD.match(text, place)
    if match:
        return _word(match[0], text, place), match.end()
    if text[place] == "|":
        raise EclError("a term without a code before it, or without its closing |", text, place, "write CODE |term|")
    for sign, construct in _FOREIGN:
        if text.startswith(sign, place):
            return Token("foreign", construct, place), place + len(sign)
    raise EclError(f"{text[place]!r} is no sign of ECL", text, place, "remove it")


def _word(word: str, text: str, place: int) -> Token:
    if word.upper() in ("AND", "OR", "MINUS"):
        return Token("word", word.upper(), place)
    brief = _LONG_OPERATORS.get(word.lower())
    if brief:
        raise EclError(f"the long syntax ({word}) is not read", text, place, f"write {brief}")
    raise EclError(
        f"{word!r} is neither a code nor AND, OR or MINUS", text, place,
        "put a term between | and |, and write codes of other systems as SYSTEM#CODE (ICD10CM#E11.9)",
    )  # fmt: skip


def _after_term(text: str, place: int) -> int:
    """Where the text goes on behind the term of a code, if it has one."""
    match = _TERM.match(text, place)
    if match is None:
        begin = _BLANK.match(text, place)
        place_of_bar = begin.end() if begin else place
        if text.startswith("|", place_of_bar):
            raise EclError("the term has no end", text, place_of_bar, "close it with |")
        return place
    if not match[1].strip():
        raise EclError("the term is empty", text, match.start(1) - 1, "write a term between the bars or no bars")
    return match.end()
