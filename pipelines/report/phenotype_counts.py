"""Patients who match a phenotype definition or whom a classifier flags, overall and by site and provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ...nlp.tables import PHENOTYPE_ROW
from ..database import put, quoted
from ..errors import RunError
from .blocks import Block, Chart, Section, Table, Text, Value
from .places import Place, place_rows
from .reading import Reading, label, share
from .small_cells import Cell, SafeGroup

DOCUMENT = "phenotype.json"
_SOURCES = {"note": "notes only", "claims": "claims only", "ehr": "EHR records only"}


@dataclass(frozen=True, slots=True)
class Result:
    """One result of `phenotext phenotype run`: its table of matches and what it says of itself."""

    matches: Path
    document: dict[str, Any]

    def name(self) -> str:
        """The definition's name, and what it was limited to."""
        name = label(self.document.get("name") or self.document.get("phenotype_id"), self.matches.parent.name)
        only = self.document.get("only")
        return f"{name} ({_SOURCES.get(only, only)})" if only else name

    def source(self) -> str:
        """Which definition it was, and whether a chart review stands behind it."""
        parts = [f"definition, version {label(self.document.get('version'))}", label(self.document.get("status"))]
        if self.of_cohort:
            parts.append("as of the cohort's times")
        return ", ".join(parts)

    @property
    def of_cohort(self) -> bool:
        """Whether it was tried on cohort rows, not on every patient."""
        return bool(self.document.get("as_of_sha256"))


@dataclass(frozen=True, slots=True)
class Found:
    """Patients of one definition or classifier, among `whole`, by site and provider."""

    name: str
    what: str
    patients: Cell
    whole: Cell
    places: list[tuple[Value, ...]]


def phenotype_results(reading: Reading, folder: Path | None) -> list[Result]:
    """Every result below `folder` (default: RUN/phenotypes), in order of their folders; makes their table.

    Raises RunError where the folder named does not exist, and for a result that is damaged or of another run.
    """
    if folder is not None and not folder.is_dir():
        raise RunError("no folder of phenotype results", where=str(folder), remedy="name one, or leave it out")
    place = folder or reading.run.path / "phenotypes"
    results = [Result(path.parent / "phenotype_row.parquet", _document(path)) for path in sorted(place.rglob(DOCUMENT))]
    schema = PHENOTYPE_ROW.append(pa.field("result", pa.int64()))
    put(reading.database, "phenotype_result", schema.empty_table())
    for number, result in enumerate(results):
        if result.document.get("run_id") != reading.run.run_id:
            raise RunError(
                "is a phenotype result of another run",
                where=str(result.matches.parent),
                remedy="run the definition on this run again, or name another folder with --phenotypes",
            )
        columns = ", ".join(PHENOTYPE_ROW.names)
        try:
            reading.database.execute(
                f"INSERT INTO phenotype_result SELECT {columns}, {number} FROM read_parquet({quoted(result.matches)})"
            )
        except duckdb.Error:
            raise RunError("cannot be read", where=str(result.matches), remedy="run the definition again") from None
    return results


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        raise RunError("is not valid JSON", where=str(path), remedy="run the definition again") from None
    if not isinstance(document, dict):
        raise RunError("is no phenotype result", where=str(path), remedy="run the definition again")
    return document


def phenotype_section(reading: Reading, people: SafeGroup, results: list[Result]) -> Section:
    """Counts, a chart, and the places of every phenotype."""
    found = [*_matching(reading, people, results), *_flagged(reading)]
    if not found:
        text = "The run has no phenotype results and no scores (phenotext phenotype run)."
        return Section("phenotypes", "Patients by phenotype", (Text(text),))
    rows: list[tuple[Value, ...]] = [
        (one.name, one.what, one.patients, one.whole, share(one.patients, one.whole)) for one in found
    ]
    blocks: list[Block] = []
    drawn = [one for one in found if one.patients.value]
    if drawn:
        cells = tuple(one.patients for one in drawn)
        names = tuple(one.name for one in drawn)
        blocks.append(Chart("Patients by phenotype", "bars", names, (("patients", cells),), "patients"))
    blocks.append(Table("Patients by phenotype", ("phenotype", "by", "patients", "of", "share"), tuple(rows)))
    note = (
        "A patient belongs to the site and the author of the last note. Sites and providers with fewer patients than "
        "the smallest cell are gathered. Numbers are those of the run's tables."
    )
    placed: list[tuple[Value, ...]] = [(one.name, *row) for one in found for row in one.places]
    columns = ("phenotype", "site", "provider", "patients")
    blocks.append(Table("Patients by site and provider", columns, tuple(placed), note))
    return Section("phenotypes", "Patients by phenotype", tuple(blocks))


def _matching(reading: Reading, people: SafeGroup, results: list[Result]) -> list[Found]:
    everyone = _everyone(reading)
    found: list[Found] = []
    for number, result in enumerate(results):
        tried, whole = everyone, people.total
        if result.of_cohort:
            tried = _number(reading, "SELECT count(DISTINCT subject_id) FROM cohort")
            whole = reading.part(tried, everyone)
        places: list[Place] = [(row[0], row[1], row[2]) for row in reading.rows("matching_places", number)]
        total, rows = place_rows(reading, places, tried - sum(place[2] for place in places))
        found.append(Found(result.name(), result.source(), total, whole, rows))
    return found


def _flagged(reading: Reading) -> list[Found]:
    everyone = _everyone(reading)
    found: list[Found] = []
    for code, model, version, scored, flagged in reading.rows("flagged"):
        places: list[Place] = [(row[0], row[1], row[2]) for row in reading.rows("flagged_places", code, model, version)]
        total, rows = place_rows(reading, places, scored - flagged)
        what = f"classifier {label(model)}, version {label(version)}"
        found.append(Found(label(code), what, total, reading.part(scored, everyone), rows))
    return found


def _everyone(reading: Reading) -> int:
    return _number(reading, "SELECT count(*) FROM report_subject")


def _number(reading: Reading, query: str) -> int:
    return int(reading.database.execute(query).fetchall()[0][0])
