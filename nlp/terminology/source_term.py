"""What every source loader yields: one term of one code, and the error that a malformed source raises."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from typing import Literal

TermKind = Literal["preferred", "synonym", "abbreviation", "lay"]


@dataclass(frozen=True, slots=True)
class SourceTerm:
    """One term as its source gives it. `origin` is `file:line`, or `file#code` where a format has no useful lines."""

    code: str
    system: str
    term: str
    preferred: str
    kind: TermKind
    chronic: bool
    semantic_tag: str | None
    origin: str


class SourceError(ValueError):
    """A terminology source that cannot be read; the message has the file, the line, what is wrong and the remedy.

    Cells of the file are not quoted in it, apart from column names and short codes.
    """

    def __init__(self, path: str | PathLike[str], line: int | None, problem: str, remedy: str) -> None:
        self.path = fspath(path)
        self.line = line
        self.problem = problem
        self.remedy = remedy
        place = self.path if line is None else f"{self.path}:{line}"
        super().__init__(f"{place}: {problem}. {remedy}.")


class NotATerminologyError(SourceError):
    """A file in no known terminology format; a folder skips it and reports it, a single file fails with it."""
