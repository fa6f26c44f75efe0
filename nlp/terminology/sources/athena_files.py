"""Which files of a folder or zip are the tables of an OMOP vocabulary, told from their headers."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast

from ..source_term import SourceError
from .bytes_of import open_bytes

Role = Literal["concept", "synonym", "relationship", "ancestor", "vocabulary", "unused"]
DELIMITERS = "\t,;|"
_BOM = b"\xef\xbb\xbf"
# DOMAIN, CONCEPT_CLASS, RELATIONSHIP and DRUG_STRENGTH belong to a download but say nothing that is needed
_UNUSED = (
    {"domain_id", "domain_concept_id"},
    {"concept_class_id", "concept_class_concept_id"},
    {"relationship_id", "relationship_concept_id"},
    {"drug_concept_id", "ingredient_concept_id"},
)
_LONGEST_HEADER = 4096
_ZIP = b"PK\x03\x04"
_ZIP_REMEDY = "Download it again, or unpack it and give the folder"


@dataclass(frozen=True, slots=True)
class AthenaTable:
    """One table: its file (or the zip and the member in it), header in lower case, and how its cells are cut."""

    path: Path
    member: str | None
    role: Role
    columns: tuple[str, ...]
    delimiter: str
    quoted: bool

    @property
    def name(self) -> str:
        """The file's own name, for messages and origins."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    @property
    def place(self) -> str:
        """Where the table is, for error messages."""
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The unpacked bytes. Raises SourceError for a file or zip that cannot be unpacked."""
        if self.member is None:
            with open_bytes(self.path) as stream:
                yield stream
            return
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                yield cast(BinaryIO, stream)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise SourceError(self.place, None, "The zip is broken or cut short", _ZIP_REMEDY) from None
        except (RuntimeError, NotImplementedError):  # a password, or a way of packing that Python does not know
            raise SourceError(
                self.place, None, "The zip cannot be unpacked here", "Unpack it, give the folder"
            ) from None


@dataclass(slots=True)
class AthenaTables:
    """The vocabulary tables found at one place; `files` are those of a folder, so that others can be read apart."""

    where: Path
    tables: list[AthenaTable] = field(default_factory=list)

    @property
    def files(self) -> frozenset[Path]:
        return frozenset(table.path for table in self.tables)

    def of(self, role: Role) -> list[AthenaTable]:
        """The tables of a role, CONCEPT.csv before CONCEPT_CPT4.csv, so that its rows count first."""
        return [table for table in self.tables if table.role == role]


def find_athena(path: Path) -> AthenaTables | None:
    """The OMOP vocabulary tables of a folder, a zip or a single file; None if there are none.

    Only the first line of each file is read.

    Raises:
        SourceError: a broken zip.
    """
    found = AthenaTables(path)
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
        candidates = [(file, None) for file in files]
    elif _is_zip(path):
        candidates = [(path, member) for member in _members(path)]
    else:
        candidates = [(path, None)]
    for file, member in candidates:
        table = _table(file, member)
        if table is not None:
            found.tables.append(table)
    found.tables.sort(key=lambda table: (len(table.name), table.name, table.place))
    telling = {table.role for table in found.tables} & {"concept", "synonym", "relationship"}
    return found if telling else None


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == _ZIP
    except OSError:
        return False


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile:
        raise SourceError(path, None, "The zip is broken or cut short", _ZIP_REMEDY) from None
    return sorted(name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/")))


def _table(path: Path, member: str | None) -> AthenaTable | None:
    sketch = AthenaTable(path, member, "unused", (), "\t", False)
    if not sketch.name.lower().endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")):
        return None
    try:
        with sketch.open() as stream:
            head = stream.read(_LONGEST_HEADER)
    except SourceError:
        if member is None:  # a broken file that may be no vocabulary at all: its own reader says so
            return None
        raise
    line = head.removeprefix(_BOM).split(b"\n", 1)[0].decode("utf-8", errors="replace").rstrip("\r")
    delimiter = max(DELIMITERS, key=lambda mark: (line.count(mark), mark == "\t"))
    columns = tuple(cell.strip().strip('"').strip().lower() for cell in line.split(delimiter))
    role = _role(columns)
    if role is None:
        return None
    # Athena's own files have tabs and no quoting, so that a quote mark is part of a name; exports from databases quote
    quoted = delimiter != "\t" or line.startswith('"')
    return AthenaTable(path, member, role, columns, delimiter, quoted)


def _role(columns: tuple[str, ...]) -> Role | None:
    names = set(columns)
    if {"concept_id_1", "concept_id_2"} <= names:
        return "relationship"
    if {"ancestor_concept_id", "descendant_concept_id"} <= names:
        return "ancestor"
    if "concept_synonym_name" in names:
        return "synonym"
    if len(names & {"concept_id", "concept_name", "vocabulary_id", "concept_code", "concept_class_id"}) >= 4:
        return "concept"
    if {"vocabulary_id", "vocabulary_concept_id"} <= names:
        return "vocabulary"
    return "unused" if any(pair <= names for pair in _UNUSED) else None
