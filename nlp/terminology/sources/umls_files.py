"""The files of a UMLS release (Rich Release Format), found by what their first lines look like, and read in batches.

Columns and file names are those of the UMLS Reference Manual, chapter 3 (NBK9685). RxNorm's own release has the same
tables under other names and is read in the same way.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa
from pyarrow import csv

from ..source_term import SourceError
from .rf2_archive import FoundFile, ZipLimits, found_files, is_zip

Role = Literal["conso", "rel", "sty", "sab", "rank", "cui"]

COLUMNS: dict[Role, tuple[str, ...]] = {
    "conso": tuple("CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF".split()),
    "rel": tuple("CUI1 AUI1 STYPE1 REL CUI2 AUI2 STYPE2 RELA RUI SRUI SAB SL RG DIR SUPPRESS CVF".split()),
    "sty": tuple("CUI TUI STN STY ATUI CVF".split()),
    "sab": tuple(
        "VCUI RCUI VSAB RSAB SON SF SVER VSTART VEND IMETA RMETA SLC SCC SRL TFR CFR CXTY TTYL ATNL LAT CENC CURVER "
        "SABIN SSN SCIT".split()
    ),
    "rank": tuple("RANK SAB TTY SUPPRESS".split()),
    "cui": tuple("CUI1 VER REL RELA MAPREASON CUI2 MAPIN".split()),
}

# `C1234567` in the Metathesaurus, digits in RxNorm.
_CUI = r"(?:C[0-9]{7}|[0-9]*)"
_SHAPES: dict[Role, re.Pattern[str]] = {
    "conso": re.compile(
        rf"{_CUI}\|[A-Z]{{3}}\|[PSps]?\|(?:L[0-9]+)?\|[A-Za-z]*\|(?:S[0-9]+)?\|[YN]?\|A?[0-9]+\|(?:[^|]*\|){{10}}"
    ),
    "rel": re.compile(rf"{_CUI}\|(?:A?[0-9]*)\|[A-Z]+\|[A-Z]{{2,3}}\|{_CUI}\|(?:A?[0-9]*)\|[A-Z]+\|(?:[^|]*\|){{9}}"),
    "sty": re.compile(rf"{_CUI}\|T[0-9]{{3}}\|[AB][0-9.]*\|(?:[^|]*\|){{3}}"),
}
# Small tables that help where they lie beside the others; their lines have no shape of their own.
_BY_NAME: dict[str, Role] = {"SAB": "sab", "RANK": "rank", "CUI": "cui"}
_NAME = re.compile(r"(?P<stem>.*)\.RRF(?P<part>\.[a-z]{2})?(?:\.gz)?", re.IGNORECASE)
_LIMITS = ZipLimits(size=200 << 30)  # a full Metathesaurus is some 40 GB
_LINE = 65_536
_BATCH = 8 << 20


@dataclass(frozen=True, slots=True)
class RrfTable:
    """One table. A full release cuts large ones into parts (`MRCONSO.RRF.aa.gz`, ...), which follow each other."""

    role: Role
    name: str
    parts: tuple[FoundFile, ...]

    @property
    def place(self) -> str:
        """Where the table is, for error messages."""
        return self.parts[0].place

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(line number of the first row, rows) of the columns asked for, as strings; empty cells are empty strings.

        Raises:
            SourceError: a row with another number of cells, bytes that are not UTF-8, or data that cannot be unpacked.
        """
        names = [*COLUMNS[self.role], "end"]  # every row ends in a delimiter
        line = 1
        try:
            with self._open() as stream:
                reader = csv.open_csv(
                    stream,
                    read_options=csv.ReadOptions(column_names=names, block_size=_BATCH),
                    parse_options=csv.ParseOptions(delimiter="|", quote_char=False, escape_char=False),
                    convert_options=csv.ConvertOptions(
                        include_columns=list(columns),
                        column_types=dict.fromkeys(columns, pa.string()),
                        strings_can_be_null=False,
                    ),
                )
                for batch in reader:
                    yield line, batch
                    line += batch.num_rows
        except pa.ArrowInvalid:
            # Arrow's message quotes the row, so the row is looked for again.
            raise self._fault(len(names)) from None
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise self._broken() from None

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            streams = [_unpacked(stack.enter_context(part.open()), stack) for part in self.parts]
            yield streams[0] if len(streams) == 1 else cast(BinaryIO, io.BufferedReader(_Joined(streams), _BATCH))

    def _fault(self, width: int) -> SourceError:
        remedy = "Check whether the file is cut or damaged, and make the subset again"
        with self._open() as stream:
            for number, line in enumerate(stream, 1):
                try:
                    cells = line.decode("utf-8").rstrip("\r\n").count("|") + 1
                except UnicodeDecodeError:
                    return SourceError(self.place, number, "The line is not UTF-8", "Choose UTF-8 in MetamorphoSys")
                if cells != width and line.strip():
                    problem = f"The row has {cells - 1} cells, a row of {self.name} has {width - 1}"
                    return SourceError(self.place, number, problem, remedy)
        return SourceError(self.place, None, "The table cannot be read", remedy)

    def _broken(self) -> SourceError:
        return SourceError(self.place, None, "The data is broken or cut short", "Fetch or unpack the release again")


