"""A finished run, opened for reading: its tables as files, Arrow tables or views of a database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..nlp.starter import starter_terminology
from ..nlp.tables import TABLES
from ..nlp.terminology.artefact import ArtefactError
from ..nlp.terminology.terminology import Terminology
from .database import Database, connect, put, quoted
from .errors import RunError
from .plan import RUN, finished_run

# Where tables stand that are not `<name>.parquet` in the run's folder.
_PLACES = {
    "event": "data/*/*.parquet",
    "codes": "metadata/codes.parquet",
    "concept": "metadata/concepts.parquet",
    "subject_split": "metadata/subject_splits.parquet",
    "id_map": "private/id_map.parquet",
    "note_text": "private/text.parquet",
}
# Read by their own commands only, so that no report opens what is kept apart.
_PRIVATE = frozenset({"id_map", "note_text"})


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What `phenotext run` wrote. `document` is run.json, `settings` settings.json."""

    path: Path
    document: dict[str, Any]
    settings: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open a finished run. Raises RunError if there is none."""
        folder = Path(path)
        document = finished_run(folder) if folder.is_dir() else None
        if document is None:
            raise RunError(
                f"no finished run here (no {RUN})", where=str(folder), remedy="name the --out folder of `phenotext run`"
            )
        return cls(folder, document, json.loads((folder / "settings.json").read_bytes()))

    @property
    def run_id(self) -> str:
        """Identity of the run: everything that decides what its tables hold."""
        return self.document["run_id"]

    @property
    def phi_minimal(self) -> bool:
        """Whether the run holds no text of notes and no plain ids."""
        return self.settings.get("phi") == "minimal"

    @property
    def end_day(self) -> int:
        """Last day that features count, from the day of prediction (-1: the day before)."""
        return int(self.settings["end_day"])

    def files(self, table: str) -> list[Path]:
        """The Parquet files of a table, in order of their names; [] where the run has none."""
        return sorted(self.path.glob(_PLACES.get(table, f"{table}.parquet")))

    def table(self, name: str) -> pa.Table:
        """A whole table in memory; empty where the run has none. Columns as in `TABLES`."""
        schema = TABLES[name]
        parts = [pq.read_table(file, schema=schema) for file in self.files(name)]
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def connect(self, spill: Path | None = None) -> Database:
        """A database with a view for every table of `TABLES` but the private ones; close it after use."""
        database = connect(spill)
        for name, schema in TABLES.items():
            if name not in _PRIVATE:
                self.attach(database, name, schema)
        return database

    def attach(self, database: Database, name: str, schema: pa.Schema | None = None) -> None:
        """Add the view of one table, private ones too; an empty table where the run has none."""
        files = self.files(name)
        if not files:
            put(database, name, (schema or TABLES[name]).empty_table())
            return
        listed = ", ".join(quoted(file) for file in files)
        # a run's folder may be called split=train: its name is no column
        database.execute(
            f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"
        )

    def terminology(self) -> Terminology:
        """The terminology that the run used, its content checked. Raises RunError where it is gone or another one."""
        path = self.settings.get("terminology")
        try:
            terminology = starter_terminology() if path is None else Terminology.open(path)
        except ArtefactError as error:
            raise RunError(
                f"the run's terminology cannot be opened ({error})",
                where=str(self.path),
                remedy="bring the file back to where the run read it",
            ) from None
        if terminology.sha256 != self.document["identity"]["terminology"]["sha256"]:
            raise RunError(
                "the terminology is another one than the run used",
                where=str(path or "starter lexicon"),
                remedy="bring back the file of the run, or run again",
            )
        return terminology
