"""`phenotext extract` with and without misspellings, nested matches and recall mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from phenotext.nlp import Extractor
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.json_lines import extract_stream
from phenotext.pipelines.matching_options import USUAL_MATCHING, MatchingOptions
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

LINE = json.dumps({"note_id": 1, "text": "No pericardits. Breast cancer with cardiac failing."}).encode() + b"\n"


def mentions(matching: MatchingOptions, terminology: Path | None = None, processes: int = 1) -> list[dict[str, Any]]:
    outputs = [out for _, _, out in extract_stream([LINE], terminology, processes, matching=matching)]
    return json.loads(b"".join(outputs))["mentions"]


def test_misspellings_carry_score_and_origin() -> None:
    first, second, *_ = mentions(USUAL_MATCHING)
    assert (first["text"], first["origin"], first["score"], first["assertion"]) == (
        "pericardits",
        "misspelling",
        0.909,
        "absent",
    )
    assert "score" not in second
    assert "nested" not in second
    assert [m["text"] for m in mentions(MatchingOptions(misspellings=False))] == ["Breast cancer"]


def test_nested_mentions_say_so() -> None:
    found = [(m["text"], m.get("nested", False)) for m in mentions(MatchingOptions(nested=True))]
    assert found == [("pericardits", False), ("Breast cancer", False), ("cancer", True)]


def test_recall_mode_reads_its_index(tmp_path: Path, extractor: Extractor) -> None:
    pytest.importorskip("sklearn", reason="recall mode needs scikit-learn: pip install 'phenotext[scispacy]'")
    from phenotext.nlp.recall import CandidateIndex

    terminology, index = tmp_path / "starter.ptx", tmp_path / "starter.recall"
    extractor.terminology.save(terminology)
    CandidateIndex.build(extractor.terminology).save(index)
    matching = MatchingOptions(recall=index, recall_threshold=0.7)
    found = mentions(matching, terminology)
    assert [(m["text"], m.get("origin")) for m in found] == [
        ("pericardits", "misspelling"),
        ("Breast cancer", None),
        ("cardiac failing", "similarity"),
    ]
    assert found == mentions(matching, terminology, processes=2)


def test_a_run_takes_the_same_options_and_its_identity_knows_them(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    row = {"note_id": "n", "patient_id": "p", "note_time": "2021-01-10", "text": "Pericardits. Breast cancer."}
    notes.write_text(json.dumps(row) + "\n", encoding="utf-8")

    def codes_of(name: str, **options: bool) -> tuple[str, list[str]]:
        result = run(Settings(notes=notes, out=tmp_path / name, **options))  # pyright: ignore[reportArgumentType]
        table = pq.read_table(tmp_path / name / "evidence.parquet", columns=["lexical_variant", "link_score"])
        scored = [score is not None for score in table["link_score"].to_pylist()]
        return result.document["run_id"], [
            f"{text}{'?' if unsure else ''}" for text, unsure in zip(table["lexical_variant"].to_pylist(), scored)
        ]

    usual, strict, nested = codes_of("usual"), codes_of("strict", misspellings=False), codes_of("nested", nested=True)
    assert len({usual[0], strict[0], nested[0]}) == 3
    assert usual[1] == ["Pericardits?", "Breast cancer"]
    assert strict[1] == ["Breast cancer"]
    assert sorted(nested[1]) == ["Breast cancer", "Pericardits?", "cancer"]


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no index")
    with pytest.raises(RunError, match="recall-index"):
        mentions(MatchingOptions(recall=tmp_path / "x"))


def test_the_index_command(tmp_path: Path, extractor: Extractor) -> None:
    pytest.importorskip("sklearn", reason="recall mode needs scikit-learn: pip install 'phenotext[scispacy]'")
    from phenotext.nlp.recall import CandidateIndex
    from phenotext.pipelines.commands.recall_index import recall_index_command

    terminology, index = tmp_path / "starter.ptx", tmp_path / "starter.recall"
    extractor.terminology.save(terminology)
    recall_index_command(terminology, index)
    assert len(CandidateIndex.open(index)) > 1000
    with pytest.raises(RunError, match="no such file"):
        recall_index_command(tmp_path / "absent.ptx", index)
