"""What `phenotext features` wrote is checked by the same rules as a run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from phenotext.pipelines.feature_request import FeatureRequest, make_features
from phenotext.pipelines.validate import validate_folder

from .valid_run import make_run

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_a_folder_of_features(tmp_path: Path, phenotext: Call) -> None:
    out = tmp_path / "features"
    (tmp_path / "made").mkdir()
    make_features(FeatureRequest(make_run(tmp_path / "made"), out))
    report = validate_folder(out)
    assert (report.valid, report.kind) == (True, "features")
    assert {"cohort", "feature", "covariate_ref", "analysis_ref"} <= set(report.tables)
    assert not report.not_checked
    features = pq.read_table(out / "feature.parquet")
    spoilt = features.set_column(1, "covariate_id", pa.array([-5] * features.num_rows, pa.int64()))
    pq.write_table(spoilt, out / "feature.parquet")
    document = json.loads((out / "features.json").read_text())
    (out / "features.json").write_text(json.dumps({**document, "features_id": "0" * 64}))
    (out / "analysis_ref.parquet").unlink()
    found = {finding.rule: list(finding.rows) for finding in validate_folder(out).findings}
    assert {"run.id", "run.files", "folder.tables", "feature.key"} <= set(found)
    assert found["run.id"] == [{"file": "features.json"}]
    assert phenotext("validate", out).returncode == 1
