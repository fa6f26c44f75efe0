"""Cues and headings of the user's own in `extract` and `run`, and the `rules` commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.nlp.cue_table import default_cues
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.json_lines import extract_stream
from phenotext.pipelines.language_rules import LanguageRules

TEXT = "Nix fever. No cough.\nKin: asthma.\nPMH: gout."
LINE = json.dumps({"note_id": "1", "text": TEXT}).encode() + b"\n"


@pytest.fixture
def cues(tmp_path: Path) -> Path:
    path = tmp_path / "cues.json"
    rule = {"literal": "nix", "category": "NEGATED_EXISTENCE", "direction": "FORWARD"}
    path.write_text(json.dumps({"context_rules": [rule, {**rule, "category": "MOOD"}]}), encoding="utf-8")
    return path


@pytest.fixture
def headings(tmp_path: Path) -> Path:
    path = tmp_path / "headings.json"
    rules = [{"literal": "Kin:", "category": "family_history"}, {"literal": "PMH:", "category": "plan"}]
    path.write_text(json.dumps({"section_rules": rules}), encoding="utf-8")
    return path


def assertions(rules: LanguageRules, processes: int = 1) -> dict[str, str]:
    output = b"".join(out for _, _, out in extract_stream([LINE], None, processes, rules))
    return {m["text"]: m["assertion"] for m in json.loads(output)["mentions"]}


def test_given_rules_replace_or_join(cues: Path, headings: Path) -> None:
    assert assertions(LanguageRules()) == {
        "fever": "present",
        "cough": "absent",
        "asthma": "present",
        "gout": "present",
    }
    assert assertions(LanguageRules(cues=cues))["cough"] == "present"
    joined = assertions(LanguageRules(add_cues=cues))
    assert (joined["fever"], joined["cough"]) == ("absent", "absent")
    sections = LanguageRules(add_headings=headings)
    assert assertions(sections)["asthma"] == "family"
    rows, _ = sections.heading_rows()
    # of equal headings the added one counts
    assert rows is not None
    assert next(row.name for row in rows if row.heading == "pmh") == "plan"
    assert len(LanguageRules(headings=headings).heading_rows()[0] or ()) == 2


def test_processes_get_the_rules(cues: Path) -> None:
    assert assertions(LanguageRules(add_cues=cues), processes=2) == assertions(LanguageRules(add_cues=cues))


def test_the_fingerprint_is_of_content_and_part(cues: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other name.json"
    copy.write_bytes(cues.read_bytes())
    first = LanguageRules(cues=cues).fingerprint()
    assert first == LanguageRules(cues=copy).fingerprint() != LanguageRules(add_cues=cues).fingerprint()
    assert LanguageRules().fingerprint() == ""
    copy.write_bytes(copy.read_bytes() + b" ")
    assert LanguageRules(cues=copy).fingerprint() != first


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"context_rules": [', encoding="utf-8")
    with pytest.raises(RunError, match=r"broken\.json"):
        LanguageRules(cues=path).cue_rows()
    with pytest.raises(RunError, match="--add-headings"):
        LanguageRules(add_headings=tmp_path / "none").fingerprint()


@pytest.mark.slow
def test_commands(
    tmp_path: Path,
    cues: Path,
    phenotext: Callable[..., subprocess.CompletedProcess[str]],
    phenotext_process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    notes = tmp_path / "n.jsonl"
    note = {"note_id": "1", "patient_id": "p", "note_time": "2020-01-01T00:00:00", "text": TEXT}
    notes.write_text(json.dumps(note) + "\n", encoding="utf-8")
    told = phenotext("extract", "--notes", notes, "--out", tmp_path / "o.jsonl", "--add-cues", cues)
    assert told.returncode == 0, told.stderr
    assert "1 of 2 rules taken" in told.stderr
    assert "category MOOD" in told.stderr
    out = tmp_path / "run"
    assert phenotext("run", notes, "--out", out).returncode == 0
    changed = phenotext("run", notes, "--out", out, "--add-cues", cues)
    assert changed.returncode == 2
    assert "the cues and headings" in changed.stderr
    assert phenotext("run", notes, "--out", out, "--add-cues", cues, "--overwrite").returncode == 0
    shown = phenotext_process("rules", "show", cues)
    assert shown.returncode == 0
    assert "left out: rule 2 (nix): category MOOD" in shown.stdout
    assert phenotext("rules", "show", cues, "--part", "headings").returncode == 2
    exported = tmp_path / "export.json"
    assert phenotext("rules", "export", "--out", exported).returncode == 0
    rows, _ = LanguageRules(cues=exported).cue_rows()
    assert rows is not None
    assert {row.rule for row in rows} == {row.rule for row in default_cues()}
