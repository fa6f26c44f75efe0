"""The folder as a MEDS dataset, by the `meds` package's own schemas, and by what MEDS says in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import meds
import pyarrow as pa
import pyarrow.parquet as pq
from flexible_schema import SchemaValidationError, TableValidationError

from ..database import Database, quoted
from .findings import ValidationReport
from .layout import Layout

MEDS_RULES = {
    "meds.data": "the event files are valid by meds.DataSchema",
    "meds.codes": "codes is valid by meds.CodeMetadataSchema",
    "meds.subject_splits": "subject_split is valid by meds.SubjectSplitSchema",
    "meds.dataset": "metadata/dataset.json is valid by meds.DatasetMetadataSchema and names columns of event",
    "meds.one_file": "a patient's events stand in one file",
    "meds.split_folder": "a patient's events stand in the folder of the patient's split",
}
_BATCH = 122_880
_COLUMN_LISTS = (
    "raw_source_id_columns", "code_modifier_columns", "additional_value_modality_columns", "site_id_columns",
    "other_extension_columns",
)  # fmt: skip


def check_meds(layout: Layout, report: ValidationReport, max_rows: int) -> None:
    """What `meds` itself says of the files. Rows of these findings are files."""

    def enter(rule: str, wrong: list[str]) -> None:
        report.checked(rule, "", MEDS_RULES[rule], len(wrong), [{"file": name} for name in wrong[:max_rows]])

    if "event" in layout.files:
        enter("meds.data", _invalid(layout, "event", meds.DataSchema.validate))
    if layout.files.get("codes"):
        enter("meds.codes", _invalid(layout, "codes", meds.CodeMetadataSchema.validate))
    if layout.kind == "run":
        enter("meds.subject_splits", _invalid(layout, "subject_split", meds.SubjectSplitSchema.validate))
        enter("meds.dataset", [] if _dataset_is_valid(layout.root) else [meds.dataset_metadata_filepath])


def check_meds_folders(database: Database, layout: Layout, report: ValidationReport, max_rows: int) -> None:
    """What MEDS says of the placement of patients. Needs the view `subject_split`; the events of a run."""
    files = layout.files["event"]
    if not files:
        return
    listed = ", ".join(quoted(path) for path in files)
    database.execute(
        "CREATE OR REPLACE TEMP TABLE subject_file AS SELECT DISTINCT subject_id, filename, "
        f"split_part(filename, '/', -2) AS folder FROM read_parquet([{listed}], filename = true, "
        "hive_partitioning = false)"
    )
    sources = {
        "meds.one_file": "FROM subject_file GROUP BY subject_id HAVING count(*) > 1",
        "meds.split_folder": "FROM subject_file JOIN subject_split USING (subject_id) WHERE folder <> split "
        "GROUP BY subject_id",
    }
    for rule, source in sources.items():
        found = database.execute(f"SELECT subject_id {source} ORDER BY subject_id").fetchall()
        rows = [{"subject_id": number} for (number,) in found[:max_rows]]
        report.checked(rule, "event", MEDS_RULES[rule], len(found), rows)


def _invalid(layout: Layout, table: str, validate: Callable[[pa.Table], Any]) -> list[str]:
    return [layout.name(path) for path in layout.files[table] if not _file_is_valid(path, validate)]


def _file_is_valid(path: Path, validate: Callable[[pa.Table], Any]) -> bool:
    try:
        with pq.ParquetFile(path) as source:
            validate(source.schema_arrow.empty_table())
            for batch in source.iter_batches(batch_size=_BATCH):
                validate(pa.Table.from_batches([batch]))
    except (SchemaValidationError, TableValidationError, pa.ArrowException, OSError):
        return False
    return True


def _dataset_is_valid(root: Path) -> bool:
    try:
        document = json.loads((root / meds.dataset_metadata_filepath).read_bytes())
        meds.DatasetMetadataSchema.validate(document)
        names = set(_event_columns(root))
        return all(names.issuperset(document.get(kind) or ()) for kind in _COLUMN_LISTS)
    except (SchemaValidationError, ValueError, OSError, TypeError, AttributeError):
        return False


def _event_columns(root: Path) -> list[str]:
    for path in sorted((root / meds.data_subdirectory).rglob("*.parquet")):
        return pq.read_schema(path).names
    from ...nlp.tables import EVENT

    return EVENT.names
