"""The patients of results that were written, or of one definition tried on notes and on claims apart."""

from __future__ import annotations

from pathlib import Path

from ..errors import RunError
from ..run_folder import RunFolder
from .evaluate import evaluate, read_result
from .read_definition import build_definition

APART = ("note", "claims")


def run_of(results: list[Path], run: Path | None) -> RunFolder:
    """The run that the results are of: named, or the folder they lie in. Raises RunError where it is another."""
    folder = RunFolder.open(run if run is not None else results[0].resolve().parent.parent)
    for path in results:
        if read_result(path).document["run_id"] != folder.run_id:
            raise RunError(
                "this result is of another run", where=str(path), remedy="give results of one run, and --run with it"
            )
    return folder


def patients_of(results: list[Path], run: RunFolder) -> dict[str, set[int]]:
    """Subject ids by name of the result; one result alone is tried on notes and on claims apart."""
    if len(results) > 1:
        found: dict[str, set[int]] = {}
        for path in results:
            result = read_result(path)
            name = path.name if path.name not in found else f"{path.name} ({len(found) + 1})"
            found[name] = set(result.rows.column("subject_id").to_pylist())
        return found
    document = read_result(results[0]).document
    if document["only"] is not None or document["as_of_sha256"] is not None:
        raise RunError(
            "the result is of one source or of a cohort already",
            where=str(results[0]),
            remedy="give two results, or one of `phenotype run` without --only and --as-of",
        )
    names = [entry.get("file") or entry.get("ohdsi") for entry in document["definition"]["concept_sets"].values()]
    if any(isinstance(name, str) for name in names):
        raise RunError(
            "the definition reads files of its own, which the result does not hold",
            where=str(results[0]),
            remedy="run it with --only note and with --only claims, and compare these results",
        )
    definition = build_definition(document["definition"], str(results[0]), results[0])
    return {
        f"{definition.phenotype_id}.{only}": set(
            evaluate(run, definition, only=only).rows.column("subject_id").to_pylist()
        )
        for only in APART
    }


def everyone_of(run: RunFolder) -> set[int]:
    """All patients that the run knows."""
    database = run.connect()
    try:
        rows = database.execute(
            "SELECT subject_id FROM event UNION SELECT subject_id FROM note UNION SELECT subject_id FROM person "
            "UNION SELECT subject_id FROM observation_period"
        ).fetchall()
    finally:
        database.close()
    return {subject for (subject,) in rows}
