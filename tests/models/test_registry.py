"""Stages of models: no step without what it needs, and a log that shows when it was touched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phenotext.models.pack import ModelPack, open_pack
from phenotext.models.pack_files import PackError
from phenotext.models.registry import change_stage, list_models, stage_of
from phenotext.models.stage_log import LOG, read_log

from .small_model import write_small

TWO = ["Ada Novak", "Bo Lind"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("written") / "gout").path


@pytest.fixture
def model(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "registry" / "gout")
    return tmp_path / "registry" / "gout"


def validation(pack: ModelPack, **changes: Any) -> dict[str, Any]:
    return {
        "model_sha256": pack.sha256,
        "same_data_as_training": False,
        "n": 300,
        "site": "North clinic",
        "date": "2026-10-01",
        "ppv": {"estimate": 0.8, "low": 0.7, "high": 0.88},
        "sensitivity": {"estimate": 0.6, "low": 0.5, "high": 0.7},
    } | changes


def promote(model: Path, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"why": "local review", "approvers": TWO, "validation": validation(open_pack(model))}
    return change_stage(model, "validated", **(given | changes))


def test_the_way_of_a_model(model: Path) -> None:
    assert stage_of(open_pack(model)) == "candidate"
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    entry = promote(model, when="2026-10-05")
    assert (entry["from"], entry["to"], entry["approvers"], entry["when"]) == (
        "candidate",
        "validated",
        TWO,
        "2026-10-05",
    )
    assert entry["validation"]["ppv"] == {"estimate": 0.8, "low": 0.7, "high": 0.88}
    change_stage(model, "deployed", why="pilot", approvers=TWO[:1])
    assert stage_of(open_pack(model)) == "deployed"
    change_stage(model, "retired", why="replaced", approvers=TWO[:1])
    assert [item["to"] for item in read_log(model.parent)] == ["validated", "deployed", "retired"]
    assert read_log(model.parent)[1]["when"] is None  # nothing is dated by itself
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before  # no byte of the model changes


@pytest.mark.parametrize(
    ("to", "words"),
    [("deployed", "a candidate model cannot become deployed"), ("candidate", "cannot become candidate"),
     ("famous", "there is no stage 'famous'")],
)  # fmt: skip
def test_no_step_is_skipped(model: Path, to: str, words: str) -> None:
    with pytest.raises(PackError, match=words):
        change_stage(model, to, why="x", approvers=TWO)
    assert not read_log(model.parent)


def test_nothing_comes_back_from_retirement(model: Path) -> None:
    change_stage(model, "retired", why="never good", approvers=TWO[:1])
    with pytest.raises(PackError, match="a retired model cannot become validated"):
        promote(model)


@pytest.mark.parametrize(
    ("approvers", "count"), [([], 0), (["Ada Novak"], 1), (["Ada Novak", " ada  NOVAK "], 1), (["Ada Novak", "  "], 1)]
)
def test_two_different_people_approve(model: Path, approvers: list[str], count: int) -> None:
    with pytest.raises(PackError, match=f"needs 2 different approvers, {count} given"):
        promote(model, approvers=approvers)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_sha256": "0" * 64}, "is of another model"),
        ({"same_data_as_training": True}, "was made on the notes the model was trained on"),
        ({"same_data_as_training": None}, "was made on the notes"),
        ({"n": 0}, "has no number of patients"),
        ({"n": True}, "has no number of patients"),
        ({"site": " "}, "has no site"),
        ({"date": None}, "has no date"),
        ({"ppv": None}, "has no ppv with its interval"),
        ({"ppv": {"estimate": 0.8}}, "has no ppv with its interval"),
        ({"sensitivity": {"estimate": 0.8, "low": 0.9, "high": 1.0}}, "has no sensitivity with its interval"),
        ({"sensitivity": {"estimate": 0.8, "low": 0.7, "high": 1.2}}, "has no sensitivity with its interval"),
    ],
)
def test_a_local_validation_is_whole(model: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PackError, match=words):
        promote(model, validation=validation(open_pack(model), **changes))


def test_validation_and_reason_are_needed(model: Path) -> None:
    with pytest.raises(PackError, match="no local validation"):
        promote(model, validation=None)
    with pytest.raises(PackError, match="no reason"):
        promote(model, why=" ")


def test_a_demo_model_is_never_promoted(tmp_path: Path) -> None:
    model = write_small(tmp_path / "demo", demo=True, demo_reason="42 synthetic patients").path
    with pytest.raises(PackError, match=r"is a demo model and cannot be promoted \(42 synthetic patients\)"):
        promote(model)
    change_stage(model, "retired", why="done", approvers=TWO[:1])


def test_a_changed_model_loses_its_stage(model: Path) -> None:
    promote(model)
    shutil.rmtree(model)
    write_small(model, version="2")
    with pytest.raises(PackError, match="is not the model that was validated"):
        stage_of(open_pack(model))
    (listed,) = list_models(model.parent)
    assert listed.stage == "unusable"
    assert listed.fault is not None


def test_a_copy_of_a_retired_model_is_retired(model: Path) -> None:
    change_stage(model, "retired", why="bad", approvers=TWO[:1])
    shutil.copytree(model, model.parent / "again")
    assert stage_of(open_pack(model.parent / "again")) == "retired"


def test_models_are_listed_with_their_faults(model: Path) -> None:
    shutil.copytree(model, model.parent / "broken")
    (model.parent / "broken" / "card.md").write_text("nicer")
    (model.parent / "no model").mkdir()
    broken, good = list_models(model.parent)
    assert (broken.folder, broken.stage) == ("broken", "unusable")
    assert (good.folder, good.stage, good.kind, good.fault) == ("gout", "candidate", "tfidf", None)


def lines_of(registry: Path) -> list[str]:
    return (registry / LOG).read_text().splitlines(keepends=True)


@pytest.fixture
def log(model: Path) -> Path:
    promote(model)
    change_stage(model, "deployed", why="pilot", approvers=TWO[:1])
    change_stage(model, "retired", why="replaced", approvers=TWO[:1])
    return model.parent


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_changed_line_is_seen(log: Path, number: int) -> None:
    lines = lines_of(log)
    entry = json.loads(lines[number])
    entry["why"] = "something nicer"
    lines[number] = json.dumps(entry) + "\n"
    (log / LOG).write_text("".join(lines))
    with pytest.raises(PackError, match=f"line {number + 1} does not fit the chain"):
        read_log(log)


@pytest.mark.parametrize("number", [0, 1])
def test_a_removed_line_is_seen(log: Path, number: int) -> None:
    lines = lines_of(log)
    del lines[number]
    (log / LOG).write_text("".join(lines))
    with pytest.raises(PackError, match="does not fit the chain"):
        read_log(log)


def test_exchanged_and_broken_lines_are_seen(log: Path) -> None:
    lines = lines_of(log)
    (log / LOG).write_text("".join([lines[1], lines[0], lines[2]]))
    with pytest.raises(PackError, match="line 1 does not fit"):
        read_log(log)
    (log / LOG).write_text("".join(lines)[:-5])
    with pytest.raises(PackError, match="cut short"):
        read_log(log)
    (log / LOG).write_text(lines[0] + "no json\n")
    with pytest.raises(PackError, match="line 2 is damaged"):
        read_log(log)


WRITER = """
import sys
from pathlib import Path
from phenotext.models.stage_log import append, locked
registry = Path(sys.argv[1])
for _ in range(10):
    with locked(registry):
        append(registry, {"folder": sys.argv[2], "model_sha256": "0", "to": "x"})
"""


def test_two_writers_do_not_break_the_chain(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    entries = read_log(tmp_path)
    assert [entry["number"] for entry in entries] == list(range(1, 21))
    assert {entry["folder"] for entry in entries} == {"a", "b"}