@contextmanager
def umls_tables(path: Path) -> Iterator[dict[Role, RrfTable]]:
    """The tables of a UMLS or RxNorm release: a folder, a zip (`.nlm` files are zips), or MRCONSO.RRF by itself.

    Empty if there is no table of names; the tables can be read inside the `with` block.

    Raises:
        SourceError: several tables of one kind.
    """
    if path.is_dir() or is_zip(path):
        with ExitStack() as stack:
            try:
                files, _ = stack.enter_context(found_files(path, _LIMITS))
            except SourceError:
                files = []  # a zip that nobody can read is refused by those who know what it might be
            yield _tables(path, files)
        return
    file = FoundFile(str(path), path.name, lambda: _plain(path))
    role = _role(file) if path.is_file() else None
    yield {"conso": RrfTable("conso", path.name, (file,))} if role == "conso" else {}


def is_umls(path: Path) -> bool:
    """Whether a folder, zip or file holds a UMLS table of names."""
    with umls_tables(path) as tables:
        return bool(tables)


def _tables(path: Path, files: list[FoundFile]) -> dict[Role, RrfTable]:
    found: dict[Role, dict[str, list[FoundFile]]] = {}
    for file in files:
        match = _NAME.fullmatch(file.name)
        if match is None:
            continue
        stem = file.inside[: len(file.inside) - len(file.name)] + match["stem"]
        by_name = _BY_NAME.get(match["stem"].upper().removeprefix("RXN").removeprefix("MR"))
        known: Role | None = next(
            (role for role, stems in found.items() if stem in stems), None
        )  # a later part of a cut table
        role: Role | None = known or by_name or _role(file)
        if role is not None:
            found.setdefault(role, {}).setdefault(stem, []).append(file)
    if "conso" not in found:
        return {}
    for stems in found.values():
        if len(stems) > 1:
            names = ", ".join(f"{stem}.RRF" for stem in sorted(stems))
            problem = f"There is more than one table of one kind ({names})"
            raise SourceError(path, None, problem, "Give the folder of one release, such as 2024AA/META")
    return {
        role: RrfTable(role, f"{stem.rsplit('/', 1)[-1]}.RRF", tuple(sorted(parts, key=lambda file: file.inside)))
        for role, stems in found.items()
        for stem, parts in stems.items()
    }


def _role(file: FoundFile) -> Role | None:
    try:
        with ExitStack() as stack:
            line = _unpacked(stack.enter_context(file.open()), stack).readline(_LINE)
    except (SourceError, OSError, EOFError, zlib.error):
        return None
    text = line.decode("utf-8", errors="replace").rstrip("\r\n")
    return next((role for role, shape in _SHAPES.items() if shape.fullmatch(text)), None)


@contextmanager
def _plain(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as stream:
        yield stream


def _unpacked(stream: BinaryIO, stack: ExitStack) -> BinaryIO:
    """The stream, unpacked if it is gzipped: members of a zip may be, too."""
    buffered = io.BufferedReader(_Joined([stream]), _BATCH)
    if buffered.peek(2)[:2] != b"\x1f\x8b":
        return cast(BinaryIO, buffered)
    return cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=buffered)))


class _Joined(io.RawIOBase):
    """Streams one after the other."""

    def __init__(self, streams: Sequence[BinaryIO]) -> None:
        self._streams = list(streams)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        while self._streams:
            data = self._streams[0].read(len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            self._streams.pop(0)
        return 0
