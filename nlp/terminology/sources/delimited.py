"""Delimited text: tab-separated without quoting, or comma-, semicolon- and pipe-separated with quoting.

Required columns, in any order and case: code, system, term, preferred. Optional: scope, synonym_type, kind, chronic,
semantic_tag,
status. Further columns are ignored.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from ..semantic_tags import split_tag
from ..source_term import SourceError, SourceTerm, TermKind
from ..systems import canonical_system, code_fault, looks_like_code, tidy_code
from .bytes_of import text_lines
from .content import MATCHED_SCOPES, SourceContent

REQUIRED = ("code", "system", "term", "preferred")
OPTIONAL = ("scope", "synonym_type", "kind", "chronic", "semantic_tag", "status")
DELIMITERS = "\t,;|"

_TRUE = frozenset({"1", "true", "yes", "y", "t"})
_ACTIVE = frozenset({"", "1", "active", "current", "true", "valid", "s", "draft"})
_KINDS: dict[str, TermKind] = {
    "preferred": "preferred",
    "label": "preferred",
    "synonym": "synonym",
    "abbreviation": "abbreviation",
    "acronym": "abbreviation",
    "lay": "lay",
    "layperson": "lay",
}


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each column stands, -1 for one that is absent."""

    width: int
    code: int
    system: int
    term: int
    preferred: int
    scope: int
    synonym_type: int
    kind: int
    chronic: int
    semantic_tag: int
    status: int


def delimiter_of(header: str) -> str:
    """The delimiter that cuts the header line into most known columns; a tab if none does."""
    known = {*REQUIRED, *OPTIONAL}
    return max(DELIMITERS, key=lambda mark: (sum(name in known for name in _names(header.split(mark))), mark == "\t"))


def is_delimited(header: str) -> bool:
    """Whether the first line can be the header of a term table (two of the required columns at least)."""
    return sum(name in REQUIRED for name in _names(header.split(delimiter_of(header)))) >= 2


def read_delimited(path: Path, scopes: Collection[str] = MATCHED_SCOPES) -> SourceContent:
    """Read a delimited file. Rows whose `scope` is filled and not among `scopes` are left out and counted.

    Raises:
        SourceError: missing or doubled columns, a row with another number of cells, broken quoting, bytes that are
        not UTF-8,
            or more than half of the rows faulty.
    """
    wanted = frozenset(scopes)
    content = SourceContent(path.name)
    rows = _rows(path)
    start, header = next(rows)
    columns = _columns(path, start, header)
    count = 0
    systems: dict[str, str] = {}
    kept: dict[str, str] = {}
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) != columns.width:
            raise _wrong_width(path, line, len(cells), columns.width)
        count += 1
        place = f"{path.name}:{line}"
        given = cells[columns.system].strip()
        system = systems.get(given)
        if system is None:
            system = systems[given] = canonical_system(given)
        code = tidy_code(system, cells[columns.code])
        term = cells[columns.term].strip()
        fault = _fault(system, code, term)
        if fault:
            content.drops.reject(fault, place)
            continue
        if columns.scope >= 0:
            scope = cells[columns.scope].strip().upper()
            if scope and scope not in wanted:
                content.drops.leave_out(f"scope_{scope.lower()}", place)
                continue
        if columns.status >= 0 and cells[columns.status].strip().lower() not in _ACTIVE:
            content.drops.leave_out("inactive", place)
            continue
        preferred = cells[columns.preferred].strip() or term
        tag = cells[columns.semantic_tag].strip() or None if columns.semantic_tag >= 0 else None
        if system == "SNOMED" and preferred.endswith(")"):
            preferred, its_tag = split_tag(preferred)
            tag = tag or its_tag
        # Rows of one concept repeat its code and preferred name: one string serves them all.
        code = kept.setdefault(code, code)
        preferred = kept.setdefault(preferred, preferred)
        content.terms.append(
            SourceTerm(
                code=code,
                system=system,
                term=preferred if term == preferred else term,
                preferred=preferred,
                kind=_kind(cells, columns, term, preferred),
                chronic=columns.chronic >= 0 and cells[columns.chronic].strip().lower() in _TRUE,
                semantic_tag=intern(tag) if tag else None,
                origin=place,
            )
        )
    content.drops.refuse_mostly_bad(path, count)
    return content


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each row, the header first."""
    lines = text_lines(path)
    number, first = 0, ""
    for first in lines:
        number += 1
        if first.strip():
            break
    mark = delimiter_of(first)
    if mark == "\t":
        yield number, first.rstrip("\r\n").split("\t")
        for place, line in enumerate(lines, number + 1):
            yield place, line.rstrip("\r\n").split("\t")
        return
    skipped = number - 1

    def from_header() -> Iterator[str]:
        yield first
        yield from lines

    reader = csv.reader(from_header(), delimiter=mark, strict=True)
    start = skipped + 1
    try:
        for cells in reader:
            yield start, cells
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        raise SourceError(
            path,
            start,
            f"The quoting is broken ({error})",
            "Close every quote, and double the quote characters inside a quoted cell",
        ) from None


def _columns(path: Path, line: int, header: list[str]) -> _Columns:
    names = _names(header)
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise SourceError(
            path,
            line,
            f"The header lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            f"Name the columns {', '.join(REQUIRED)} in the first line, separated by tabs without quotes or by commas",
        )
    doubled = sorted({name for name in names if name in (*REQUIRED, *OPTIONAL) and names.count(name) > 1})
    if doubled:
        raise SourceError(
            path, line, f"The header has the column {doubled[0]} twice", "Rename or remove one of the two"
        )
    places = {name: names.index(name) if name in names else -1 for name in (*REQUIRED, *OPTIONAL)}
    return _Columns(width=len(header), **places)


def _names(header: list[str]) -> list[str]:
    return [name.strip().lower().replace(" ", "_") for name in header]


def _fault(system: str, code: str, term: str) -> str | None:
    if not term:
        return "empty_term"
    if not system:
        return "empty_system"
    fault = code_fault(system, code)
    if fault and looks_like_code(system, term):
        return "swapped_columns"
    return fault


def _kind(cells: list[str], columns: _Columns, term: str, preferred: str) -> TermKind:
    if columns.kind >= 0:
        kind = _KINDS.get(cells[columns.kind].strip().lower())
        if kind:
            return kind
    if columns.synonym_type >= 0:
        sort = cells[columns.synonym_type].strip().lower()
        if "abbrev" in sort or "acronym" in sort:
            return "abbreviation"
        if sort.startswith("lay"):
            return "lay"
    return "preferred" if split_tag(term)[0].casefold() == preferred.casefold() else "synonym"


def _wrong_width(path: Path, line: int, found: int, expected: int) -> SourceError:
    return SourceError(
        path,
        line,
        f"The row has {found} cell{'' if found == 1 else 's'}, the header {expected}",
        "Give every row as many cells as the header; a cell may be empty but must not hold the delimiter"
        " (tab-separated files know no quotes, comma-separated cells may be quoted)",
    )
