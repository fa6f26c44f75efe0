"""The example that trains on claims, on notes and on both."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts" / "example_classifiers.py"


@pytest.mark.slow
def test_the_example_runs_in_a_minute(tmp_path: Path) -> None:
    for package in ("sklearn", "scipy", "xgboost"):
        pytest.importorskip(package)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--out", str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert time.perf_counter() - began < 60
    document = json.loads((tmp_path / "results.json").read_bytes())
    assert (document["patients"], document["cases"]) == (42, 9)
    results = {(row["features"], row["classifier"]): row for row in document["results"]}
    assert len(results) == 6
    columns = {features: row["n_columns"] for (features, _), row in results.items()}
    assert columns["claims alone"] + columns["notes alone"] == columns["claims and notes"]
    for row in results.values():
        for measure in ("roc_auc", "average_precision"):
            low, high = row[f"{measure}_interval"]
            assert 0 <= low <= row[measure] <= high <= 1
        assert row["roc_auc"] > 0.6  # the disease's own codes are among the features
