"""The gold mentions: mark-up, table and shipped notes say the same, and the extractor's scores do not fall."""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from phenotext.annotations.gold_notes import GoldNote, read_gold_notes
from phenotext.nlp import Extractor

ROOT = Path(__file__).resolve().parent.parent
GOLD = ROOT / "annotations" / "gold"
sys.path.insert(0, str(ROOT / "scripts"))  # scripts are no package
evaluate = importlib.import_module("eval_gold").evaluate
agreement = importlib.import_module("gold_agreement").agreement
make_gold = importlib.import_module("make_gold")
span_pairs = importlib.import_module("span_pairs")
CodedSpan = importlib.import_module("span_scoring").CodedSpan

# What was measured less 0.02 (0.05 for classes of fewer than 100 mentions); they may only rise.
FLOORS = {
    "mention, exact": 0.773,
    "mention, overlap": 0.856,
    "mention and code, exact": 0.742,
    "mention and code, overlap": 0.806,
    "code": 0.922,
    "section": 0.813,
    "assertion, found spans": 0.874,
    "assertion, given spans": 0.875,
    "axes, found spans: negated": 0.914,
    "axes, found spans: uncertain": 0.780,
    "axes, found spans: historical": 0.824,
    "axes, found spans: hypothetical": 0.838,
    "axes, found spans: family": 0.914,
    "axes, found spans: other person": 0.719,
    "axes, given spans: negated": 0.914,
    "axes, given spans: uncertain": 0.768,
    "axes, given spans: historical": 0.785,
    "axes, given spans: hypothetical": 0.825,
    "axes, given spans: family": 0.899,
    "axes, given spans: other person": 0.733,
}


@pytest.fixture(scope="module")
def gold() -> list[GoldNote]:
    return read_gold_notes(GOLD / "markup", adjudicated=True)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    lines = (ROOT / "pipelines" / "data" / "sample" / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    return {note["note_id"]: note["text"] for note in map(json.loads, lines)}


def test_markup_is_the_shipped_text(gold: list[GoldNote], texts: dict[str, str]) -> None:
    assert len(gold) >= 60
    for folder in ("passes/a", "passes/b"):
        for note in read_gold_notes(GOLD / folder, adjudicated=False):
            assert texts.get(note.note_id) == note.text, f"{folder}/{note.note_id}.txt: text is not the shipped note's"
    for note in gold:
        assert texts.get(note.note_id) == note.text, f"markup/{note.note_id}.txt: text is not the shipped note's"


def test_mentions_are_whole_words_in_order(gold: list[GoldNote]) -> None:
    assert sum(len(note.mentions) for note in gold) >= 1500
    for note in gold:
        end = 0
        for mention in note.mentions:
            where = f"{note.note_id} {mention.start}-{mention.end}"
            words = note.text[mention.start : mention.end]
            assert words, where
            assert words == words.strip(), where
            assert mention.start >= end, f"{where}: overlaps the mention before"
            for inside, outside in (
                (words[0], note.text[: mention.start][-1:]),
                (words[-1], note.text[mention.end :][:1]),
            ):
                assert not (inside.isalpha() and outside.isalpha()), f"{where}: cuts a word"
            end = mention.end


def test_assertions_follow_the_axes(gold: list[GoldNote]) -> None:
    for note in gold:
        for m in note.mentions:
            if m.experiencer != "patient":
                possible = {"absent"} if m.negation == "negated" else {m.experiencer}
            elif m.temporality == "hypothetical":
                possible = {"hypothetical"}
            elif m.negation == "negated":
                possible = {"absent", "historical"} if m.temporality == "historical" else {"absent"}
            elif m.certainty == "uncertain":
                possible = {"possible"}
            else:
                possible = {"historical", "present"} if m.temporality == "historical" else {"present"}
            assert m.assertion in possible, f"{note.note_id} {m.start}-{m.end}"


def test_chronic_history_is_present(gold: list[GoldNote], extractor: Extractor) -> None:
    terminology = extractor.terminology
    for note in gold:
        for m in note.mentions:
            plain = (m.negation, m.certainty, m.experiencer) == ("affirmed", "certain", "patient")
            number = terminology.find(m.code)
            if plain and m.temporality == "historical" and number >= 0:
                expected = "present" if terminology.chronic[number] else "historical"
                assert m.assertion == expected, f"{note.note_id} {m.start}-{m.end} {m.code}"


def test_sections_are_names_of_the_table(gold: list[GoldNote]) -> None:
    lines = (ROOT / "nlp" / "data" / "sections.tsv").read_text(encoding="utf-8").splitlines()
    names = {line.split("\t")[0] for line in lines if not line.startswith("#")} | {"header", "other"}
    assert {m.section for note in gold for m in note.mentions} <= names


def test_codes_are_known(gold: list[GoldNote], shared: Path) -> None:
    listed = shared / "data" / "terminology" / "snomed_gps_2020" / "gps_2020.tsv"
    known = {line.split("\t", 1)[0] for line in listed.read_text(encoding="utf-8").splitlines()}
    for path in sorted((ROOT / "nlp" / "data" / "lexicon").glob("*.tsv")):
        known |= {line.split("\t", 1)[0] for line in path.read_text(encoding="utf-8").splitlines()}
    assert {m.code for note in gold for m in note.mentions} <= known


def test_table_equals_markup(gold: list[GoldNote]) -> None:
    table = pq.read_table(GOLD / "gold.parquet")
    assert table.schema.equals(make_gold.SCHEMA)
    assert table.equals(make_gold.gold_table(gold)), "gold.parquet is stale: run scripts/make_gold.py"


def test_every_axis_and_assertion_is_covered(gold: list[GoldNote]) -> None:
    mentions = [m for note in gold for m in note.mentions]
    assert min(Counter(m.assertion for m in mentions).values()) >= 20
    assert len({m.code for m in mentions}) >= 300


def test_agreement_of_the_passes() -> None:
    left, right = (read_gold_notes(GOLD / "passes" / name, adjudicated=False) for name in "ab")
    spans, labels = agreement(left, right)
    assert spans["span, exact"].f1 == pytest.approx(0.855, abs=0.001)
    assert labels["code"].kappa == pytest.approx(0.918, abs=0.001)
    assert labels["temporality"].equal == pytest.approx(0.972, abs=0.001)


def test_kappa_and_pairs() -> None:
    assert span_pairs.kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])) == pytest.approx(0.5)
    assert span_pairs.kappa(np.array([0, 1]), np.array([0, 1])) == 1.0
    left = [CodedSpan(0, 10, None), CodedSpan(12, 15, None)]
    right = [CodedSpan(0, 4, None), CodedSpan(5, 10, None), CodedSpan(15, 20, None)]
    assert [(one.start, other.start) for one, other in span_pairs.pairs(left, right)] == [(0, 5)]


def test_scores_do_not_fall(gold: list[GoldNote], extractor: Extractor) -> None:
    report = evaluate(gold, extractor, causes=False)
    scores = {task: found.f1 for task, found in report.detection.items()}
    scores |= {name: found.right for name, found in report.shares.items()}
    scores |= {f"{title}: {n}": c.f1 for title, found in report.classes.items() for n, c in found.items()}
    low = {name: round(scores[name], 3) for name, floor in FLOORS.items() if scores[name] < floor}
    assert not low, f"below the floor: {low}"
    rise = {name: round(scores[name], 3) for name, floor in FLOORS.items() if scores[name] > floor + 0.05}
    if rise:
        print(f"these may rise: {rise}")
