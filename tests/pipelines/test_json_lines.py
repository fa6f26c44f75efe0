"""The `extract` contract: one line out for every line in, in order, none ever dropped."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from phenotext.nlp import Extractor
from phenotext.pipelines.json_lines import extract_lines, extract_stream, parse_line

from .conftest import COMMAND, NOTES

Call = Callable[..., subprocess.CompletedProcess[str]]
AXES = {
    "negation": {"affirmed", "negated"},
    "certainty": {"certain", "uncertain"},
    "temporality": {"recent", "historical", "hypothetical"},
    "experiencer": {"patient", "family", "other"},
    "assertion": {"present", "absent", "possible", "historical", "family", "other", "hypothetical"},
}


def extract(extractor: Extractor, *lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    given = [json.dumps(line).encode() if isinstance(line, dict) else line for line in lines]
    out = extract_lines(extractor, [parse_line(line) for line in given]).splitlines()
    assert len(out) == len(given)
    return [json.loads(line) for line in out]


def test_fields_and_offsets(extractor: Extractor) -> None:
    text = "HPI: No fever. Mother had asthma; possible pneumonia 🫁 naïve cough.\nFH: stroke"
    (note,) = extract(extractor, {"note_id": "a", "patient_id": "p", "note_time": None, "text": text})
    assert list(note) == ["note_id", "mentions", "sections"]
    assert len(note["mentions"]) >= 5
    for mention in note["mentions"]:
        assert text[mention["start"] : mention["end"]] == mention["text"]
        assert mention["system"] == "SNOMED"
        assert mention["code"].isdigit()
        for axis, values in AXES.items():
            assert mention[axis] in values
        for cue in mention["cues"]:
            assert text[cue["start"] : cue["end"]] == cue["text"]
            assert cue["rule"]
    sections = note["sections"]
    assert [sections[0]["start"], sections[-1]["end"]] == [0, len(text)]
    assert all(left["end"] == right["start"] for left, right in pairwise(sections))


def test_spans_are_asserted_as_given(extractor: Extractor) -> None:
    text = "No evidence of zonkitis. Mother had asthma."
    spans = [{"start": 36, "end": 42, "code": "195967001"}, {"start": 15, "end": 23}]
    (note,) = extract(extractor, {"note_id": 1, "text": text, "spans": spans})
    family, absent = note["mentions"]
    assert (family["start"], family["code"], family["system"], family["assertion"]) == (
        36,
        "195967001",
        "SNOMED",
        "family",
    )
    assert (absent["text"], absent["code"], absent["system"], absent["preferred"]) == ("zonkitis", None, None, None)
    assert absent["assertion"] == "absent"


def test_no_line_is_ever_dropped(extractor: Extractor) -> None:
    good = {"note_id": "g", "text": "Asthma."}
    lines = [
        good,
        b"{broken",
        b"",
        b"[]",
        b'"text"',
        {"note_id": "t"},
        {"note_id": "t", "text": None},
        {"note_id": "t", "text": 7},
        {"note_id": "e", "text": ""},
        b'{"note_id": "c", "text": "Asthma\x01\x0b\twith raw control characters"}',
        b'{"note_id": "b", "text": "Asthma \xff"}',
        {"note_id": "s", "text": "Asthma \ud800 here"},
        {"note_id": "sp", "text": "Asthma", "spans": [{"start": 0, "end": 99}]},
        {"note_id": "sp", "text": "Asthma", "spans": [{"start": 3, "end": 3}]},
        {"note_id": "sp", "text": "Asthma", "spans": "all"},
        {"note_id": "sp", "text": "Asthma", "spans": []},
        {"note_id": {"deep": 1}, "text": "Asthma"},
        {"note_id": 2**70, "text": "Asthma"},
        b'{"note_id": NaN, "text": "Asthma"}',
        good,
    ]
    out = extract(extractor, *lines)
    found = [(len(note["mentions"]), "error" in note) for note in out]
    assert found == [
        (1, False), (0, True), (0, True), (0, True), (0, True), (0, True), (0, True), (0, True), (0, False), (1, False),
        (1, True), (1, False), (0, True), (0, True), (0, True), (0, False), (1, False), (1, False), (1, False),
        (1, False),
    ]  # fmt: skip
    assert out[0] == out[-1]
    assert out[11]["mentions"][0]["end"] == 6


def test_a_failing_note_costs_only_itself(extractor: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Extractor.extract_batch

    def failing(self, texts, spans=None):
        if any("poison" in text for text in texts):
            raise RuntimeError(texts[0])
        return real(self, texts, spans)

    monkeypatch.setattr(Extractor, "extract_batch", failing)
    out = extract(extractor, *({"note_id": i, "text": "poison" if i == 1 else "Asthma"} for i in range(3)))
    assert [len(note["mentions"]) for note in out] == [1, 0, 1]
    assert out[1]["error"] == "extraction failed (RuntimeError)"


def test_processes_change_nothing() -> None:
    lines = [json.dumps(NOTES[i % 4] | {"note_id": i}).encode() + b"\n" for i in range(600)]
    one = b"".join(output for _, _, output in extract_stream(lines, None))
    two = b"".join(output for _, _, output in extract_stream(lines, None, processes=2))
    assert one == two
    assert one.count(b"\n") == 600


def test_command(notes_file: Path, tmp_path: Path, phenotext: Call) -> None:
    done = phenotext("extract", "--notes", notes_file, "--out", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [note["note_id"] for note in out] == [note["note_id"] for note in NOTES]


def test_command_reads_standard_input() -> None:
    done = subprocess.run(
        [*COMMAND, "extract", "--notes", "-", "--out", "-"],
        input=b'{"note_id": 1, "text": "Asthma"}\n',
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["mentions"][0]["code"] == "195967001"


def test_a_terminology_that_cannot_be_used_is_an_error(notes_file: Path, tmp_path: Path, phenotext: Call) -> None:
    (tmp_path / "t.ptx").write_bytes(b"no terminology")
    for path in (tmp_path / "t.ptx", tmp_path / "absent.ptx"):
        done = phenotext("extract", "--notes", notes_file, "--out", tmp_path / "x", "--terminology", path)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "terminology build" in done.stderr
        assert not (tmp_path / "x").exists()
