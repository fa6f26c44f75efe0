"""A table on disk: its place, its columns and how its cells are kept apart, told by its header."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import RunError

DELIMITERS = ",\t|;"
ENDINGS = (".csv", ".tsv", ".txt", ".psv", ".dat")
_LONGEST_HEADER = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file; `columns` in lower case and in the file's order, `delimiter` is empty for Parquet.

    A file without a single byte has no columns.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str = ""

    @property
    def parquet(self) -> bool:
        return self.path.suffix.lower() == ".parquet"

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        """Name without endings, in lower case."""
        name = self.path.name.lower().removesuffix(".gz")
        return name[: name.rfind(".")] if "." in name else name

    def has(self, *names: str) -> bool:
        """Whether all of these columns are there."""
        return set(names) <= set(self.columns)


def is_table(path: Path) -> bool:
    """Whether a file may be a table, by its ending."""
    name = path.name.lower()
    return not name.startswith((".", "_")) and name.removesuffix(".gz").endswith((*ENDINGS, ".parquet"))


def data_files(root: Path) -> list[Path]:
    """Every table under `root`, which may be one itself: those of the folder and, as exports by Spark make them, those
    one folder deeper. In order of their names."""
    if root.is_file():
        return [root]
    found = [path for path in root.iterdir() if path.is_file() and is_table(path)]
    for folder in root.iterdir():
        if folder.is_dir() and not folder.name.startswith((".", "_")):
            found += [path for path in folder.iterdir() if path.is_file() and is_table(path)]
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


def open_header(path: Path, delimiter: str | None = None) -> SourceFile:
    """Read the header of a table.

    Raises:
        RunError: a file that cannot be read as text or Parquet, or that names a column twice.
    """
    if path.suffix.lower() == ".parquet":
        columns = _parquet_columns(path)
        mark = ""
    else:
        line = _first_line(path)
        mark = delimiter or max(DELIMITERS, key=lambda one: (line.count(one), one == ","))
        cells = next(csv.reader(io.StringIO(line), delimiter=mark), []) if line else []
        columns = tuple(cell.strip().strip('"').lower() for cell in cells)
        while columns and not columns[-1]:  # a delimiter after the last name
            columns = columns[:-1]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise RunError(f"the column {twice[0]} is there twice", where=path.name, remedy="name every column once")
    return SourceFile(path, columns, mark)


def _parquet_columns(path: Path) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(name.lower() for name in pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise RunError(f"is not a Parquet file ({type(error).__name__})", where=path.name) from None


def _first_line(path: Path) -> str:
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as source:
            line = source.readline(_LONGEST_HEADER)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise RunError("is not a whole gzip file", where=path.name, remedy="copy it again") from None
    try:
        return line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise RunError("the header is not UTF-8", where=path.name, remedy="save it as UTF-8") from None
