"""The MEDS export: lossless, and valid by the `meds` package."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import meds
import pyarrow.parquet as pq
import pytest

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.meds_dataset import MedsDataset, read_meds
from phenotext.pipelines.run_folder import RunFolder


@pytest.mark.parametrize("link", [False, True])
def test_it_is_lossless_and_valid(export_source: Path, tmp_path: Path, link: bool) -> None:
    export_run(export_source, tmp_path / "a", MedsDataset(link))
    events = (
        RunFolder.open(export_source).table("event").sort_by([("subject_id", "ascending"), ("event_id", "ascending")])
    )
    assert events.num_rows > 8
    assert read_meds(tmp_path / "a").equals(events)
    for path in (tmp_path / "a" / "data").rglob("*.parquet"):
        meds.DataSchema.validate(pq.read_table(path))
    meds.CodeMetadataSchema.validate(pq.read_table(tmp_path / "a" / meds.code_metadata_filepath))
    meds.SubjectSplitSchema.validate(pq.read_table(tmp_path / "a" / meds.subject_splits_filepath))
    meds.DatasetMetadataSchema.validate(json.loads((tmp_path / "a" / meds.dataset_metadata_filepath).read_bytes()))
    assert not (tmp_path / "a" / "private").exists()
    assert not (tmp_path / "a" / "evidence.parquet").exists()


def test_a_changed_file_is_refused(export_source: Path, tmp_path: Path) -> None:
    shutil.copytree(export_source, tmp_path / "run")
    path = next((tmp_path / "run" / "data").rglob("*.parquet"))
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    with pytest.raises(RunError, match="changed since"):
        export_run(tmp_path / "run", tmp_path / "a", MedsDataset())


@pytest.mark.parametrize("fault", ["order", "type", "split"])
def test_what_is_not_meds_is_refused(export_source: Path, tmp_path: Path, fault: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(export_source, run)
    path = max((run / "data").rglob("*.parquet"), key=lambda path: pq.read_table(path).num_rows)
    table = pq.read_table(path)
    if fault == "order":
        table = table.sort_by([("subject_id", "descending")])
    elif fault == "type":
        table = table.drop_columns(["time"])
    target = path
    if fault == "split":
        target = run / "data" / "elsewhere" / "0.parquet"
        target.parent.mkdir()
        path.unlink()
    pq.write_table(table, target)
    document = json.loads((run / "run.json").read_bytes())
    document["files"] = {}  # as if the run itself had written them so
    (run / "run.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match=r"order|MEDS|split|version"):
        export_run(run, tmp_path / "a", MedsDataset())
