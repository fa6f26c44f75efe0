"""The report of a finished run: opens its tables, asks every part for its section."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..database import connect
from ..errors import RunError
from ..run_folder import RunFolder
from ..sql import read_sql
from .agreement import agreement_section
from .blocks import Report
from .corpus import corpus_section, patients
from .coverage import coverage_section
from .feature_summary import feature_section
from .identity import data_section, identity_section
from .mentions import mention_section
from .phenotype_counts import phenotype_results, phenotype_section
from .reading import Reading
from .small_cells import MIN_CELL


def build_report(
    run: RunFolder, *, phenotypes: Path | None = None, min_cell: int = MIN_CELL, place_names: bool = False
) -> Report:
    """Everything that is told of a run: roll-ups only, small cells suppressed.

    Args:
        phenotypes: folder with results of `phenotext phenotype run` (default: the run's own).
        min_cell: smallest count that is told.
        place_names: name sites and providers as the source does, from the run's private table of ids.

    Raises RunError for a smallest cell below 1, or below 11 where the run's purpose is commercial, for results of
    another run, and for names of a run that is to hold none.
    """
    declared = run.document["declared"]
    if min_cell < 1:
        raise RunError(f"--min-cell {min_cell} is not possible", remedy="give 1 or more")
    if declared.get("purpose") == "commercial" and min_cell < MIN_CELL:
        raise RunError(
            f"--min-cell {min_cell} is refused, because the run's purpose is commercial",
            where=str(run.path),
            remedy=f"only roll-ups with cells of {MIN_CELL} or more leave such a run",
        )
    if place_names and run.phi_minimal:
        raise RunError(
            "--place-names is refused, because the run is one without plain ids (phi = minimal)",
            where=str(run.path),
            remedy="leave it out",
        )
    with tempfile.TemporaryDirectory(prefix="phenotext-report-") as spill:
        database = run.connect(Path(spill))
        try:
            for name in ("report_subject", "report_home"):
                database.execute(f"CREATE TABLE {name} AS {read_sql(name)}")
            terminology, fault = None, ""
            try:
                terminology = run.terminology()
            except RunError as error:
                fault = error.problem
            reading = Reading(run, database, min_cell, terminology, fault, _places(run) if place_names else {})
            results = phenotype_results(reading, phenotypes)
            people = patients(reading)
            sections = (
                identity_section(reading),
                data_section(reading, people),
                phenotype_section(reading, people, results),
                corpus_section(reading, people),
                mention_section(reading, _names(reading)),
                agreement_section(reading, people),
                coverage_section(reading),
                feature_section(reading),
            )
        finally:
            database.close()
    title = f"Clinical notes: report of run {run.run_id[:8]}"
    return Report(title, run.run_id, min_cell, declared.get("purpose", ""), declared.get("intended_use", ""), sections)


def _places(run: RunFolder) -> dict[tuple[str, int], str]:
    """Ids of sites and providers as the source has them; those of patients, notes and visits are not read."""
    database = connect()
    try:
        run.attach(database, "id_map")
        found = database.execute("SELECT kind, id, source_id FROM id_map WHERE kind IN ('site', 'provider')").fetchall()
    finally:
        database.close()
    return {(kind, number): name for kind, number, name in found}


def _names(reading: Reading) -> dict[str, str]:
    """Names of the concepts by code."""
    found = reading.database.execute("SELECT code, description FROM codes WHERE assertion = 'present'").fetchall()
    names = {code: name for code, name in found if name}
    if reading.terminology is not None:
        # a concept that is only ever denied has no code of its own in the run's tables
        terminology = reading.terminology
        for code, name in reading.database.execute(
            "SELECT DISTINCT e.code, '' FROM evidence e LEFT JOIN codes c ON c.code = e.code WHERE c.code IS NULL"
        ).fetchall():
            system, _, bare = code.partition("/")
            place = terminology.find(bare, system)
            names[code] = terminology.preferred[place] if place >= 0 else name or code
    return names
