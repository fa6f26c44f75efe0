"""A run as a MEDS dataset of its own: checked by the `meds` package, then copied or linked.

The run is MEDS already. The export leaves out all that is not MEDS, above all the evidence with its pieces of text and
the private folder.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import meds
import pyarrow as pa
import pyarrow.parquet as pq

from ...nlp.tables import EVENT
from ..database import Database, quoted, value
from ..errors import RunError
from ..readers.corpus import hash_file
from ..run_folder import RunFolder
from .ledger import Ledger


@dataclass(frozen=True, slots=True)
class MedsDataset:
    """`link`: hard links in place of copies, where the file system has them."""

    link: bool = False
    form: ClassVar[str] = "meds"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Check every file of the dataset against the run's own hashes and the standard, and bring it over."""
        data = run.files("event")
        metadata = [
            run.path / name
            for name in (meds.code_metadata_filepath, meds.dataset_metadata_filepath, meds.subject_splits_filepath)
        ]
        for path in (*data, *metadata):
            name = path.relative_to(run.path).as_posix()
            _unchanged(run, path, name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _bring(path, target, self.link)
        check_meds(folder, database)
        for path in sorted(folder.rglob("*.parquet")):
            ledger.wrote(path.relative_to(folder).as_posix(), pq.read_metadata(path).num_rows)
        ledger.withhold("evidence_not_in_meds", value(database, "SELECT count(*) FROM evidence"))
        ledger.withhold("notes_not_in_meds", value(database, "SELECT count(*) FROM note"))


def _unchanged(run: RunFolder, path: Path, name: str) -> None:
    if not path.is_file():
        raise RunError("the file is gone", where=str(path), remedy="run again with --overwrite")
    wanted = run.document.get("files", {}).get(name)
    if wanted is not None and hash_file(path) != wanted:
        raise RunError("the file changed since the run wrote it", where=str(path), remedy="run again with --overwrite")


def _bring(path: Path, target: Path, link: bool) -> None:
    if link:
        try:
            os.link(path, target)
            return
        except OSError:  # another file system, or one without links
            pass
    shutil.copyfile(path, target)


def check_meds(folder: Path, database: Database) -> None:
    """Raise RunError, with the file, where `folder` is not a MEDS dataset.

    The `meds` schemas check types, row group by row group; beyond them every subject lies in one file, in order of
    time, and in the file of its split.
    """
    _valid(meds.DatasetMetadataSchema, folder / meds.dataset_metadata_filepath)
    _valid(meds.CodeMetadataSchema, folder / meds.code_metadata_filepath)
    _valid(meds.SubjectSplitSchema, folder / meds.subject_splits_filepath)
    files = sorted((folder / meds.data_subdirectory).rglob("*.parquet"))
    for path in files:
        _valid(meds.DataSchema, path)
        unordered = value(
            database,
            f"""SELECT count(*) FROM (
                SELECT subject_id, "time", lag(subject_id) OVER w AS subject_before, lag("time") OVER w AS time_before
                FROM read_parquet({quoted(path)}, file_row_number = true) WINDOW w AS (ORDER BY file_row_number))
            WHERE subject_before > subject_id
               OR (subject_before = subject_id
                   AND ("time" < time_before OR ("time" IS NULL AND time_before IS NOT NULL)))
            """,
        )
        if unordered:
            raise RunError(f"{unordered} rows out of order of subject and time", where=str(path), remedy="run again")
    if not files:
        return
    scan = f"read_parquet([{', '.join(map(quoted, files))}], filename = true, hive_partitioning = false)"
    wrong = value(
        database,
        f"SELECT count(*) FROM (SELECT DISTINCT subject_id, split_part(filename, '/', -2) AS split FROM {scan}) d "
        f"LEFT JOIN read_parquet({quoted(folder / meds.subject_splits_filepath)}) s USING (subject_id, split) "
        "WHERE s.subject_id IS NULL",
    )
    if wrong:
        raise RunError(f"{wrong} subjects lie in the file of another split", where=str(folder), remedy="run again")


def _valid(schema: Any, path: Path) -> None:
    try:
        if path.suffix == ".json":
            schema.validate(json.loads(path.read_bytes()))
            return
        with pq.ParquetFile(path) as source:
            for group in range(source.num_row_groups):
                schema.validate(source.read_row_group(group))
            if not source.num_row_groups:
                schema.validate(source.schema_arrow.empty_table())
    except RunError:
        raise
    except Exception as error:  # the errors of the package have no base of their own; a message may quote cells
        raise RunError(
            f"is not MEDS by {schema.__name__} ({type(error).__name__})", where=str(path), remedy="run again"
        ) from None


def read_meds(folder: Path) -> pa.Table:
    """All events of a MEDS export, in order of subject and event: the table that went in."""
    files = sorted((folder / meds.data_subdirectory).rglob("*.parquet"))
    table = pa.concat_tables([pq.read_table(path, schema=EVENT) for path in files]) if files else EVENT.empty_table()
    return table.sort_by([("subject_id", "ascending"), ("event_id", "ascending")])
