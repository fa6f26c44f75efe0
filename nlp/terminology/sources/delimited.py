"""Delimited text: tab-separated without quoting, or comma-, semicolon- and pipe-separated with quoting.

Required columns, in any order and case: code, system, term, preferred. Optional: scope, synonym_type, kind, chronic,
semantic_tag, status. Further columns are ignored. Other column names can be mapped (`delimited_columns.py`).

Two kinds of damage leave no doubt about what was meant, and are repaired and counted: a row whose code and term are
swapped, and an id behind an `x`, which keeps spreadsheets from rounding it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from sys import intern

from ..semantic_tags import split_tag
from ..source_term import SourceError, SourceTerm, TermKind
from ..systems import canonical_system, code_fault, looks_like_code, tidy_code
from .bytes_of import text_lines
from .content import MATCHED_SCOPES, SourceContent
from .delimited_columns import CHILD, PARENT, Columns, delimiter_of, names_of, term_columns
from .options import DEFAULT_OPTIONS, SourceOptions

# `HP:0001250`, `HP_0001250`, also as a link.
_PREFIXED = re.compile(r"(?:https?://\S+/)?([A-Za-z]+)[:_]\S+")
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


def read_delimited(
    path: Path, scopes: Collection[str] = MATCHED_SCOPES, options: SourceOptions = DEFAULT_OPTIONS
) -> SourceContent:
    """Read a delimited file. Rows whose `scope` is filled and not among `scopes` are left out and counted.

    Raises:
        SourceError: missing or doubled columns, a row with another number of cells, broken quoting, bytes that are
        not UTF-8,
            or more than half of the rows faulty.
    """
    wanted = frozenset(scopes)
    content = SourceContent(path.name)
    rows = _rows(path, options)
    start, header = next(rows)
    columns = term_columns(path, start, header, options)
    count = swapped = 0
    systems: dict[str, str] = {}
    kept: dict[str, str] = {}
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) != columns.width:
            raise _wrong_width(path, line, len(cells), columns.width)
        count += 1
        place = f"{path.name}:{line}"
        given = cells[columns.system].strip() if columns.system >= 0 else ""
        given = given or options.system
        system = systems.get(given)
        if system is None:
            system = systems[given] = canonical_system(given)
        code = tidy_code(system, cells[columns.code])
        term = cells[columns.term].strip()
        preferred = cells[columns.preferred].strip() if columns.preferred >= 0 else ""
        fault = _fault(system, code, term)
        if fault:
            repair = _repaired(system, code, term)
            if repair is None:
                content.drops.reject(_prefixed_fault(system, code, fault), place)
                continue
            kind, code, term = repair
            content.repairs.leave_out(kind, place)
            preferred = preferred if kind == "repaired_prefix" or preferred != code else term
            swapped += kind == "swapped_columns"
        if columns.scope >= 0:
            scope = cells[columns.scope].strip().upper()
            if scope and scope not in wanted:
                content.drops.leave_out(f"scope_{scope.lower()}", place)
                continue
        if columns.status >= 0 and cells[columns.status].strip().lower() not in _ACTIVE:
            content.drops.leave_out("inactive", place)
            continue
        preferred = preferred or term
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
    if swapped * 2 > count:  # then it is not a row but the header that is wrong
        content.drops.reject("swapped_columns", content.repairs.places["swapped_columns"][0])
        content.drops.counts["swapped_columns"] = content.drops.faults = swapped
    content.drops.refuse_mostly_bad(path, count)
    return content


def read_edges(path: Path, options: SourceOptions = DEFAULT_OPTIONS) -> SourceContent:
    """Read a table of is-a edges: columns `child` and `parent`, and `system` where `options.system` does not give it.

    Without either, codes with a prefix (`HP:0001250`) tell their system, and a table most of whose codes are SNOMED
    concept ids is one of SNOMED.

    Raises:
        SourceError: a row with another number of cells, no system, or more than half of the rows faulty.
    """
    content = SourceContent(path.name)
    rows = _rows(path, options)
    start, header = next(rows)
    names = names_of(header)
    child, parent = names.index(CHILD), names.index(PARENT)
    system_at = names.index("system") if "system" in names else -1
    edges: list[tuple[str, str, str, str]] = []
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise _wrong_width(path, line, len(cells), len(header))
        system = (cells[system_at].strip() if system_at >= 0 else "") or options.system
        edges.append((f"{path.name}:{line}", canonical_system(system), cells[child].strip(), cells[parent].strip()))
    guess = ""
    if edges and not any(system for _, system, _, _ in edges):
        guess = _system_of_edges(edges)
        if not guess:
            raise SourceError(
                path,
                start,
                "The table of is-a edges does not say of which code system it is",
                "Add a column system, or give --system, such as SNOMED",
            )
    for place, given, lower, upper in edges:
        system = given or guess
        lower, upper = tidy_code(system, lower), tidy_code(system, upper)
        fault = "empty_system" if not system else code_fault(system, lower) or code_fault(system, upper)
        if fault:
            content.drops.reject(fault, place)
        elif lower == upper:
            content.drops.leave_out("edge_to_itself", place)
        else:
            content.isa.setdefault(system, []).append((lower, upper))
    content.drops.refuse_mostly_bad(path, len(edges))
    return content


def _system_of_edges(edges: list[tuple[str, str, str, str]]) -> str:
    codes = {code for _, _, child, parent in edges for code in (child, parent)}
    if 2 * sum(code_fault("SNOMED", code) is None for code in codes) > len(codes):
        return "SNOMED"
    prefixes = {match[1] if (match := _PREFIXED.fullmatch(code)) else "" for code in codes}
    systems = {canonical_system(prefix) for prefix in prefixes}
    return systems.pop() if len(systems) == 1 else ""


def _rows(path: Path, options: SourceOptions) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each row, the header first."""
    lines = text_lines(path)
    number, first = 0, ""
    for first in lines:
        number += 1
        if first.strip():
            break
    mark = delimiter_of(first, options)
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


def _fault(system: str, code: str, term: str) -> str | None:
    if not term:
        return "empty_term"
    if not system:
        return "empty_system"
    fault = code_fault(system, code)
    if fault and looks_like_code(system, term):
        return "swapped_columns"
    return fault


def _repaired(system: str, code: str, term: str) -> tuple[str, str, str] | None:
    """(kind of repair, code, term) of a row that leaves no doubt about what was meant, or None."""
    other = tidy_code(system, term)
    if looks_like_code(system, term) and code_fault(system, other) is None and sum(map(str.isalpha, code)) >= 2:
        return "swapped_columns", other, code
    bare = _without_prefix(code)
    if bare and system == "SNOMED" and term and code_fault(system, bare) is None:
        return "repaired_prefix", bare, term
    return None


def _prefixed_fault(system: str, code: str, fault: str) -> str:
    """For a code behind an `x`, what is wrong with the code itself where that is certain."""
    bare = _without_prefix(code)
    return "description_id" if bare and system == "SNOMED" and code_fault(system, bare) == "description_id" else fault


def _without_prefix(code: str) -> str:
    return code[1:] if code[:1] in ("x", "X", "'") and code[1:].isdigit() else ""


def _kind(cells: list[str], columns: Columns, term: str, preferred: str) -> TermKind:
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
