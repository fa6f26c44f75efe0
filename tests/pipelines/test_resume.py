"""A run gives the same bytes whatever the processes and however often it was killed; what changed is noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from phenotext.pipelines.durable import exclusive
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import COMMAND, many_notes, table_bytes, write_jsonl

NOTES = 1200


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    rows = many_notes(NOTES)
    rows.insert(3, {"note_id": "m0", "patient_id": "p1", "note_time": "2020-01-01", "text": "A duplicate."})
    rows.insert(900, {"note_id": "bad", "note_time": "2020-01-01", "text": "Nobody's."})
    return write_jsonl(folder / "notes.jsonl", rows)


@pytest.fixture(scope="module")
def expected(corpus: Path) -> dict[str, bytes]:
    result = run(Settings(corpus, corpus.parent / "expected", shard_notes=20))
    assert result.document["counts"]["quarantined"] == {"duplicate_note_id": 1, "no_patient": 1}
    return dict(table_bytes(result.out))


def test_two_processes_give_the_same_bytes(corpus: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    result = run(Settings(corpus, tmp_path / "out", shard_notes=20, processes=2))
    assert table_bytes(result.out) == expected


def command(corpus: Path, out: Path, processes: int) -> list[str]:
    return [*COMMAND, "run", str(corpus), "--out", str(out), "--shard-notes", "20", "--processes", str(processes)]


def shards(out: Path) -> int:
    folder = out / "work" / "shards"
    return sum(path.name.isdigit() for path in folder.iterdir()) if folder.is_dir() else 0


# What is waited for before the kill, and whether the finished run may have been reached by then.
MOMENTS: dict[str, Callable[[Path], bool]] = {
    "plan written": lambda out: (out / "work" / "plan.json").exists(),
    "first shard": lambda out: shards(out) >= 1,
    "half of the shards": lambda out: shards(out) >= NOTES // 40,
    "tables begun": lambda out: (out / "work" / "final").exists(),
    "evidence written": lambda out: (out / "work" / "final" / "evidence.parquet").exists(),
    "tables moving": lambda out: (out / "analysis_ref.parquet").exists(),
    "run.json written": lambda out: (out / "run.json").exists(),
}


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_at_many_moments_and_continued(
    corpus: Path, expected: dict[str, bytes], tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "out"
    killed = 0
    for moment in MOMENTS.values():
        process = subprocess.Popen(
            command(corpus, out, processes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while process.poll() is None and not moment(out) and time.monotonic() < deadline:
            time.sleep(0.001)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed >= 4
    done = subprocess.run(command(corpus, out, processes), capture_output=True, text=True, check=True)
    assert "notes" in done.stdout
    assert table_bytes(out) == expected
    again = subprocess.run(command(corpus, out, 3 - processes), capture_output=True, text=True, check=True)
    assert "Already complete" in again.stdout


def test_shards_that_are_done_are_not_done_again(
    corpus: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phenotext.pipelines import run as run_module

    real = run_module.write_shard
    calls: list[int] = []

    def stopping(constants, shard):
        calls.append(shard.number)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return real(constants, shard)

    settings = Settings(corpus, tmp_path / "out", shard_notes=20)
    monkeypatch.setattr(run_module, "write_shard", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(settings)
    result = run(settings)
    assert result.resumed_shards == 7
    assert calls.count(0) == 1
    assert table_bytes(result.out) == expected


@pytest.fixture
def small(tmp_path: Path) -> Settings:
    return Settings(write_jsonl(tmp_path / "notes.jsonl", many_notes(10)), tmp_path / "out")


def test_a_finished_run_is_not_redone(small: Settings) -> None:
    assert not run(small).already_complete
    before = {path: path.stat().st_mtime_ns for path in small.out.rglob("*.parquet")}
    assert run(replace(small, processes=2)).already_complete
    assert before == {path: path.stat().st_mtime_ns for path in small.out.rglob("*.parquet")}


def test_changed_notes_are_noticed(small: Settings) -> None:
    run(small)
    write_jsonl(small.notes, many_notes(11))
    with pytest.raises(RunError, match=r"differs in the notes; use another --out, or --overwrite"):
        run(small)
    result = run(replace(small, overwrite=True))
    assert result.document["counts"]["notes"] == 11


def test_changed_options_are_noticed_and_named(small: Settings) -> None:
    run(small)
    with pytest.raises(RunError, match=r"the options \(end_day\)"):
        run(replace(small, end_day=0))


def test_changed_notes_of_an_unfinished_run_are_noticed(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from phenotext.pipelines.finish import Finisher

    def stop(_: Finisher) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Finisher, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            run(small)
    write_jsonl(small.notes, many_notes(9))
    with pytest.raises(RunError, match="an unfinished run that differs in the notes"):
        run(small)


def test_lost_tables_of_a_finished_run_are_noticed(small: Settings) -> None:
    run(small)
    (small.out / "feature.parquet").unlink()
    with pytest.raises(RunError, match="1 of its files are gone"):
        run(small)


def test_two_runs_at_once_are_refused(small: Settings) -> None:
    small.out.mkdir()
    with exclusive(small.out / ".lock"), pytest.raises(RunError, match="another run is writing here"):
        run(small)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_somebody_else_is_left_alone(small: Settings, overwrite: bool) -> None:
    small.out.mkdir()
    (small.out / "thesis.tex").write_text("precious")
    with pytest.raises(RunError, match="holds no run of phenotext"):
        run(replace(small, overwrite=overwrite))
    assert [path.name for path in small.out.iterdir()] == ["thesis.tex"]
