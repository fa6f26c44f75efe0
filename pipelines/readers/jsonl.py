"""Notes from JSON lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import orjson

from ..errors import RunError
from .columns import Columns, find_columns, require
from .rows import BadRow, NoteRow, RowRules, read_row

PROBED_LINES = 100
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, decompressed where it is gzipped."""
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))  # the caller closes it
    return open(path, "rb")


def bounded_lines(source: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Line number and line; None in place of a line longer than `limit`, so that memory stays bounded."""
    number = 0
    while line := source.readline(limit):
        number += 1
        if len(line) == limit and not line.endswith(b"\n"):
            while (rest := source.readline(limit)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line


def load_record(line: bytes, *, lenient: bool = False) -> tuple[dict[str, object] | str, bool]:
    """The object of a line, or what is wrong with it; and whether undecodable bytes were replaced (`lenient` only).

    Raw control characters inside strings, NaN and lone surrogates are let through: real exports have them.
    """
    replaced = False
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            if not lenient:
                return "undecodable_bytes", False
            text, replaced = line.decode("utf-8", "replace"), True
        try:
            record = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return "broken_json", replaced
    return (record if isinstance(record, dict) else "no_json_object"), replaced


def read_jsonl(path: Path, name: str, rules: RowRules) -> Iterator[NoteRow | BadRow]:
    """Rows in file order; blank lines are no rows. Keys may differ from line to line."""
    known: dict[tuple[str, ...], Columns] = {}
    # JSON may write one character in six bytes
    with open_bytes(path) as source:
        for number, line in bounded_lines(source, 6 * rules.max_bytes + 1_000_000):
            if line is None:
                yield BadRow(name, number, "line_too_long")
                continue
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            record, _ = load_record(line)
            if isinstance(record, str):
                yield BadRow(name, number, record)
                continue
            keys = tuple(record)
            columns = known.get(keys)
            if columns is None:
                columns = known.setdefault(keys, find_columns(keys)) if len(known) < 10_000 else find_columns(keys)
            yield read_row(name, number, record, columns, rules)


def probe_jsonl(path: Path, name: str) -> Columns:
    """Columns of the first lines together. Raises RunError where no line is an object with the columns needed."""
    keys: dict[str, None] = {}
    lines = 0
    with open_bytes(path) as source:
        for number, line in bounded_lines(source, 100_000_000):
            if number == 1 and line is not None and line[:2] in UTF16_MARKS:
                raise RunError("the file is UTF-16", where=name, remedy="save it as UTF-8")
            if number == 1 and line is not None:
                line = line.removeprefix(b"\xef\xbb\xbf")
            record = load_record(line)[0] if line is not None and line.strip() else ""
            lines += bool(line and line.strip())
            if isinstance(record, dict):
                keys.update(dict.fromkeys(record))
            if number >= PROBED_LINES:
                break
    if lines and not keys:
        raise RunError(
            f"none of the first {lines} lines is a JSON object", where=name, remedy="give one JSON object a line"
        )
    columns = find_columns(keys)
    return require(columns, name) if keys else columns
