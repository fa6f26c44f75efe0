"""What the user named as NOTES: which files, in which form, with which content."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from ..errors import RunError
from .columnar import probe_columnar, read_columnar
from .columns import Columns
from .delimited import probe_delimited, read_delimited
from .jsonl import probe_jsonl, read_jsonl
from .rows import BadRow, NoteRow, RowRules
from .text_folder import METADATA, read_text_folder, text_files

Form = Literal["jsonl", "csv", "parquet", "txt"]
FORMS: dict[str, Form] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "txt",
}
# What reading a file that is cut short or overwritten in places raises
DAMAGED = (EOFError, OSError, zlib.error, pa.ArrowException)
ACCEPTED = ".jsonl, .csv, .tsv, .parquet (also .gz), or a folder of .txt files"
_READERS: dict[str, Callable[[Path, str, RowRules], Iterator[NoteRow | BadRow]]] = {
    "jsonl": read_jsonl,
    "csv": read_delimited,
    "parquet": read_columnar,
}
_PROBES: dict[str, Callable[[Path, str], Columns]] = {
    "jsonl": probe_jsonl,
    "csv": probe_delimited,
    "parquet": probe_columnar,
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the input as it was when the run began."""

    name: str
    size: int
    mtime_ns: int
    sha256: str


def form_of(path: Path) -> Form | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return FORMS.get(suffixes[-1]) if suffixes else None


def hash_file(path: Path) -> str:
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Corpus:
    """Input notes: files in a stable order, all of one form. Iterating streams them."""

    root: Path
    form: Form
    files: tuple[Path, ...]
    columns: Columns | None

    def name_of(self, path: Path) -> str:
        """Name of a file relative to the input."""
        return path.name if path == self.root else path.relative_to(self.root).as_posix()

    def rows(self, rules: RowRules) -> Iterator[NoteRow | BadRow]:
        """Every row of the input in order, read as a note or as a bad row."""
        if self.form == "txt":
            folder = self.root if self.root.is_dir() else self.root.parent
            yield from read_text_folder(folder, list(self.files), rules)
            return
        for path in self.files:
            try:
                yield from _READERS[self.form](path, self.name_of(path), rules)
            except DAMAGED as error:
                raise _damaged(path, error) from None

    def all_files(self) -> list[Path]:
        """The note files, and the metadata that belongs to them."""
        metadata = self.root / METADATA
        return [*self.files, *([metadata] if self.form == "txt" and metadata.is_file() else [])]

    def fingerprint(self, advance: Callable[[int], object] | None = None) -> list[SourceFile]:
        """Name, size and sha256 of every file, reading each once."""
        sources = []
        for path in self.all_files():
            status = path.stat()
            sources.append(SourceFile(self.name_of(path), status.st_size, status.st_mtime_ns, hash_file(path)))
            if advance is not None:
                advance(status.st_size)
        return sources

    def changed_since(self, sources: list[SourceFile]) -> str | None:
        """Name of a file that was written to since `sources` was taken."""
        for path, source in zip(self.all_files(), sources):
            try:
                status = path.stat()
            except OSError:
                return source.name
            if (status.st_size, status.st_mtime_ns) != (source.size, source.mtime_ns):
                return source.name
        return None


def _damaged(path: Path, error: BaseException) -> RunError:
    if isinstance(error, OSError) and error.strerror:
        return RunError(f"cannot be read ({error.strerror})", where=path.name)
    if path.suffix.lower() == ".gz":
        return RunError("the gzip file is damaged or cut short", where=path.name, remedy="copy it again")
    return RunError("the file is damaged", where=path.name, remedy="copy it again")


def open_corpus(path: Path) -> Corpus:
    """Find out what `path` is. Raises RunError with the remedy if notes cannot be read from it."""
    if not path.exists():
        raise RunError("no such file or folder", where=str(path), remedy=f"give {ACCEPTED}")
    form, files = _one_file(path) if path.is_file() else _folder(path)
    columns = None
    if form != "txt":
        for file in files:
            try:
                columns = _PROBES[form](file, file.name)
            except DAMAGED as error:
                raise _damaged(file, error) from None
    return Corpus(path, form, tuple(files), columns)


def _one_file(path: Path) -> tuple[Form, list[Path]]:
    form = form_of(path)
    if form is None:
        raise RunError("not a notes file", where=str(path), remedy=f"give {ACCEPTED}")
    return form, [path]


def _folder(path: Path) -> tuple[Form, list[Path]]:
    texts = text_files(path)
    if texts:
        return "txt", texts
    tables = sorted((file for file in path.rglob("*") if file.is_file() and form_of(file)), key=lambda p: p.as_posix())
    omop = [file for file in tables if file.name.lower().split(".")[0] == "note"]
    if omop:  # a folder of OMOP tables: only NOTE holds notes
        tables = omop
    forms: set[Form] = {form for file in tables if (form := form_of(file)) is not None}
    if not tables:
        raise RunError("no notes in this folder", where=str(path), remedy=f"give {ACCEPTED}")
    if len(forms) > 1:
        raise RunError(
            f"files of several kinds ({', '.join(sorted(forms))})",
            where=str(path),
            remedy="name the file that holds the notes",
        )
    return forms.pop(), tables
