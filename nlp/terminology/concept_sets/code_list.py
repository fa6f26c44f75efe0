"""Code lists in CSV and TSV, as HDR UK, OpenCodelists and Atlas write them; one list or several in a file.

What people and spreadsheets do to such lists is put right where that is certain (columns swapped in a row, an `x`
before an id, `.0` after it), and every such row is noted. Codes that cannot be saved stay as they are: resolving
reports them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from ..source_term import SourceError
from ..systems import canonical_system, code_fault, looks_like_code, tidy_code
from .code_list_columns import ListColumns, columns_of, delimiter_of
from .code_system import commonest_system, system_in_name, system_named
from .concept_set import ConceptSet, ConceptSetItem, ItemNote

_TRUE = frozenset({"1", "true", "yes", "y", "t", "x"})
_FALSE = frozenset({"", "0", "false", "no", "n", "f"})
_X_PREFIXED = re.compile(r"[xX]([0-9]{5,18})")
_DECIMAL = re.compile(r"([0-9]+)\.0*")

_Row = tuple[int, list[str]]


def is_code_list(line: str) -> bool:
    """Whether a line is the header of a code list."""
    return columns_of(line.split(delimiter_of(line))) is not None


def read_code_list(path: Path, text: str, system: str | None) -> list[ConceptSet]:
    """The lists of a file, in order of first appearance.

    Raises:
        SourceError: broken quoting, a system that cannot be told, a rule column that is neither yes nor no.
    """
    rows = _rows(path, text)
    _, header = next(rows)
    columns = columns_of(header)
    if columns is None:
        raise SourceError(path, 1, "The header names no column of codes", "Name the columns code and term")
    own = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    lists: dict[str, list[_Row]] = {}
    for number, cells in rows:
        if any(cell.strip() for cell in cells):
            group = _cell(cells, columns.group) or own
            lists.setdefault(group, []).append((number, cells))
    if not lists:
        raise SourceError(path, None, "The list has a header and no codes", "Give a list with codes")
    return [_read_list(path, name, found, columns, system) for name, found in lists.items()]


def _read_list(path: Path, name: str, rows: list[_Row], columns: ListColumns, given: str | None) -> ConceptSet:
    default = canonical_system(given) if given else None
    if default is None and columns.system < 0 and columns.code >= 0:
        cells = [_cell(row, place) for _, row in rows for place in (columns.code, columns.term) if place >= 0]
        default = (
            columns.system_named
            or system_in_name(name)
            or system_in_name(path.name)
            or commonest_system(cell for cell in cells if cell and " " not in cell)
        )
        if default is None:
            raise SourceError(
                path,
                rows[0][0],
                f"Nothing says which system the codes of the list {name[:60]} belong to",
                "Name it with --system, or add a column coding_system",
            )
    items: list[ConceptSetItem] = []
    repaired: list[ItemNote] = []
    unreadable: list[ItemNote] = []
    for number, cells in rows:
        origin = f"{path.name}:{number}"
        cell = _cell(cells, columns.system)
        system = system_named(cell) if cell else (default or "")
        code, term = _cell(cells, columns.code), _cell(cells, columns.term)
        code, term, repair = _mended(system, code, term)
        concept_id = _concept_id(path, number, _cell(cells, columns.concept_id))
        if repair:
            repaired.append(ItemNote(repair, system, code, term, origin))
        elif len(cells) > columns.width and any(extra.strip() for extra in cells[columns.width :]):
            note = ItemNote("too_many_cells", system, code, term, origin, "a name holds the delimiter")
            if code_fault(system, code):
                unreadable.append(note)
                continue
            repaired.append(note)
        if not code and not concept_id:
            unreadable.append(ItemNote("empty_code", system, "", term, origin))
            continue
        items.append(
            ConceptSetItem(
                system,
                code,
                concept_id,
                term,
                _flag(path, number, cells, columns.excluded),
                _flag(path, number, cells, columns.descendants),
                _flag(path, number, cells, columns.mapped),
                origin,
            )
        )
    return ConceptSet(name, tuple(items), origin=path.name, repaired=tuple(repaired), unreadable=tuple(unreadable))


def _mended(system: str, code: str, term: str) -> tuple[str, str, str | None]:
    """Code and term as they were meant, and what was mended."""
    code = tidy_code(system, code.lstrip("'"))
    if code_fault(system, code) is None:
        return code, term, None
    if looks_like_code(system, term):
        return tidy_code(system, term), code, "swapped_columns"
    match = _X_PREFIXED.fullmatch(code)
    if match and system == "SNOMED":
        return match[1], term, "x_before_id"
    match = _DECIMAL.fullmatch(code)
    if match and code_fault(system, match[1]) is None:
        return match[1], term, "decimal_point"
    return code, term, None


def _rows(path: Path, text: str) -> Iterator[_Row]:
    """(line, cells) of each row that is no comment, the header first."""
    lines = io.StringIO(text, newline="")
    skipped = 0
    first = ""
    for first in lines:
        if first.strip() and not first.lstrip().startswith(("#", "//")):
            break
        skipped += 1
    mark = delimiter_of(first)
    if mark == "\t":  # tab-separated text knows no quotes
        yield skipped + 1, first.rstrip("\r\n").split(mark)
        for number, line in enumerate(lines, skipped + 2):
            yield number, line.rstrip("\r\n").split(mark)
        return

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


def _cell(cells: list[str], place: int) -> str:
    return cells[place].strip() if 0 <= place < len(cells) else ""


def _concept_id(path: Path, line: int, cell: str) -> int:
    if not cell:
        return 0
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 18):
        raise SourceError(path, line, "The concept id is no whole number", "Give OMOP concept ids in concept_id")
    return int(cell)


def _flag(path: Path, line: int, cells: list[str], place: int) -> bool:
    cell = _cell(cells, place).lower()
    if cell in _TRUE:
        return True
    if cell in _FALSE:
        return False
    raise SourceError(path, line, "A rule column is neither yes nor no", "Write TRUE or FALSE")
