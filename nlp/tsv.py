"""Reading the package's own tables: UTF-8, tab separated, no quoting, `#` comments, a header line."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path


def read_tsv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row by column name). Raises ValueError with file and line on a wrong number of cells."""
    header: list[str] | None = None
    with open(path, encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            cells = line.split("\t")
            if header is None:
                header = cells
                continue
            if len(cells) != len(header):
                raise ValueError(
                    f"{path}:{number}: {len(cells)} cells where the header has {len(header)}; check the tabs"
                )
            yield number, dict(zip(header, cells))


def data_file(name: str) -> Path:
    """Path of a table shipped in `nlp/data`."""
    return Path(str(files(f"{__package__}.data").joinpath(name)))
