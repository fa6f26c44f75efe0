"""No note text where it should not be: logs, errors, and with phi=minimal anywhere at all."""

from __future__ import annotations

import json
import logging
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import NOTES, SENTINEL, rows, write_jsonl

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("0123456789abcdef0123456789abcdef")
    return path


def content_of(out: Path) -> Iterator[tuple[Path, str]]:
    """Every file below `out`, decompressed and written out as text."""
    for path in sorted(out.rglob("*")):
        if path.suffix == ".parquet":
            yield path, json.dumps(pq.read_table(path).to_pylist(), default=str) + str(pq.read_schema(path))
        elif path.is_file():
            yield path, path.read_bytes().decode("utf-8", "replace")


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    """Notes among rows that are broken in every way, all with the sentinel."""
    path = write_jsonl(tmp_path / "notes.jsonl", [*NOTES, NOTES[0], NOTES[0] | {"note_id": "z", "note_time": SENTINEL}])
    with open(path, "ab") as out:
        out.write(f'{{"note_id": "y", "text": "{SENTINEL}\n'.encode())
        out.write(b'{"note_id": "x", "text": "\xff' + SENTINEL.encode() + b'"}\n')
    return path


def test_no_note_text_in_logs(spoiled: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        result = run(Settings(spoiled, tmp_path / "out"))
    assert sum(result.document["counts"]["quarantined"].values()) == 4
    assert SENTINEL not in caplog.text


def test_no_note_text_on_the_terminal(spoiled: Path, tmp_path: Path, phenotext: Call, phenotext_process: Call) -> None:
    for words in (
        ("--debug", "run", spoiled, "--out", tmp_path / "out"),
        ("--debug", "extract", "--notes", spoiled, "--out", tmp_path / "x.jsonl"),
        ("--debug", "check-leaks", tmp_path / "out"),
    ):
        done = (phenotext_process if "run" in words else phenotext)(*words)
        assert done.returncode == 0, done.stderr
        assert SENTINEL not in done.stdout + done.stderr


def test_no_note_text_in_errors(tmp_path: Path, phenotext: Call) -> None:
    words = tmp_path / "notes.jsonl"
    words.write_text(f"{SENTINEL} no json\n{SENTINEL}\n")
    table = tmp_path / "notes.csv"
    table.write_text(f"{SENTINEL} has asthma and more,text\n")
    for path in (words, table):
        done = phenotext("run", path, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert SENTINEL not in done.stdout + done.stderr


def test_an_extractor_that_fails_costs_one_note(
    notes_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phenotext.pipelines import worker

    real = worker.evidence_batch

    def failing(extractor, texts, *, keep_text=True):
        if any("Denies" in text for text in texts):
            raise ValueError(texts[0])
        return real(extractor, texts, keep_text=keep_text)

    monkeypatch.setattr(worker, "evidence_batch", failing)
    result = run(Settings(notes_file, tmp_path / "out"))
    assert result.document["counts"]["quarantined"] == {"extraction_failed": 1}
    assert result.document["counts"]["notes"] == 3
    assert [row["row"] for row in rows(result.out, "quarantine")] == [3]


def test_minimal_leaves_no_text(spoiled: Path, tmp_path: Path, key: Path) -> None:
    settings = Settings(spoiled, tmp_path / "out", phi="minimal", id_key=key)
    out = run(settings).out
    for path, content in content_of(out):
        assert SENTINEL not in content, path
    for row in rows(out, "evidence"):
        assert row["lexical_variant"] is row["snippet"] is None
        assert all(cue["text"] is None and cue["rule"] for cue in row["triggers"])
    full = {row["note_hash"] for row in rows(run(Settings(spoiled, tmp_path / "full")).out, "note")}
    assert not full & {row["note_hash"] for row in rows(out, "note")}  # keyed hashes cannot be guessed back


def test_minimal_hides_the_names_of_text_files(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "notes" / "doe_jane"
    folder.mkdir(parents=True)
    (folder / "2021-01-01.txt").write_text("Asthma.")
    (folder / "undated.txt").write_text("Asthma.")
    out = run(Settings(tmp_path / "notes", tmp_path / "out", phi="minimal", id_key=key)).out
    for path, content in content_of(out):
        if path.parent.name != "private":
            assert "doe_jane" not in content, path
    assert stat.S_IMODE((out / "private" / "source_files.json").stat().st_mode) == 0o600


def test_minimal_needs_a_key(notes_file: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="--phi minimal needs --id-key"):
        run(Settings(notes_file, tmp_path / "out", phi="minimal"))


def test_private_files_are_private(notes_file: Path, tmp_path: Path) -> None:
    out = run(Settings(notes_file, tmp_path / "out", keep_text=True)).out
    for name in ("id_map.parquet", "text.parquet"):
        assert stat.S_IMODE((out / "private" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((out / "private").stat().st_mode) == 0o700
    assert [row["text"] for row in rows(out, "private/text")] == [note["text"] for note in NOTES]


def test_the_key_changes_the_ids(notes_file: Path, tmp_path: Path, key: Path) -> None:
    plain = run(Settings(notes_file, tmp_path / "plain")).out
    keyed = run(Settings(notes_file, tmp_path / "keyed", id_key=key)).out
    ids = [{row["subject_id"] for row in rows(out, "note")} for out in (plain, keyed)]
    assert ids[0] & ids[1] == {77}  # an integer id of the source is kept


def test_a_short_key_is_refused(notes_file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc")
    with pytest.raises(RunError, match="3 bytes"):
        run(Settings(notes_file, tmp_path / "out", id_key=tmp_path / "key"))


def test_a_debug_trace_shows_places_and_no_messages(capsys: pytest.CaptureFixture[str]) -> None:
    from phenotext.pipelines.cli import _trace

    try:
        try:
            raise ValueError(SENTINEL * 2)
        except ValueError as cause:
            raise RuntimeError(SENTINEL) from cause
    except RuntimeError as error:
        _trace(error)
    told = capsys.readouterr().err
    assert "RuntimeError" in told
    assert "ValueError" in told
    assert SENTINEL not in told
