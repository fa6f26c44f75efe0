"""medspaCy's target rules as a terminology source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phenotext.nlp import Extractor, Terminology
from phenotext.nlp.terminology import SourceError, build_terminology, read_source


def write(tmp_path: Path, rules: list[Any]) -> Path:
    path = tmp_path / "targets.json"
    path.write_text(json.dumps({"target_rules": rules}), encoding="utf-8")
    return path


def test_codes_terms_and_categories(tmp_path: Path) -> None:
    rules = [
        {"literal": "asthma", "category": "PROBLEM", "metadata": {"code": "195967001", "system": "SNOMED CT"}},
        {"literal": "seizure", "category": "PROBLEM", "attributes": {"hpo_id": "HP:0001250"}},
        {"literal": "wheeze", "category": "PROBLEM", "metadata": {"umls_cui": "C0043144", "owner": 3}},
        {"literal": "home oxygen", "category": "DEVICE", "attributes": {"is_historical": True}},
        {
            "literal": "pneumonia",
            "category": "PROBLEM",
            "pattern": [{"LOWER": {"IN": ["pneumonia", "pna"]}}],
        },
        {"literal": "thing", "category": "PROBLEM", "pattern": [{"POS": "NOUN"}]},
        {"literal": "bad", "category": "PROBLEM", "metadata": {"snomed": "195967002"}},
        {"category": "PROBLEM"},
    ]
    content = read_source(write(tmp_path, rules))
    assert [(t.code, t.system, t.term, t.preferred, t.semantic_tag) for t in content.terms] == [
        ("195967001", "SNOMED", "asthma", "asthma", "problem"),
        ("HP:0001250", "HPO", "seizure", "seizure", "problem"),
        ("C0043144", "UMLS", "wheeze", "wheeze", "problem"),
        ("device:home_oxygen", "medspaCy", "home oxygen", "home oxygen", "device"),
        ("problem:pneumonia", "medspaCy", "pneumonia", "pneumonia", "problem"),
        ("problem:pneumonia", "medspaCy", "pna", "pneumonia", "problem"),
    ]
    assert content.dropped == {"pattern_not_translated": 1, "check_digit": 1, "empty_term": 1}
    assert content.dropped_at["pattern_not_translated"] == ["targets.json#6"]
    assert "a condition on POS" in content.notices[0]


def test_built_and_matched(tmp_path: Path) -> None:
    out = tmp_path / "t.ptx"
    build_terminology([write(tmp_path, [{"literal": "zebra pox", "category": "PROBLEM"}])], out)
    (mention,) = Extractor(Terminology.open(out))("No zebra pox.").mentions
    assert (mention.code, mention.system, mention.assertion) == ("problem:zebra_pox", "medspaCy", "absent")


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([], "empty"),
        ([{"category": "X"}], "faulty"),
        ([{"literal": "x y", "category": "X", "pattern": [{"POS": "NOUN"}]}], "No target rule could be taken"),
    ],
)
def test_useless_files_are_refused(tmp_path: Path, rules: list[Any], told: str) -> None:
    with pytest.raises(SourceError, match=told):
        read_source(write(tmp_path, rules))
