"""The leak tests pass on what the pipeline writes, and fail where features do know the future."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.pipelines import features, sql
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.leaks import check_leaks
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import many_notes, write_jsonl


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaks")
    cohort = folder / "cohort.csv"
    lines = [f"p{i % 40},20{12 + i % 5}-06-01" for i in range(80)]
    cohort.write_text("patient_id,prediction_time\n" + "\n".join(lines) + "\n")
    return run(Settings(write_jsonl(folder / "n.jsonl", many_notes(400)), folder / "out", cohort=cohort)).out


def test_no_leaks(out: Path) -> None:
    checks = check_leaks(out)
    assert [(check.name, check.cohort) for check in checks] == [
        ("deletion", "the run's cohort"), ("shuffling", "the run's cohort"),
        ("deletion", "mid-history"), ("shuffling", "mid-history"),
    ]  # fmt: skip
    assert all(check.identical and check.later_rows > 100 and check.features > 500 for check in checks)


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("known_event", "AND e.available_time <= c.prediction_time"),
        ("known_note", "AND n.available_time <= c.prediction_time"),
    ],
)
def test_a_leak_is_found(out: Path, monkeypatch: pytest.MonkeyPatch, name: str, condition: str) -> None:
    honest = sql.read_sql(name)
    assert condition in honest
    leaking = honest.replace(condition, "").replace("<= h.end_day", "<= h.end_day + 100000")
    monkeypatch.setattr(features, "read_sql", lambda asked: leaking if asked == name else sql.read_sql(asked))
    checks = check_leaks(out)
    assert not any(check.identical for check in checks if check.name == "deletion")
    assert not any(check.identical for check in checks if check.name == "shuffling")


def test_command(out: Path, phenotext_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = phenotext_process("check-leaks", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("identical") == 4


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished run"):
        check_leaks(tmp_path)
