"""Models measured on labelled patients of a run, and the way of a model from training to its stages, by commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.pipelines.classifiers.local_validation import ValidationRequest, validate_model
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import write_jsonl
from .scored_run import ASTHMA, make_corpus, patients, train_small, write_labels

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_from_training_to_validated(tmp_path: Path, phenotext: Call) -> None:
    """The whole way, by commands: train at one site, measure at another, promote."""
    for name, first in (("here", 0), ("there", 1000)):
        (tmp_path / name).mkdir()
        write_jsonl(tmp_path / name / "notes.jsonl", patients(210, first))
        write_labels(tmp_path / name / "labels.csv", 210, first)
        run(Settings(tmp_path / name / "notes.jsonl", tmp_path / name / "out"))
    here, there, model = tmp_path / "here", tmp_path / "there", tmp_path / "registry" / "asthma"
    words = ("--phenotype", ASTHMA, "--policy", "specificity", "--target", "0.9", "--synthetic", "--kind", "tfidf")
    done = phenotext("train", "--labels", here / "labels.csv", "--run", here / "out", "--out", model, *words)
    assert done.returncode == 0, done.stderr
    assert "Demo model" not in done.stdout
    same = (
        "evaluate-model",
        model,
        here / "out",
        "--labels",
        here / "labels.csv",
        "--site",
        "North",
        "--date",
        "2026-10-01",
    )
    assert "trained on these notes" in phenotext(*same, "--out", tmp_path / "same.json").stdout
    promote = (
        "model",
        "promote",
        model,
        "--to",
        "validated",
        "--why",
        "review",
        "--approver",
        "Ada",
        "--approver",
        "Bo",
    )
    refused = phenotext(*promote, "--validation", tmp_path / "same.json")
    assert refused.returncode == 2
    assert "on the notes the model was trained on" in refused.stderr
    other = ("evaluate-model", model, there / "out", "--labels", there / "labels.csv", "--site", "South")
    assert phenotext(*other, "--out", tmp_path / "x.json").returncode == 2  # no date
    done = phenotext(*other, "--date", "2026-10-02", "--out", tmp_path / "other.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "other.json").read_text())
    assert document["n"] == 210
    assert document["sensitivity"]["low"] < document["sensitivity"]["estimate"] <= 1
    done = phenotext(*promote, "--validation", tmp_path / "other.json", "--when", "2026-10-03")
    assert done.returncode == 0, done.stderr
    assert "## Reporting checklist (TRIPOD+AI)" in phenotext("model", "card", model).stdout
    assert "asthma: validated" in phenotext("model", "list", tmp_path / "registry").stdout
    assert phenotext("model", "retire", model, "--why", "old", "--approver", "Ada").returncode == 0
    assert phenotext("score", model, there / "out").returncode == 2
    (model / "card.md").write_text("nicer")
    refused = phenotext("model", "card", model)
    assert (refused.returncode, "was changed after the model was written" in refused.stderr) == (2, True)


def test_missed_patients_without_notes_count(tmp_path: Path) -> None:
    (tmp_path / "trained").mkdir()
    model = train_small(make_corpus(tmp_path / "trained", 60), tmp_path / "model", kind="concepts")
    (tmp_path / "cohort.csv").write_text(
        "patient_id,prediction_time\n" + "".join(f"p{i},{2020 if i == 0 else 2021}-06-01\n" for i in range(30))
    )
    out = make_corpus(tmp_path, 30, cohort=tmp_path / "cohort.csv")
    document = validate_model(ValidationRequest(model, out, tmp_path / "labels.csv"))
    assert (document["n"], document["n_positive"], document["n_without_score"]) == (30, 10, 1)
    assert document["sensitivity"]["estimate"] <= 0.9
