"""The one error a user of the command line is meant to see."""

from __future__ import annotations


class RunError(Exception):
    """Something the user can put right. Says what is wrong, where, and the remedy; never quotes a note.

    >>> str(RunError("no column with the patient id", where="notes.csv", remedy="name one patient_id"))
    'notes.csv: no column with the patient id; name one patient_id'
    """

    def __init__(self, problem: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.problem, self.where, self.remedy = problem, where, remedy
        super().__init__((f"{where}: " if where else "") + problem + (f"; {remedy}" if remedy else ""))
