"""Bytes and lines of a source file, plain or gzipped, with errors that name file, line and remedy."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..source_term import NotATerminologyError, SourceError

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_BINARY_REMEDY = "Give a TSV, CSV, FHIR JSON, OBO or OBO-graph JSON file"
_KNOWN_BINARIES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PK\x03\x04",
        "a zip archive or a spreadsheet (.xlsx)",
        "Unpack it, or export the sheet as a tab-separated text file with the code column as text",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an old spreadsheet (.xls)",
        "Export the sheet as a tab-separated text file with the code column as text",
    ),
    (b"PAR1", "a Parquet file", "Export it as a tab-separated text file"),
    (b"SQLite format 3", "a SQLite database", "Export the terms as a tab-separated text file"),
    (b"%PDF", "a PDF", _BINARY_REMEDY),
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked if it is gzipped; recognised by content.

    Raises:
        SourceError: missing, not readable, empty, or a broken gzip file.
    """
    try:
        with path.open("rb") as raw:
            if raw.read(2) == _GZIP:
                raw.seek(0)
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                raw.seek(0)
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SourceError(
            path, None, "The gzip data is broken or cut short", "Fetch or compress the file again"
        ) from None
    except FileNotFoundError:
        raise SourceError(path, None, "There is no such file", "Check the path given as the source") from None
    except OSError as error:
        raise SourceError(
            path, None, f"The file cannot be read ({error.strerror})", "Check the path and its permissions"
        ) from None


def first_bytes(path: Path, size: int = 65_536) -> bytes:
    """The start of the file, unpacked, without a byte order mark.

    Raises:
        SourceError: empty file, UTF-16, or a broken gzip file.
        NotATerminologyError: a binary format.
    """
    with open_bytes(path) as stream:
        head = stream.read(size)
    for magic, what, remedy in _KNOWN_BINARIES:
        if head.startswith(magic):
            raise NotATerminologyError(path, None, f"This is {what}", remedy)
    if head.startswith(_UTF16):
        raise SourceError(path, 1, "The text is UTF-16", "Save it as UTF-8")
    if b"\x00" in head:
        raise NotATerminologyError(path, None, "This is a binary file", _BINARY_REMEDY)
    head = head.removeprefix(_BOM)
    if not head.strip():
        raise SourceError(path, None, "The file is empty", "Give a file with a header and terms")
    return head


def all_bytes(path: Path) -> bytes:
    """The whole file, unpacked, without a byte order mark."""
    with open_bytes(path) as stream:
        return stream.read().removeprefix(_BOM)


def text_lines(path: Path) -> Iterator[str]:
    """The file's lines, decoded, line ends kept. Lines end at line feeds only, as other separators occur inside cells.

    Raises:
        SourceError: bytes that are not UTF-8, or binary data, with the line.
    """
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, 1):
            if number == 1:
                line = line.removeprefix(_BOM)
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise bad_utf8(path, number, error.start + 1) from None
            if "\x00" in text:
                raise SourceError(
                    path, number, "The line has zero bytes, the file is damaged or binary", _BINARY_REMEDY
                )
            yield text


def bad_utf8(path: Path, line: int, byte: int) -> SourceError:
    """The error for bytes that are not UTF-8, at a line and a byte of that line (both from 1)."""
    return SourceError(
        path,
        line,
        f"Byte {byte} of the line is not UTF-8",
        "Save the file as UTF-8 (it may be Latin-1 or Windows-1252)",
    )
