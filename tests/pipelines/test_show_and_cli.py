"""`show`, the help, and errors as a user meets them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from phenotext.nlp.version import VERSION
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.lag import Lag
from phenotext.pipelines.note_html import note_page
from phenotext.pipelines.note_view import view_note
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings

from .conftest import NOTES, rows, write_jsonl

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_a_note_is_found_by_either_id(finished: RunResult) -> None:
    view = view_note(finished.out, "n1")
    assert view.text == NOTES[0]["text"]
    assert [(mention.assertion, mention.section) for mention in view.mentions] == [
        ("present", "present_illness"), ("absent", "present_illness"), ("family", "family_history"),
    ]  # fmt: skip
    number = next(row["id"] for row in rows(finished.out, "private/id_map") if row["source_id"] == "n1")
    assert view_note(finished.out, str(number)) == view


def test_an_unknown_note_is_an_error(finished: RunResult) -> None:
    with pytest.raises(RunError, match="no note with this id"):
        view_note(finished.out, "n99")


@pytest.mark.parametrize("keyed", [False, True])
def test_a_changed_source_is_refused(notes_file: Path, tmp_path: Path, keyed: bool) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 32)
    out = run(Settings(notes_file, tmp_path / "out", id_key=key if keyed else None)).out
    assert view_note(out, "n2", key if keyed else None).text == NOTES[1]["text"]
    assert view_note(out, "n2").text == NOTES[1]["text"]
    write_jsonl(notes_file, [NOTES[0], NOTES[1] | {"text": "Asthma, other words."}])
    with pytest.raises(RunError, match="source has changed"):
        view_note(out, "n2")
    notes_file.unlink()
    with pytest.raises(RunError):
        view_note(out, "n2")


def test_kept_text_needs_no_source(notes_file: Path, tmp_path: Path) -> None:
    out = run(Settings(notes_file, tmp_path / "out", keep_text=True)).out
    notes_file.unlink()
    assert view_note(out, "n2").text == NOTES[1]["text"]


def test_the_page_escapes_the_note(tmp_path: Path) -> None:
    text = "<script>alert(1)</script> No asthma & fever"
    notes = write_jsonl(
        tmp_path / "n.jsonl", [{"note_id": "<b>", "patient_id": "p", "note_time": "2021-01-01", "text": text}]
    )
    page = note_page(view_note(run(Settings(notes, tmp_path / "out")).out, "<b>"))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<u>No</u>" in page
    assert 'class="absent"' in page


def test_show_in_the_terminal_and_as_a_page(
    finished: RunResult, tmp_path: Path, phenotext: Call, phenotext_process: Call
) -> None:
    done = phenotext_process("show", "n1", "--run", finished.out)
    assert done.returncode == 0, done.stderr
    for words in ("Patient has asthma", "absent", "family", "195967001"):
        assert words in done.stdout
    page = tmp_path / "n1.html"
    assert phenotext("show", "n1", "--run", finished.out, "--html", page).returncode == 0
    assert page.stat().st_mode & 0o777 == 0o600


def test_help_and_version(phenotext: Call, phenotext_process: Call) -> None:
    text = phenotext("--help").stdout
    for verb in ("run", "extract", "show", "check-leaks", "terminology"):
        assert verb in text
    assert phenotext_process("--version").stdout.strip() == f"phenotext {VERSION}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "nowhere", "--out", "OUT"), "no such file or folder"),
        (("run", "NOTES", "--out", "OUT", "--lag", "notes=soon"), "--lag cannot read"),
        (("run", "NOTES", "--out", "OUT", "--phi", "some"), "--phi some is not known"),
        (("run", "NOTES", "--out", "OUT", "--purpose", "fun"), "--purpose fun is not known"),
        (("run", "NOTES", "--out", "OUT", "--terminology", "none.ptx"), "terminology build"),
        (("run", "NOTES", "--out", "NOTES"), "is a file"),
        (("terminology", "build", "--source", "nowhere", "--out", "OUT"), "no such file"),
        (("show", "n1", "--run", "OUT"), "no finished run"),
    ],
)
def test_errors_are_one_line(
    notes_file: Path, tmp_path: Path, phenotext: Call, words: tuple[str, ...], told: str
) -> None:
    places = {"NOTES": notes_file, "OUT": tmp_path / "out"}
    done = phenotext(*(places.get(word, word) for word in words))
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_terminology_build_and_use(notes_file: Path, tmp_path: Path, phenotext_process: Call) -> None:
    source = tmp_path / "own.tsv"
    source.write_text("code\tsystem\tterm\tpreferred\n195967001\tSNOMED\tasthma\tAsthma\n")
    done = phenotext_process("terminology", "build", "--source", source, "--out", tmp_path / "own.ptx")
    assert done.returncode == 0, done.stderr
    out = run(Settings(notes_file, tmp_path / "out", terminology=tmp_path / "own.ptx")).out
    assert {row["code"] for row in rows(out, "evidence")} == {"SNOMED/195967001"}


def test_lag() -> None:
    assert Lag.parse("notes=0h,claims=0d") == Lag(0, 0)
    assert Lag.parse("notes=2d") == Lag(48, 2160)
    with pytest.raises(RunError):
        Lag.parse("visits=3d")


def test_an_output_never_replaces_its_input(tmp_path: Path, phenotext: Call) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"note_id": "1", "text": "fever"}\n')
    alias = tmp_path / "alias.jsonl"
    alias.hardlink_to(notes)
    for out in (notes, alias):
        done = phenotext("extract", "--notes", notes, "--out", out)
        assert done.returncode == 2
        assert "is also an input" in done.stderr
    terms = tmp_path / "terms.tsv"
    terms.write_text("code\tsystem\tterm\tpreferred\n1\tLOCAL\tfever\tFever\n")
    assert phenotext("terminology", "build", "--source", terms, "--out", terms).returncode == 2
    assert terms.read_text().startswith("code")


def test_a_byte_order_mark_costs_no_note(tmp_path: Path, phenotext: Call) -> None:
    notes = tmp_path / "notes.jsonl"
    line = '{"note_id": "1", "patient_id": "p", "note_time": "2020-01-01", "text": "fever"}\n'
    notes.write_bytes(b"\xef\xbb\xbf" + line.encode())
    out = tmp_path / "out.jsonl"
    assert phenotext("extract", "--notes", notes, "--out", out).returncode == 0
    assert json.loads(out.read_text())["mentions"]
    assert phenotext("run", notes, "--out", tmp_path / "run").returncode == 0


def test_half_a_character_in_an_id_is_quarantined(tmp_path: Path, phenotext: Call) -> None:
    notes = tmp_path / "notes.jsonl"
    rows = [{"note_id": "1\ud800", "patient_id": "p"}, {"note_id": "2", "patient_id": "p\ud800"}, {"patient_id": "p"}]
    notes.write_text("".join(json.dumps({**row, "note_time": "2020-01-01", "text": "fever"}) + "\n" for row in rows))
    assert phenotext("run", notes, "--out", tmp_path / "run").returncode == 0
    quarantine = pq.read_table(tmp_path / "run" / "quarantine.parquet")
    assert quarantine.column("reason").to_pylist() == ["undecodable_bytes"] * 2


def test_a_run_without_events_has_nothing_to_leak(tmp_path: Path, phenotext: Call) -> None:
    (tmp_path / "none.csv").write_text("")
    assert phenotext("run", tmp_path / "none.csv", "--out", tmp_path / "run").returncode == 0
    done = phenotext("check-leaks", tmp_path / "run")
    assert (done.returncode, "nothing to test" in done.stdout) == (0, True)
