"""Notes from CSV, TSV and the like: UTF-8, one header row, the separator is the one the header uses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..errors import RunError
from .columns import Columns, find_columns, require
from .jsonl import UTF16_MARKS, open_bytes
from .rows import BadRow, NoteRow, RowRules, read_row

SEPARATORS = ",\t;|"


def _rows(path: Path, limit: int) -> tuple[io.TextIOWrapper, Iterator[list[str]]]:
    # surrogateescape keeps undecodable bytes inside their own row instead of ending the file there
    stream = io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", errors="surrogateescape", newline="")
    header = stream.readline()
    stream.seek(0)
    separator = max(SEPARATORS, key=header.count)
    csv.field_size_limit(limit)  # a lost quotation mark must not swallow the file into memory
    return stream, csv.reader(stream, delimiter=separator)


def header_of(path: Path, name: str) -> list[str]:
    """Column names of the file; empty for an empty file."""
    with open_bytes(path) as source:
        if source.read(2) in UTF16_MARKS:
            raise RunError("the file is UTF-16", where=name, remedy="save it as UTF-8")
    stream, rows = _rows(path, 10_000_000)
    with stream:
        try:
            return next(rows, [])
        except csv.Error:
            raise RunError("the first row cannot be read as a header", where=name, remedy="give a CSV file") from None


def probe_delimited(path: Path, name: str) -> Columns:
    header = header_of(path, name)
    columns = find_columns(header)
    return require(columns, name) if header else columns


def records(path: Path, max_bytes: int) -> Iterator[tuple[int, dict[str, object] | str]]:
    """Number of the data row from 1, and its cells by column name, or what is wrong with it."""
    stream, rows = _rows(path, max(2 * max_bytes, 1_000_000))
    with stream:
        header = next(rows, None)
        if header is None:
            return
        number = 0
        while True:
            number += 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error:
                yield number, "cell_too_long"
                continue
            if not cells:
                number -= 1  # a blank line is no row
            elif len(cells) != len(header):
                yield number, "wrong_cell_count"
            else:
                yield number, dict(zip(header, cells))


def read_delimited(path: Path, name: str, rules: RowRules) -> Iterator[NoteRow | BadRow]:
    """Rows in file order."""
    columns = find_columns(header_of(path, name))
    for number, record in records(path, rules.max_bytes):
        if isinstance(record, str):
            yield BadRow(name, number, record)
        elif _undecodable(record):
            yield BadRow(name, number, "undecodable_bytes")
        else:
            yield read_row(name, number, record, columns, rules)


def _undecodable(record: dict[str, object]) -> bool:
    for cell in record.values():
        if isinstance(cell, str) and not cell.isascii():
            try:
                cell.encode("utf-8")
            except UnicodeEncodeError:
                return True
    return False
