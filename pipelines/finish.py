"""From the shards to the tables of a run: written aside, then moved into place, run.json last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import meds
import pyarrow as pa

from ..nlp import tables
from ..nlp.version import VERSION
from .claims import Claims, load_claims, no_claims
from .cohort_file import read_cohort, read_splits
from .concepts import Concept, Registry, concept_table
from .database import Database, batches, connect, put, quoted, value
from .durable import PRIVATE, flush_folder, read_batches, write_json, write_table
from .errors import RunError
from .features import feature_batches, load_analyses
from .ids import Identifier
from .lookback import mark_lookback
from .plan import WORK, Plan
from .readers import BadRow
from .rollups import Rollup, rollup_table
from .settings import Settings
from .splits import default_split
from .sql import read_sql
from .worker import quarantine_table

EVENT_ORDER = 'subject_id, "time" NULLS FIRST, event_id'


@dataclass(frozen=True, slots=True)
class Finished:
    """What the tables were made from, for run.json."""

    counts: dict[str, Any]
    files: list[str]


@dataclass(slots=True)
class Finisher:
    """Makes every table of a run from its shards."""

    settings: Settings
    plan: Plan
    registry: Registry
    key: bytes
    shards: list[Path]
    step: Callable[[str], object] = lambda name: None
    rollups: Sequence[Rollup] = ()

    @property
    def out(self) -> Path:
        return self.settings.out

    @property
    def folder(self) -> Path:
        return self.out / WORK / "final"

    def finish(self) -> Finished:
        """Write all tables. Killed on the way, it is done again from the shards: nothing is half replaced."""
        for part in ("metadata", "private", "data"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.step("evidence")
        self._stitch("evidence.parquet", tables.EVIDENCE)
        self._stitch("note.parquet", tables.NOTE)
        database = connect(self.out / WORK / "spill")
        try:
            self._views(database)
            self.step("claims")
            claims = self._claims(database)
            self._write("quarantine.parquet", tables.QUARANTINE, self._quarantine(claims))
            self._ids(database, claims)
            self.step("events")
            self._events(database, claims)
            self._rollups(database)
            load_analyses(database, self.settings.end_day)
            self.step("cohort")
            cohort_counts = self._cohort(database)
            self._write_events(database)
            self.step("features")
            self._features(database)
            self._query(meds.code_metadata_filepath, tables.CODES, read_sql("codes"), database)
            counts = {**self._counts(database), "claims": claims.counts, **cohort_counts}
        finally:
            database.close()
        write_json(self.folder / meds.dataset_metadata_filepath, self._dataset())
        return Finished(counts, self._move())

    def _write(self, name: str, schema: pa.Schema, rows: Iterable[pa.RecordBatch], mode: int = 0o644) -> int:
        return write_table(self.folder / name, schema, rows, mode)

    def _query(self, name: str, schema: pa.Schema, query: str, database: Database) -> int:
        return self._write(name, schema, batches(database, query))

    def _stitch(self, name: str, schema: pa.Schema, to: str | None = None, mode: int = 0o644) -> None:
        self._write(to or name, schema, read_batches(shard / name for shard in self.shards), mode)

    def _views(self, database: Database) -> None:
        for name in ("evidence", "note"):
            database.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet({quoted(self.folder / f'{name}.parquet')})"
            )

    def _claims(self, database: Database) -> Claims:
        if self.settings.claims is None:
            return no_claims(database)
        lag, run_id = self.settings.lag, self.plan.run_id
        claims = load_claims(database, self.settings.claims, self.registry, self.key, lag, run_id)
        for name in ("person", "observation_period"):
            self._query(f"{name}.parquet", tables.TABLES[name], f"SELECT * FROM {name} ORDER BY ALL", database)
        return claims

    def _quarantine(self, claims: Claims) -> Iterable[pa.RecordBatch]:
        yield from read_batches(shard / "quarantine.parquet" for shard in self.shards)
        # claims files are named by OMOP, so their names tell nothing about a patient
        rows: list[tuple[BadRow, int | None]] = [(row, None) for row in claims.bad]
        yield from quarantine_table(rows, hide_files=False).to_batches()

    def _ids(self, database: Database, claims: Claims) -> None:
        """The private map from ids to the source's own, which also shows whether two of them collided."""
        files = [str(shard / "id_map.parquet") for shard in self.shards]
        rows = pa.table(
            {
                name: pa.array([row[place] for row in claims.ids], kind)
                for place, (name, kind) in enumerate(
                    (("kind", pa.string()), ("id", pa.int64()), ("source_id", pa.string()))
                )
            }
        )
        put(database, "claims_ids", rows)
        database.execute(
            "CREATE TABLE id_map AS SELECT DISTINCT kind, id, source_id FROM "
            "(SELECT kind, id, source_id FROM read_parquet(?) UNION ALL SELECT * FROM claims_ids)",
            [files],
        )
        clash = value(database, "SELECT kind FROM id_map GROUP BY kind, id HAVING count(*) > 1 LIMIT 1")
        if clash is not None:
            raise RunError(
                f"two {clash} ids of the source fall on one number", where=str(self.settings.notes),
                remedy="use another --id-key, which numbers them afresh",
            )  # fmt: skip
        query = "SELECT * FROM id_map ORDER BY kind, id"
        self._write("private/id_map.parquet", tables.ID_MAP, batches(database, query), PRIVATE)
        if self.settings.keep_text:
            self._stitch("text.parquet", tables.NOTE_TEXT, "private/text.parquet", PRIVATE)

    def _events(self, database: Database, claims: Claims) -> None:
        used = database.execute("SELECT DISTINCT base_concept_id FROM evidence").fetchall()
        concepts: set[Concept] = {self.registry.concept(number) for (number,) in used}
        concepts |= {rollup.concept for rollup in self.rollups}
        put(database, "concept", concept_table(claims.concepts | concepts))
        database.execute(f"CREATE TABLE event AS {read_sql('note_event')}")
        columns = ", ".join(f'"{name}"' for name in tables.EVENT.names)
        database.execute(f"INSERT INTO event ({columns}) SELECT {columns} FROM claims_event")
        facts = value(
            database,
            "SELECT count(*) FROM (SELECT DISTINCT note_id, code, assertion FROM evidence WHERE event_id IS NOT NULL)",
        )
        events = value(database, "SELECT count(*) FROM event WHERE source = 'note'")
        unique = value(database, "SELECT count(*) = count(DISTINCT (subject_id, event_id)) FROM event")
        if facts != events or not unique:
            raise RunError(
                "two events of one patient have the same id",
                where=str(self.out),
                remedy="report this: it should not happen",
            )

    def _rollups(self, database: Database) -> None:
        if self.rollups:
            table = rollup_table(self.rollups)
            put(database, "rollup", table)
            self._write("rollup.parquet", tables.ROLLUP, table.to_batches())

    def _features(self, database: Database) -> None:
        """The feature table, written part by part, and the tables that explain it."""
        feature = self.folder / "feature.parquet"
        self._write(feature.name, tables.FEATURE, feature_batches(database))
        database.execute(f"CREATE VIEW feature AS SELECT * FROM read_parquet({quoted(feature)})")
        database.execute("CREATE TABLE used_covariate AS SELECT DISTINCT covariate_id FROM feature")
        for name in ("covariate_ref", "analysis_ref"):
            self._query(f"{name}.parquet", tables.TABLES[name], read_sql(name), database)
        query = "SELECT * FROM concept ORDER BY base_concept_id"
        self._query("metadata/concepts.parquet", tables.CONCEPT, query, database)

    def _subject_of(self) -> Callable[[str], int]:
        return Identifier("patient", self.key)

    def _cohort(self, database: Database) -> dict[str, Any]:
        """Tables `split` and `cohort`."""
        if self.settings.cohort is None:
            rows = database.sql(read_sql("default_cohort")).to_arrow_table()
            n = rows.num_rows
            rows = rows.append_column("row_id", pa.array(range(1, n + 1), pa.int64()))
            for name in ("observation_start", "observation_end", "label"):
                rows = rows.append_column(name, pa.nulls(n, tables.COHORT.field(name).type))
            rows = rows.append_column("cohort_id", pa.repeat(pa.scalar(0, pa.int64()), n))
        else:
            rows = read_cohort(self.settings.cohort, self._subject_of())
        put(database, "cohort_source", rows)
        subjects = database.execute(
            "SELECT DISTINCT subject_id FROM (SELECT subject_id FROM event UNION ALL SELECT subject_id FROM note "
            "UNION ALL SELECT subject_id FROM cohort_source) ORDER BY subject_id"
        ).fetchall()
        given = read_splits(self.settings.splits, self._subject_of()) if self.settings.splits else {}
        numbers = [number for (number,) in subjects]
        split = pa.table(
            {
                "subject_id": pa.array(numbers, pa.int64()),
                "split": pa.array([given.get(number) or default_split(number) for number in numbers], pa.string()),
            }
        )
        put(database, "split", split)
        database.execute(
            "CREATE TABLE cohort AS SELECT c.*, s.split, CAST(NULL AS VARCHAR) AS lookback "
            "FROM cohort_source c JOIN split s USING (subject_id)"
        )
        lookback = mark_lookback(database, self.settings.min_lookback) if self.settings.claims is not None else {}
        self._query("cohort.parquet", tables.COHORT, "SELECT * FROM cohort ORDER BY row_id", database)
        self._write(meds.subject_splits_filepath, tables.SUBJECT_SPLIT, split.to_batches())
        unknown = value(
            database,
            "SELECT count(*) FROM cohort WHERE subject_id NOT IN "
            "(SELECT subject_id FROM note UNION ALL SELECT subject_id FROM event)",
        )
        return {
            "cohort_rows_without_data": unknown,
            "cohort_rows_by_lookback": lookback,
            "subjects_without_given_split": sum(number not in given for number in numbers) if given else 0,
        }

    def _write_events(self, database: Database) -> None:
        for (split,) in database.execute("SELECT DISTINCT split FROM split ORDER BY split").fetchall():
            part = self.folder / meds.data_subdirectory / split
            part.mkdir(parents=True, exist_ok=True)
            columns = ", ".join(f'e."{name}"' for name in tables.EVENT.names)
            query = (
                f"SELECT {columns} FROM event e JOIN split s USING (subject_id) "
                f"WHERE s.split = '{split}' ORDER BY {EVENT_ORDER}"
            )
            self._write(f"{meds.data_subdirectory}/{split}/0.parquet", tables.EVENT, batches(database, query))

    def _dataset(self) -> dict[str, Any]:
        """MEDS' description of the dataset; without its date, which would make equal runs differ."""
        core = set(meds.DataSchema.schema().names)
        return {
            "dataset_name": "phenotext",
            "dataset_version": self.plan.run_id[:16],
            "etl_name": "phenotext",
            "etl_version": VERSION,
            "meds_version": meds.__version__,
            "raw_source_id_columns": ["visit_id", "note_id", "event_id", "source_code"],
            "code_modifier_columns": [],
            "additional_value_modality_columns": [],
            "site_id_columns": [],
            "other_extension_columns": [
                name for name in tables.EVENT.names
                if name not in core and name not in ("visit_id", "note_id", "event_id", "source_code")
            ],
        }  # fmt: skip

    def _counts(self, database: Database) -> dict[str, Any]:
        def pairs(query: str) -> dict[str, int]:
            return dict(database.execute(query).fetchall())

        def number(query: str) -> int:
            return value(database, query)

        quarantine = quoted(self.folder / "quarantine.parquet")
        return {
            "notes": number("SELECT count(*) FROM note"),
            "patients": number("SELECT count(DISTINCT subject_id) FROM note"),
            "characters": number("SELECT coalesce(sum(n_characters), 0)::BIGINT FROM note"),
            "notes_default_lag": number("SELECT count(*) FROM note WHERE available_defaulted"),
            "mentions": pairs("SELECT assertion, count(*) FROM evidence GROUP BY 1 ORDER BY 1"),
            "events": pairs("SELECT source, count(*) FROM event GROUP BY 1 ORDER BY 1"),
            "cohort_rows": number("SELECT count(*) FROM cohort"),
            "features": number("SELECT count(*) FROM feature"),
            "covariates": number("SELECT count(DISTINCT covariate_id) FROM feature"),
            "patients_in_notes_and_claims": number(
                "SELECT count(DISTINCT subject_id) FROM claims_event SEMI JOIN note USING (subject_id)"
            ),
            "rollups": {
                rollup.name: {
                    "concepts": rollup.expression,
                    "base_concept_id": rollup.concept.base_concept_id,
                    "members": len(rollup.members),
                }
                for rollup in self.rollups
            },
            "quarantined": pairs(f"SELECT reason, count(*) FROM read_parquet({quarantine}) GROUP BY 1 ORDER BY 1"),
        }

    def _move(self) -> list[str]:
        """Bring the finished files into place, each by a rename."""
        names = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.*") if path.is_file())
        for name in names:
            target = self.out / name
            if target.parent != self.out:
                target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent.name == "private":
                os.chmod(target.parent, 0o700)
            os.replace(self.folder / name, target)
            flush_folder(target.parent)
        return names
