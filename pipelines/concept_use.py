"""How often a code was found in a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .database import connect, quoted
from .errors import RunError
from .plan import RUN, finished_run
from .sql import read_sql


@dataclass(frozen=True, slots=True)
class AssertionCount:
    """Mentions of a code with one assertion, and the notes they stand in."""

    assertion: str
    mentions: int
    notes: int


def concept_use(out: Path, system: str, code: str) -> list[AssertionCount]:
    """Counts by assertion, the commonest first; [] if the run did not find the code.

    Raises RunError if there is no finished run, or if it holds no evidence table.
    """
    if not out.is_dir() or finished_run(out) is None:
        raise RunError(
            f"no finished run here (no {RUN})", where=str(out), remedy="name the --out folder of `phenotext run`"
        )
    evidence = out / "evidence.parquet"
    if not evidence.is_file():
        raise RunError("the run has no evidence table", where=str(evidence), remedy="run again")
    database = connect()
    try:
        database.execute(f"CREATE VIEW evidence AS SELECT * FROM read_parquet({quoted(evidence)})")
        rows = database.execute(read_sql("concept_use"), [f"{system}/{code}"]).fetchall()
    finally:
        database.close()
    return [AssertionCount(*row) for row in rows]
