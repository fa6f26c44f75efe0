"""The definitions that come with the package, and how a definition is named on the command line."""

from __future__ import annotations

from pathlib import Path

from ..errors import RunError
from .definition import Definition
from .read_definition import read_definition

FOLDER = Path(__file__).parent.parent / "data" / "phenotypes"


def shipped_files() -> list[Path]:
    """Files of the shipped definitions, by name."""
    return sorted(FOLDER.glob("*.yaml"))


def open_definition(named: str | Path) -> Definition:
    """The definition in a file, or the shipped one of that id. Raises RunError if there is none."""
    path = Path(named)
    if not path.is_file() and path.parent == Path() and not path.suffix:
        shipped = FOLDER / f"{path.name}.yaml"
        if not shipped.is_file():
            known = ", ".join(file.stem for file in shipped_files())
            raise RunError("no such definition", where=str(named), remedy=f"name a .yaml file, or one of {known}")
        path = shipped
    return read_definition(path)
