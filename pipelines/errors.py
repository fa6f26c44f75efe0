"""The one error a user of the command line is meant to see."""

from __future__ import annotations

from pathlib import Path


def refuse_same_file(out: Path, *inputs: Path) -> None:
    """Raise RunError where `out` is one of the inputs, by whatever name: writing it would destroy them."""
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise RunError("is also an input", where=str(out), remedy="give --out another name")


class RunError(Exception):
    """Something the user can put right. Says what is wrong, where, and the remedy; never quotes a note.

    >>> str(RunError("no column with the patient id", where="notes.csv", remedy="name one patient_id"))
    'notes.csv: no column with the patient id; name one patient_id'
    """

    def __init__(self, problem: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.problem, self.where, self.remedy = problem, where, remedy
        super().__init__((f"{where}: " if where else "") + problem + (f"; {remedy}" if remedy else ""))
