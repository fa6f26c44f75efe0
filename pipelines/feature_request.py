"""Features for any cohort from a finished run, with claims events and FeatureExtraction's covariates joined to them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..nlp import tables
from ..nlp.version import VERSION
from .analysis_choice import AnalysisChoice
from .cohort_file import read_cohort
from .concepts import Registry
from .database import Database, batches, connect, put, quoted, value
from .durable import folder_replaced, write_json, write_table
from .errors import RunError
from .fe_reader import read_fe_covariates
from .feature_claims import open_events
from .features import feature_batches, load_analyses
from .given_features import GivenFeatures, enter_given, no_given
from .ids import LONGEST_KEPT, Identifier, key_fingerprint, read_key
from .joined_events import add_concepts, join_events, name_missing_concepts
from .leaks import LeakCheck, leak_checks
from .lookback import mark_lookback
from .readers.corpus import hash_file
from .registry import REGISTRY_FILE
from .rollups import read_rollups, rollup_table
from .run_folder import RunFolder
from .splits import default_split
from .sql import read_sql
from .wide_table import write_wide

DOCUMENT = "features.json"


@dataclass(frozen=True, slots=True)
class FeatureRequest:
    """What `phenotext features` is asked for. `end_day` None: that of the run; `cohort` None: that of the run."""

    run: Path
    out: Path
    cohort: Path | None = None
    claims: Path | None = None
    fe: Path | None = None
    rollup: Path | None = None
    analyses: AnalysisChoice | None = None
    end_day: int | None = None
    min_lookback: int = 365
    exclude_short: bool = False
    id_key: Path | None = None
    check_leaks: bool = False
    wide: bool = False
    overwrite: bool = False
    memory: str | None = None


@dataclass(frozen=True, slots=True)
class FeatureResult:
    """Where the tables are, what features.json says of them, and the outcome of the leak tests."""

    out: Path
    document: dict[str, Any]
    leaks: list[LeakCheck]


def make_features(request: FeatureRequest) -> FeatureResult:
    """Compute what is asked for; what OUT held stands until all is done.

    Raises RunError for what the user can put right.
    """
    run = RunFolder.open(request.run)
    if request.min_lookback < 0:
        raise RunError(f"--min-lookback {request.min_lookback} is not possible", remedy="give 0 days or more")
    _check_out(request)
    with folder_replaced(request.out) as aside:
        document, leaks = _Work(request, run, aside).go()
        shutil.rmtree(aside / "work")
    return FeatureResult(request.out, document, leaks)


def _check_out(request: FeatureRequest) -> None:
    out, run = request.out.resolve(), request.run.resolve()
    if out == run or run in out.parents or out in run.parents:
        raise RunError("the run's own folder", where=str(request.out), remedy="give --out a folder elsewhere")
    if not request.out.exists():
        return
    if not request.out.is_dir():
        raise RunError("is a file", where=str(request.out), remedy="give --out a folder")
    if not any(request.out.iterdir()):
        return
    if not (request.out / DOCUMENT).is_file():
        raise RunError("the folder is not empty", where=str(request.out), remedy="give --out a new folder")
    if not request.overwrite:
        raise RunError("the folder holds features", where=str(request.out), remedy="give another --out or --overwrite")


@dataclass(slots=True)
class _Work:
    request: FeatureRequest
    run: RunFolder
    folder: Path

    def go(self) -> tuple[dict[str, Any], list[LeakCheck]]:
        request = self.request
        end_day = self.run.end_day if request.end_day is None else request.end_day
        key_file, key = self._key()
        events = open_events(request.claims, self.run, key_file, key, self.folder / "work" / "events")
        database = _connect(self.folder / "work" / "spill", request.memory)
        try:
            joined = join_events(database, self.run, events)
            rollups = self._rollups(database)
            given = read_fe_covariates(request.fe, end_day) if request.fe is not None else no_given()
            choice = request.analyses or AnalysisChoice()
            load_analyses(database, end_day, AnalysisChoice(choice.ranges, given.analysis_ids))
            counts = self._cohort(database, key, structured=any(source != "note" for source in joined.events))
            counts |= enter_given(database, given, end_day)
            self._write("feature", feature_batches(database))
            database.execute(f"CREATE VIEW feature AS SELECT * FROM read_parquet({quoted(self._file('feature'))})")
            self._references(database, given)
            self._write("cohort", batches(database, "SELECT * FROM cohort ORDER BY row_id"))
            if rollups:
                self._write("rollup", batches(database, "SELECT * FROM rollup ORDER BY ALL"))
            if request.wide:
                counts["wide_columns"] = write_wide(database, self.folder / "wide.parquet")
            counts |= {
                "events": joined.events,
                "events_both_in_run_and_claims": joined.events_twice,
                "patients_in_run_and_claims": joined.subjects_in_both,
                "features": value(database, "SELECT count(*) FROM feature"),
                "covariates": value(database, "SELECT count(*) FROM used_covariate"),
                "rollups": dict(rollups),
            }
            document = self._document(end_day, events, counts)
            leaks = self._leaks(database) if request.check_leaks else []
        finally:
            database.close()
        document["leak_tests"] = [
            {"test": leak.name, "cohort": leak.cohort, "later_rows": leak.later_rows, "identical": leak.identical}
            for leak in leaks
        ]
        write_json(self.folder / DOCUMENT, document)
        return document, leaks

    def _file(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def _write(self, table: str, rows: Any) -> None:
        write_table(self._file(table), tables.TABLES[table], rows)

    def _key(self) -> tuple[Path | None, bytes]:
        """The key of the run's ids and its file. Raises RunError where it is needed and not at hand."""
        wanted = self.run.document["identity"].get("id_key")
        if wanted is None:
            if self.request.id_key is not None:
                raise RunError("the run's ids are not keyed", where=str(self.run.path), remedy="leave out --id-key")
            return None, b""
        path = self.request.id_key or Path(self.run.settings["id_key"])
        if not path.is_file():
            if self.request.cohort is None and self.request.claims is None:
                return None, b""
            raise RunError("the id key of the run is not here", where=str(path), remedy="give it as --id-key FILE")
        key = read_key(path)
        if key_fingerprint(key) != wanted:
            raise RunError(
                "this is not the id key of the run", where=str(path), remedy="give the one the run was made with"
            )
        return path, key

    def _rollups(self, database: Database) -> list[tuple[str, str]]:
        """Name and expression of each roll-up; those of the run where none are asked for."""
        if self.request.rollup is None:
            listed: dict[str, Any] = self.run.document["counts"].get("rollups") or {}
            return [(name, found["concepts"]) for name, found in listed.items()]
        rollups = read_rollups(self.request.rollup, Registry(self.run.terminology()))
        if self.run.files("rollup"):
            database.execute("DROP VIEW rollup")
        put(database, "rollup", rollup_table(rollups))
        add_concepts(database, [rollup.concept for rollup in rollups])
        return [(rollup.name, rollup.expression) for rollup in rollups]

    def _cohort(self, database: Database, key: bytes, *, structured: bool) -> dict[str, Any]:
        """Table `cohort`, marked with its look-back."""
        rows = (
            self.run.table("cohort")
            if self.request.cohort is None
            else read_cohort(self.request.cohort, _numbering(database, key))
        )
        splits = self.run.table("subject_split")
        known = dict(zip(splits.column("subject_id").to_pylist(), splits.column("split").to_pylist(), strict=True))
        subjects = rows.column("subject_id").to_pylist()
        parts = [known.get(subject) or default_split(subject) for subject in subjects]
        rows = rows.select([field.name for field in tables.COHORT if field.name not in ("split", "lookback")])
        rows = rows.append_column("split", pa.array(parts, pa.string()))
        put(database, "cohort", rows.append_column("lookback", pa.nulls(rows.num_rows, pa.string())))
        counts: dict[str, Any] = {"cohort_rows_asked": rows.num_rows}
        counts["cohort_rows_by_lookback"] = mark_lookback(database, self.request.min_lookback) if structured else {}
        if self.request.exclude_short:
            if not structured:
                raise RunError("--exclude-short needs claims or EHR events", remedy="give --claims, or leave it out")
            database.execute("DELETE FROM cohort WHERE lookback <> 'enough'")
        counts["cohort_rows"] = value(database, "SELECT count(*) FROM cohort")
        counts["cohort_rows_without_data"] = value(
            database,
            "SELECT count(*) FROM cohort WHERE subject_id NOT IN "
            "(SELECT subject_id FROM note UNION ALL SELECT subject_id FROM event)",
        )
        return counts

    def _references(self, database: Database, given: GivenFeatures) -> None:
        """covariate_ref and analysis_ref: of what was computed, and of what was given."""
        database.execute("CREATE TABLE used_covariate AS SELECT DISTINCT covariate_id FROM feature")
        name_missing_concepts(database, self.run)
        for name, rows in (("covariate_ref", given.covariate_ref), ("analysis_ref", given.analysis_ref)):
            put(database, f"given_{name}", rows)
            of_used = " SEMI JOIN used_covariate USING (covariate_id)" if name == "covariate_ref" else ""
            database.execute(
                f"CREATE TABLE {name} AS SELECT * FROM ({read_sql(name)}) UNION ALL SELECT * FROM given_{name}{of_used}"
            )
            key = tables.primary_key(tables.TABLES[name])[0]
            self._write(name, batches(database, f"SELECT * FROM {name} ORDER BY {key}"))

    def _leaks(self, database: Database) -> list[LeakCheck]:
        # what was given cannot be computed again: its end_day was checked, and no more is known of it
        database.execute("DELETE FROM given_feature")
        return leak_checks(database, "the cohort")

    def _document(self, end_day: int, events: Path | None, counts: dict[str, Any]) -> dict[str, Any]:
        request = self.request
        identity = {
            "run_id": self.run.run_id,
            "package_version": VERSION,
            "schema_version": tables.SCHEMA_VERSION,
            "analysis_registry": hash_file(REGISTRY_FILE),
            "cohort": hash_file(request.cohort) if request.cohort else None,
            "claims": {
                name: hash_file(events / f"{name}.parquet") for name in ("event", "person", "observation_period")
            }
            if events
            else None,
            "fe": {path.name: hash_file(path) for path in sorted(request.fe.iterdir()) if path.is_file()}
            if request.fe
            else None,
            "rollup": hash_file(request.rollup) if request.rollup else None,
            "analyses": [list(pair) for pair in request.analyses.ranges] if request.analyses else None,
            "end_day": end_day,
            "min_lookback": request.min_lookback,
            "exclude_short": request.exclude_short,
        }
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        files = {path.name: hash_file(path) for path in sorted(self.folder.glob("*.parquet"))}
        return {"features_id": digest, "identity": identity, "counts": counts, "files": files}


def _numbering(database: Database, key: bytes) -> Callable[[str], int]:
    """How a cohort file names patients: as the source does, or by the subject_id that a table of the run has."""
    subjects = database.execute(
        "SELECT DISTINCT subject_id FROM (SELECT subject_id FROM note UNION ALL SELECT subject_id FROM event) "
        "ORDER BY subject_id"
    ).fetchnumpy()["subject_id"]
    identify = Identifier("patient", key)

    def number(source_id: str) -> int:
        # ids of up to 18 digits are kept as they are, so only longer ones can be numbers that the run has given
        if len(source_id) > LONGEST_KEPT and source_id.isascii() and source_id.isdigit() and int(source_id) < 2**63:
            place = int(np.searchsorted(subjects, int(source_id)))
            if place < len(subjects) and subjects[place] == int(source_id):
                return int(source_id)
        return identify(source_id)

    return number


def _connect(spill: Path, memory: str | None) -> Database:
    database = connect(spill)
    if memory is not None:
        if not re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B", memory.strip(), re.IGNORECASE):
            raise RunError(f"--memory cannot read {memory!r}", remedy="write it like --memory 8GB")
        database.execute(f"SET memory_limit = '{memory.strip()}'")
    return database
