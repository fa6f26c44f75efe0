"""Train, score and validate classifiers end to end on a small corpus."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.models.pack import open_pack
from phenotext.models.pack_files import PackError
from phenotext.models.registry import change_stage
from phenotext.models.score_rows import EvidenceOptions
from phenotext.nlp.tables import TABLES
from phenotext.pipelines.classifiers.patient_data import PatientSource
from phenotext.pipelines.classifiers.scoring import ScoreReport, ScoreRequest, score_run
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.leaks import check_leaks
from phenotext.pipelines.run import run
from phenotext.pipelines.run_folder import RunFolder
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.validate import validate_folder

from .conftest import SENTINEL, rows, write_jsonl
from .scored_run import ASTHMA, RARE, has_asthma, make_corpus, patients, train_small, write_labels

Call = Callable[..., subprocess.CompletedProcess[str]]
COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and the models tfidf and concepts trained on it."""
    place = tmp_path_factory.mktemp("classifier")
    train_small(make_corpus(place, COUNT), place / "models")
    return place


@pytest.fixture
def out(folder: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be scored."""
    shutil.copytree(folder / "out", tmp_path / "out")
    return tmp_path / "out"


def score(folder: Path, scored: Path, kind: str = "concepts", **options: Any) -> ScoreReport:
    return score_run(ScoreRequest(folder / "models" / kind, scored, **options))


def texts_of(out: Path, notes: list[dict[str, Any]]) -> dict[int, str]:
    ids = {row["source_id"]: row["id"] for row in pq.read_table(out / "private/id_map.parquet").to_pylist()}
    return {ids[note["note_id"]]: note["text"] for note in notes}


def patient_of(out: Path) -> dict[int, int]:
    """Number of each patient of the corpus by subject_id."""
    table = pq.read_table(out / "private/id_map.parquet").to_pylist()
    return {row["id"]: int(row["source_id"][1:]) for row in table if row["kind"] == "patient"}


@pytest.mark.parametrize("kind", ["tfidf", "concepts"])
def test_scores_find_the_patients_and_show_why(folder: Path, out: Path, kind: str) -> None:
    report = score(folder, out, kind)
    scores, evidence = rows(out, "score"), rows(out, "score_evidence")
    number = patient_of(out)
    assert report.status == {"ok": COUNT}
    flagged = [row for row in scores if row["flagged"]]
    right = sum(has_asthma(number[row["subject_id"]]) for row in flagged)
    assert right >= 0.8 * len(flagged)
    assert right >= 0.8 * COUNT / 3
    by_rank = sorted(scores, key=lambda row: row["rank"])
    assert [row["rank"] for row in by_rank] == list(range(1, COUNT + 1))
    assert all(a["probability"] >= b["probability"] for a, b in pairwise(by_rank))
    texts = texts_of(out, patients(COUNT))
    for row in flagged:
        found = [item for item in evidence if item["score_id"] == row["score_id"]]
        assert [item["rank"] for item in found] == list(range(1, len(found) + 1))
        if has_asthma(number[row["subject_id"]]):
            words = [texts[item["note_id"]][item["start"] : item["end"]] for item in found if item["start"] is not None]
            assert any("sthma" in passage or "wheeze" in passage for passage in words)
            assert all(passage == passage.strip() for passage in words)
            assert any(item["evidence_id"] is not None for item in found)


def test_the_run_stays_valid(folder: Path, out: Path) -> None:
    for kind in ("tfidf", "concepts"):
        score(folder, out, kind)
    report = validate_folder(out)
    assert not report.findings, [finding.rule for finding in report.findings]
    assert {"score", "score_evidence"} <= set(report.tables)
    assert all(leak.identical for leak in check_leaks(out))


def test_the_probability_is_a_feature(folder: Path, out: Path) -> None:
    before = rows(out, "feature")
    score(folder, out)
    reference = [row for row in rows(out, "covariate_ref") if row["analysis_id"] == 692]
    assert [row["feature_name"] for row in reference] == ["score_snomed_195967001_probability"]
    assert [row["analysis_id"] for row in rows(out, "analysis_ref")].count(692) == 1
    added = [row for row in rows(out, "feature") if row["covariate_id"] == reference[0]["covariate_id"]]
    scores = {row["row_id"]: row["probability"] for row in rows(out, "score")}
    assert {row["row_id"]: row["covariate_value"] for row in added} == scores
    assert [row for row in rows(out, "feature") if row not in added] == before
    files = json.loads((out / "run.json").read_text())["files"]
    assert {"score.parquet", "score_evidence.parquet"} <= set(files)


def test_scoring_again_replaces_and_gives_the_same_bytes(folder: Path, out: Path) -> None:
    assert score(folder, out).replaced == 0
    first = {path.name: path.read_bytes() for path in out.glob("*.parquet")}
    assert score(folder, out).replaced == COUNT
    assert {path.name: path.read_bytes() for path in out.glob("*.parquet")} == first
    score(folder, out, "tfidf")  # another model's rows stand beside them
    assert len(rows(out, "score")) == 2 * COUNT
    assert len([row for row in rows(out, "feature") if row["covariate_id"] % 1000 == 692]) == COUNT
    assert score(folder, out, "tfidf").replaced == COUNT
    assert len(rows(out, "score")) == 2 * COUNT


def test_another_version_takes_the_place_of_a_model(folder: Path, out: Path, tmp_path: Path) -> None:
    score(folder, out, "tfidf")
    train_small(out, tmp_path / "next", kind="tfidf", model_version="2", labels=folder / "labels.csv")
    assert score_run(ScoreRequest(tmp_path / "next", out)).replaced == COUNT
    assert {row["model_version"] for row in rows(out, "score")} == {"2"}
    (entry,) = json.loads((out / "run.json").read_text())["scores"]
    assert entry["model_version"] == "2"


def test_tables_of_their_own_leave_the_run_as_it_is(folder: Path, out: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    score(folder, out, out=tmp_path / "scores")
    now = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    assert now == before
    assert pq.read_table(tmp_path / "scores" / "score.parquet").num_rows == COUNT


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    train_small(folder / "out", tmp_path / "models")
    for path in sorted((folder / "models").rglob("*.*")):
        assert (tmp_path / "models" / path.relative_to(folder / "models")).read_bytes() == path.read_bytes(), path


def test_rare_words_are_in_no_file_of_a_model(folder: Path) -> None:
    assert sum(RARE in note["text"] for note in patients(COUNT)) == 10
    for path in (folder / "models").rglob("*.*"):
        assert RARE.encode() not in path.read_bytes(), path


COHORT = "patient_id,prediction_time\n" + "".join(
    f"p{i},{time}\n" for i in range(COUNT) for time in ("2021-02-01T00:00:00", "2021-06-01T00:00:00")
)


def _timed_run(folder: Path, notes: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "cohort.csv").write_text(COHORT)
    run(Settings(write_jsonl(folder / "notes.jsonl", notes), folder / "out", cohort=folder / "cohort.csv"))
    return folder / "out"


@pytest.mark.parametrize("kind", ["tfidf", "concepts"])
def test_a_later_note_never_changes_an_earlier_score(folder: Path, tmp_path: Path, kind: str) -> None:
    notes = patients(COUNT)
    late = [
        # known only after the first prediction time: written before it and signed later, and written later
        {"note_id": "x1", "patient_id": "p1", "note_time": "2021-01-20", "available_time": "2021-02-03",
         "text": "Patient has asthma with wheeze and an inhaler."},
        {"note_id": "x2", "patient_id": "p2", "note_time": "2021-05-20", "available_time": "2021-05-20T10:00:00",
         "text": "Patient has asthma with wheeze and an inhaler."},
        # on the day of prediction, which end_day -1 leaves out
        {"note_id": "x3", "patient_id": "p4", "note_time": "2021-02-01", "available_time": "2021-02-01",
         "text": "Patient has asthma with wheeze and an inhaler."},
    ]  # fmt: skip
    found: list[dict[tuple[int, datetime], dict[str, Any]]] = []
    for name, listed in (("plain", notes), ("late", [*notes, *late])):
        out = _timed_run(tmp_path / name, listed)
        score(folder, out, kind)
        assert not validate_folder(out).findings
        number = patient_of(out)
        found.append({(number[row["subject_id"]], row["prediction_time"]): row for row in rows(out, "score")})
    plain, later = found
    assert plain.keys() == later.keys()
    changed = {key for key in plain if plain[key]["raw_score"] != later[key]["raw_score"]}
    assert changed == {(i, datetime(2021, 6, 1)) for i in (1, 2, 4)}
    assert all(later[key]["raw_score"] > plain[key]["raw_score"] for key in changed)
    assert plain[3, datetime(2021, 2, 1)]["n_notes"] == 1
    assert plain[3, datetime(2021, 6, 1)]["n_notes"] == 2


def test_patients_without_notes_or_known_words(folder: Path, tmp_path: Path) -> None:
    notes = [*patients(3), {"note_id": "f", "patient_id": "p7", "note_time": "2021-01-05", "text": "xyzzy plugh"}]
    (tmp_path / "cohort.csv").write_text(
        "patient_id,prediction_time\n" + "".join(f"p{i},2021-06-01\n" for i in (0, 1, 2, 7)) + "p0,2020-01-01\n"
    )
    out = tmp_path / "out"
    run(Settings(write_jsonl(tmp_path / "notes.jsonl", notes), out, cohort=tmp_path / "cohort.csv"))
    assert score(folder, out, "tfidf").status == {"no_notes": 1, "ok": 3, "out_of_scope": 1}
    assert not validate_folder(out).findings
    for row in rows(out, "score"):
        if row["status"] != "ok":
            assert row["probability"] is row["raw_score"] is row["rank"] is row["flagged"] is None
    assert score(folder, out, "concepts").status == {"no_notes": 1, "ok": 4}  # nothing coded is an answer


def test_features_of_the_run_can_be_learned_from(folder: Path, out: Path, tmp_path: Path) -> None:
    score(folder, out)  # the probability must not be learned from
    train_small(out, tmp_path / "model", kind="concepts", features=True, labels=folder / "labels.csv")
    pack = open_pack(tmp_path / "model")
    assert pack.meta["settings"]["reads"] == "features"
    assert not [name for name in pack.meta["names"] if name.startswith("score_")]
    score_run(ScoreRequest(tmp_path / "model", out))
    assert not validate_folder(out).findings
    ids = {row["score_id"] for row in rows(out, "score") if row["model_sha256"] == pack.sha256 and row["flagged"]}
    found = [row for row in rows(out, "score_evidence") if row["score_id"] in ids]
    assert ids
    assert any(row["covariate_id"] is not None and row["evidence_id"] is not None for row in found)


def test_labels_with_other_times_get_features_of_their_own(folder: Path, out: Path, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels.csv", COUNT, prediction_time="2021-04-01")
    for features in (False, True):
        to = tmp_path / f"model{features}"
        train_small(out, to, kind="concepts", labels=labels, features=features)
        assert score_run(ScoreRequest(to, out)).status == {"ok": COUNT}


def test_changed_or_lost_sources_are_refused(folder: Path, tmp_path: Path) -> None:
    out = make_corpus(tmp_path, 12)
    source = tmp_path / "notes.jsonl"
    content = source.read_text()
    source.write_text(content.replace("Denies asthma", "Admits asthma"))
    with pytest.raises(RunError, match="a note has changed since the run"):
        score(folder, out)
    source.write_text("".join(content.splitlines(keepends=True)[:-2]))
    with pytest.raises(RunError, match="2 notes of the run are no longer there"):
        score(folder, out)
    source.rename(tmp_path / "moved.jsonl")
    with pytest.raises(RunError, match="the notes are no longer there"):
        score(folder, out)
    (tmp_path / "moved.jsonl").write_text(content)
    assert score(folder, out, notes=tmp_path / "moved.jsonl").status == {"ok": 12}


def test_stored_text_needs_no_source(folder: Path, tmp_path: Path) -> None:
    out = make_corpus(tmp_path, 12, keep_text=True)
    (tmp_path / "notes.jsonl").unlink()
    assert score(folder, out).status == {"ok": 12}


def test_private_runs_hold_no_words(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123456789abcdef")
    out = make_corpus(tmp_path, 12, phi="minimal", id_key=key)
    score(folder, out)
    assert not validate_folder(out, key=key.read_bytes()).findings
    for name in ("score", "score_evidence"):
        assert pq.read_schema(out / f"{name}.parquet").names == TABLES[name].names
        assert SENTINEL not in str(rows(out, name))
        strings = {field.name for field in TABLES[name] if pa.types.is_string(field.type)}
        models = {"model_name", "model_version", "model_sha256"}
        assert strings <= {"phenotype_code", "status", "run_id", "method", *models}
    assert any(row["start"] is not None for row in rows(out, "score_evidence"))
    (tmp_path / "other").write_text("fedcba9876543210fedcba9876543210")
    with pytest.raises(RunError, match="not the id key of the run"):
        score(folder, out, id_key=tmp_path / "other")


def test_patients_in_parts_give_the_same_scores(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(folder, out, "tfidf")
    whole = rows(out, "score"), rows(out, "score_evidence")
    original = PatientSource.of_run

    def in_parts(run: RunFolder, **options: Any) -> PatientSource:
        return replace(original(run, **options), part_characters=700)

    monkeypatch.setattr(PatientSource, "of_run", in_parts)
    score(folder, out, "tfidf")
    assert (rows(out, "score"), rows(out, "score_evidence")) == whole


@pytest.mark.parametrize(("top", "passages"), [(0, 1), (3, 2)])
def test_every_flagged_patient_is_explained(folder: Path, out: Path, top: int, passages: int) -> None:
    score(folder, out, options=EvidenceOptions(passages, top))
    scores = {row["score_id"]: row for row in rows(out, "score")}
    explained = {row["score_id"] for row in rows(out, "score_evidence")}
    assert explained == {number for number, row in scores.items() if row["flagged"] or row["rank"] <= top}
    assert max(row["rank"] for row in rows(out, "score_evidence")) <= passages


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "tampered": (lambda f: (f / "calibration.json").write_text("{}"), "was changed after"),
    "missing": (lambda f: (f / "model.safetensors").unlink(), "is listed in the manifest and missing"),
    "pickle": (lambda f: (f / "model.pkl").write_bytes(b"\x80\x04."), "is a pickle"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_command_refuses_a_damaged_model(
    folder: Path, out: Path, tmp_path: Path, phenotext: Call, fault: str
) -> None:
    spoil, words = FAULTS[fault]
    shutil.copytree(folder / "models" / "tfidf", tmp_path / "model")
    spoil(tmp_path / "model")
    with pytest.raises(PackError, match=words):
        score_run(ScoreRequest(tmp_path / "model", out))
    assert not (out / "score.parquet").exists()


def test_runs_that_mean_something_else_are_refused(folder: Path, tmp_path: Path) -> None:
    out = make_corpus(tmp_path, 12, end_day=0)
    with pytest.raises(PackError, match="the run counts to 0"):
        score(folder, out)


def test_a_retired_model_does_not_score(folder: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "models" / "tfidf", tmp_path / "registry" / "tfidf")
    change_stage(tmp_path / "registry" / "tfidf", "retired", why="replaced", approvers=["Ada"])
    with pytest.raises(RunError, match="the model is retired"):
        score_run(ScoreRequest(tmp_path / "registry" / "tfidf", out))


@pytest.mark.slow
def test_no_words_of_notes_are_said(
    folder: Path, out: Path, tmp_path: Path, phenotext: Call, phenotext_process: Call
) -> None:
    calls = [
        ("train", "--labels", folder / "labels.csv", "--run", out, "--out", tmp_path / "m", "--phenotype", ASTHMA),
        ("score", folder / "models" / "tfidf", out),
        ("evaluate-model", folder / "models" / "tfidf", out, "--labels", folder / "labels.csv"),
        ("model", "list", folder / "models"),
    ]
    for call in calls:
        done = (phenotext_process if call[0] == "score" else phenotext)("--debug", *call)
        assert done.returncode == 0, done.stderr
        assert SENTINEL not in done.stdout + done.stderr
        assert "wheeze" not in done.stdout + done.stderr
