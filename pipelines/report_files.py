"""Where reports go: the name's ending says whether a person or a machine will read one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .durable import write_bytes, write_json
from .errors import RunError, refuse_same_file

ENDINGS = (".html", ".json")


def check_reports(reports: Sequence[Path], *others: Path) -> None:
    """Raise RunError before the work begins where a report could not be written, or would replace one of `others`."""
    for number, path in enumerate(reports):
        if path.suffix.lower() not in ENDINGS:
            raise RunError("no kind of report", where=str(path), remedy="end its name in .html or in .json")
        if path.is_dir():
            raise RunError("is a folder", where=str(path), remedy="give --report a file")
        refuse_same_file(path, *others)
        if path.resolve() in {other.resolve() for other in (*others, *reports[:number])}:
            raise RunError("is named twice", where=str(path), remedy="give every output a name of its own")


def write_reports(reports: Sequence[Path], html: Callable[[], str], document: Callable[[], Any]) -> None:
    """Write each report in the form that its name asks for."""
    for path in reports:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".html":
            write_bytes(path, html().encode("utf-8", "replace"))
        else:
            write_json(path, document())
