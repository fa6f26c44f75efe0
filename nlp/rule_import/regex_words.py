"""Regular expressions that name a finite list of strings, written out: `den(?:y|ies)` is `deny` and `denies`.

A cue is a fixed sequence of words, so only such expressions can become cues. What is understood: letters and escaped
marks, groups with alternatives, `[abc]`, `?`, `{n}` and `{n,m}`, `\\s` as one blank, and the anchors `^`, `$`, `\\b`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_STRINGS = 2000
_COUNT = re.compile(r"\{(\d+)(?:,(\d+))?\}")


class NotFiniteError(ValueError):
    """An expression that cannot be written out; the message says which part of it, never a text it was meant for."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """All strings of an expression, and whether it was anchored at the beginning and at the end."""

    strings: tuple[str, ...]
    anchored: bool


def expand_regex(pattern: str) -> Expansion:
    r"""Write out a regular expression.

    >>> expand_regex(r"\bno (?:evidence|signs?) of\b").strings
    ('no evidence of', 'no sign of', 'no signs of')

    Raises:
        NotFiniteError: it matches strings without end, or something that is not understood here.
    """
    body = pattern.removeprefix("(?i)")
    parser = _Parser(body)
    strings = parser.alternatives()
    if parser.place < len(body):
        raise NotFiniteError("an unbalanced bracket in the regular expression")
    anchored = bool(re.match(r"\^|\\b|\\A", body)) and bool(re.search(r"(?:(?<!\\)\$|\\b|\\Z)$", body))
    return Expansion(tuple(dict.fromkeys(" ".join(string.split()) for string in strings)), anchored)


class _Parser:
    """A recursive descent over the expression; each method returns all strings of the part that it has read."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    def alternatives(self) -> list[str]:
        found = self._sequence()
        while self._next() == "|":
            self.place += 1
            found = _bounded(found + self._sequence())
        return found

    def _next(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def _sequence(self) -> list[str]:
        strings = [""]
        while self._next() not in ("", "|", ")"):
            choices = self._repeated(self._atom())
            _bounded([""] * (len(strings) * len(choices)))
            strings = [string + choice for string in strings for choice in choices]
        return strings

    def _repeated(self, atom: list[str]) -> list[str]:
        mark = self._next()
        if mark == "?":
            self.place += 1
            return list(dict.fromkeys([*atom, ""]))
        if mark in ("*", "+"):
            if set(atom) <= {" "}:  # "\s+": any number of blanks stands between two words
                self.place += 1
                return [" "] if mark == "+" else [" ", ""]
            raise NotFiniteError(f"a repetition without end ({mark}) in the regular expression")
        count = _COUNT.match(self.pattern, self.place) if mark == "{" else None
        if count is None:
            return atom
        self.place = count.end()
        low = int(count[1])
        high = int(count[2]) if count[2] else low
        if len(atom) ** high > MAX_STRINGS:
            raise NotFiniteError(f"a regular expression with more than {MAX_STRINGS} strings")
        strings: list[str] = []
        for repeats in range(low, high + 1):
            parts = [""]
            for _ in range(repeats):
                parts = [part + choice for part in parts for choice in atom]
            strings.extend(parts)
        return _bounded(strings)

    def _atom(self) -> list[str]:
        mark = self._next()
        self.place += 1
        if mark == "(":
            return self._group()
        if mark == "[":
            return self._characters()
        if mark == "\\":
            return self._escape()
        if mark in "^$":
            return [""]
        if mark in ".*+?{":
            raise NotFiniteError(f"`{mark}` in the regular expression, which stands for no fixed letters")
        return [mark]

    def _group(self) -> list[str]:
        if self._next() == "?":
            if self.pattern[self.place : self.place + 2] != "?:":
                raise NotFiniteError("a look-around, flag or named group in the regular expression")
            self.place += 2
        strings = self.alternatives()
        if self._next() != ")":
            raise NotFiniteError("an unbalanced bracket in the regular expression")
        self.place += 1
        return strings

    def _characters(self) -> list[str]:
        end = self.pattern.find("]", self.place)
        inside = self.pattern[self.place : end]
        if end < 0 or not inside or inside[0] == "^" or "\\" in inside or "-" in inside.strip("-"):
            raise NotFiniteError("a class of characters in the regular expression")
        self.place = end + 1
        return list(dict.fromkeys(inside))

    def _escape(self) -> list[str]:
        mark = self._next()
        self.place += 1
        if mark in "bAZ":
            return [""]
        if mark == "s":
            return [" "]
        if not mark or mark.isalnum():
            raise NotFiniteError(f"`\\{mark}` in the regular expression, which stands for no fixed letters")
        return [mark]


def _bounded(strings: list[str]) -> list[str]:
    if len(strings) > MAX_STRINGS:
        raise NotFiniteError(f"a regular expression with more than {MAX_STRINGS} strings")
    return strings
