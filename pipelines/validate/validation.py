"""All checks of a folder, in one go."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..database import connect
from ..errors import RunError
from .analyses import REGISTRY_RULE, check_analyses
from .columns import check_columns
from .findings import ValidationReport
from .layout import find_layout
from .meds_dataset import check_meds, check_meds_folders
from .run_files import check_files
from .source_notes import SourceNotes
from .table_checks import TableChecks

MEMORY = "4GB"
_FOR_SOURCE = {"note", "evidence", "quarantine"}


def validate_folder(
    folder: Path, max_rows: int = 20, *, key: bytes = b"", compare_source: bool = True
) -> ValidationReport:
    """Check a run, a folder of events, or a folder of features.

    `max_rows` rows are named for each broken rule. `key` is that of `--id-key`: with it the notes of a keyed run can be
    compared with their source. Raises RunError where the folder is none of the three, run.json is damaged, or the
    key is not that of the run.
    """
    layout = find_layout(folder)
    if key and not layout.fits(key):
        told = "with another --id-key" if layout.keyed else "without --id-key"
        raise RunError(f"was made {told}", where=str(folder), remedy="give the key of the run, or none")
    report = ValidationReport(str(folder), layout.kind)
    if layout.document:
        check_files(layout, report, max_rows)
    sound = check_columns(layout, report)
    check_meds(layout, report, max_rows)
    with tempfile.TemporaryDirectory(prefix="phenotext-validate-") as spill:
        database = connect(Path(spill))
        try:
            database.execute(f"SET memory_limit = '{MEMORY}'")
            # The statistics of Parquet files leave NaN out: rows that hold one are skipped where statistics decide.
            database.execute("SET disabled_optimizers = 'statistics_propagation,filter_pushdown'")
            checks = TableChecks(database, layout, sound, report, max_rows)
            checks.attach()
            checks.check()
            if layout.document:
                checks.run_ids(layout.run_id)
            if "analysis_ref" not in sound:
                if "analysis_ref" in layout.files:
                    report.not_checked[REGISTRY_RULE] = "analysis_ref is missing or has other columns"
            elif layout.given_features:
                report.not_checked[REGISTRY_RULE] = "covariates of FeatureExtraction stand beside those of the run"
            else:
                check_analyses(database, report, max_rows)
            if layout.kind == "run":
                if {"event", "subject_split"} <= sound:
                    check_meds_folders(database, layout, report, max_rows)
                if compare_source and sound >= _FOR_SOURCE:
                    SourceNotes(database, layout, report, max_rows, key).check()
        finally:
            database.close()
    return report
