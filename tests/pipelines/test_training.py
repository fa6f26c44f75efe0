"""Labels of the user, and what `phenotext train` makes of an order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phenotext.models.card import ABOUT
from phenotext.pipelines.classifiers.label_file import read_label_file
from phenotext.pipelines.classifiers.scoring import ScoreRequest, score_run
from phenotext.pipelines.classifiers.training import TrainRequest, train_models
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.run_folder import RunFolder
from phenotext.pipelines.validate import validate_folder

from .conftest import rows
from .scored_run import ASTHMA, make_corpus

COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("training")
    make_corpus(place, COUNT)
    return place


@pytest.fixture
def out(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder / "out", tmp_path / "out")
    return tmp_path / "out"


LABEL_FAULTS: dict[str, tuple[str, str]] = {
    "no patient": ("id,label\np1,1\n", "no column patient_id"),
    "no label": ("patient_id,answer\np1,1\n", "no column label or value or status"),
    "no number": ("patient_id,label\np1,maybe\n", "row 1: label is not 0 or 1"),
    "empty id": ("patient_id,label\np1,1\n,1\n", "row 2: no patient id"),
    "contradiction": ("patient_id,label\np1,1\np1,0\n", "row 2: another label than in labels.csv row 1"),
    "unknown kind": ("patient_id,label,kind\np1,1,guess\n", "row 1: unknown kind"),
    "weight": ("patient_id,label,weight\np1,1,-2\n", "row 1: weight is below 0"),
    "weight NaN": ("patient_id,label,weight\np1,1,nan\n", "row 1: weight is below 0"),
    "inclusion": (
        "patient_id,label,inclusion_probability\np1,1,0\n",
        r"row 1: inclusion_probability is not in \(0, 1\]",
    ),
    "time": ("patient_id,label,prediction_time\np1,1,soon\n", "row 1: the prediction time cannot be read"),
    "strangers": ("patient_id,label\nq1,1\nq2,0\n", "none of the 2 labelled patients is in the run"),
    "nothing": ("patient_id,label\n", "no labels"),
    "other phenotype": ("patient_id,snomed_code,status\np1,38341003,present\n", f"no label of {ASTHMA}"),
}


@pytest.mark.parametrize("fault", LABEL_FAULTS)
def test_unclear_labels_are_refused(folder: Path, tmp_path: Path, fault: str) -> None:
    content, words = LABEL_FAULTS[fault]
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(RunError, match=words):
        read_label_file(tmp_path / "labels.csv", RunFolder.open(folder / "out"), b"", ASTHMA)


def test_labels_of_several_phenotypes_and_findings(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "patient_id,snomed_code,status\n"
        "p1,195967001,family\np1,195967001,present\np2,195967001,absent\np2,38341003,present\nq9,195967001,present\n"
    )
    opened = RunFolder.open(folder / "out")
    read = read_label_file(tmp_path / "labels.csv", opened, b"", ASTHMA)
    assert (sorted(read.labels.value.tolist()), read.left_out) == ([0, 1], 1)
    rest = read_label_file(tmp_path / "labels.csv", opened, b"", ASTHMA, unlisted_are_negative=True)
    assert (len(rest.labels), int(rest.labels.value.sum())) == (COUNT, 1)
    assert np.array_equal(np.sort(rest.labels.row_id), np.arange(1, COUNT + 1))


def request(folder: Path, tmp_path: Path, **changes: Any) -> TrainRequest:
    given: dict[str, Any] = {
        "labels": folder / "labels.csv", "run": folder / "out", "phenotype": ASTHMA, "out": tmp_path / "model"
    }  # fmt: skip
    return TrainRequest(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "oracle"}, "--kind oracle is not known"),
        ({"policy": "luck"}, "--policy luck is not known"),
        ({"phenotype": "asthma"}, "is no code"),
        ({"phenotype": "SNOMED/1"}, "no such code"),
        ({"phenotype": "LOCAL/asthma"}, "is not in the run's terminology"),
    ],
)
def test_wrong_orders_are_refused(folder: Path, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RunError, match=words):
        train_models(request(folder, tmp_path, **changes))


def test_words_for_the_card(folder: Path, tmp_path: Path) -> None:
    about = tmp_path / "about.yaml"
    about.write_text("develloper: Ada\n")
    with pytest.raises(RunError, match="the card has no field develloper"):
        train_models(request(folder, tmp_path, about=about))
    about.write_text("".join(f"{name}: the {name} is told\n" for name in ABOUT))
    (trained,) = train_models(request(folder, tmp_path, about=about, kind="tfidf")).models
    assert all(f"the {name} is told" in trained.pack.card for name in ABOUT)
    assert trained.pack.demo  # 60 patients are no basis for more
    assert trained.pack.manifest["trained_on_phi"]


def test_without_a_threshold_nobody_is_flagged(folder: Path, out: Path, tmp_path: Path) -> None:
    report = train_models(request(folder, tmp_path, kind="tfidf", policy="ppv", target=0.999))
    assert "nobody is flagged" in report.models[0].remarks[0]
    scored = score_run(ScoreRequest(tmp_path / "model", out))
    assert (scored.threshold, scored.flagged) == (None, 0)
    assert {row["flagged"] for row in rows(out, "score")} == {None}
    assert not validate_folder(out).findings
    assert score_run(ScoreRequest(tmp_path / "model", out, policy="specificity")).flagged > 0
    with pytest.raises(RunError, match=r"no threshold by ppv \(no cut has a PPV"):
        score_run(ScoreRequest(tmp_path / "model", out, policy="ppv"))
