"""The books of an export: what was written, what was withheld and why; and the folder that appears when it is whole."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...nlp.version import VERSION
from ..durable import folder_replaced, write_json
from ..errors import RunError
from ..readers.corpus import hash_file
from ..run_folder import RunFolder

EXPORT = "export.json"
SPILL = ".spill"


@dataclass(slots=True)
class Ledger:
    """Counts of one export. Every row of the source that is not written is counted under a reason."""

    rows: dict[str, int] = field(default_factory=dict)
    withheld: Counter[str] = field(default_factory=Counter)
    remarks: dict[str, Any] = field(default_factory=dict)

    def wrote(self, name: str, rows: int) -> None:
        """`rows` rows stand in the file `name` of the export."""
        self.rows[name] = self.rows.get(name, 0) + rows

    def withhold(self, reason: str, count: int) -> None:
        """`count` rows or values were left out for `reason`; a count of 0 leaves no trace."""
        if count:
            self.withheld[reason] += count

    def document(self, run: RunFolder, form: str, options: dict[str, Any], folder: Path) -> dict[str, Any]:
        """What export.json says. It holds no time, host or path: equal runs and options give equal bytes."""
        files = sorted(path for path in folder.rglob("*") if path.is_file() and SPILL not in path.parts)
        return {
            "format": form,
            "run_id": run.run_id,
            "phenotext_version": VERSION,
            "options": options,
            "declared": run.document.get("declared", {}),
            "files": {
                name: {"sha256": hash_file(path)} | ({"rows": self.rows[name]} if name in self.rows else {})
                for path in files
                for name in [path.relative_to(folder).as_posix()]
            },
            "withheld": dict(sorted(self.withheld.items())),
            **dict(sorted(self.remarks.items())),
        }


@contextmanager
def export_folder(out: Path, run: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to fill aside; it takes the place of `out` when whole, and is gone after an error.

    Raises RunError where `out` holds something else than an export, or an export that is not to be overwritten.
    """
    if out.exists() and not out.is_dir():
        raise RunError("is a file", where=str(out), remedy="give --out a folder")
    if out.is_dir() and any(out.iterdir()):
        if not (out / EXPORT).is_file():
            raise RunError("the folder is not empty and holds no export", where=str(out), remedy="give --out a new one")
        if not overwrite:
            raise RunError("holds an export already", where=str(out), remedy="add --overwrite, or give a new --out")
    if run.resolve() in (out.resolve(), *out.resolve().parents) or out.resolve() in run.resolve().parents:
        raise RunError("lies inside the run, or the run inside it", where=str(out), remedy="give --out a folder apart")
    with folder_replaced(out) as aside:
        yield aside
        shutil.rmtree(aside / SPILL, ignore_errors=True)


def write_ledger(folder: Path, document: dict[str, Any]) -> None:
    """Write export.json."""
    write_json(folder / EXPORT, document)
