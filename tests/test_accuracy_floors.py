"""Short versions of the evaluations with floors that may only rise; the whole ones are `scripts/eval_*.py`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from phenotext.annotations.markup import parse
from phenotext.nlp import Extractor

ROOT = Path(__file__).resolve().parent.parent


def f1(pairs: list[tuple[bool, bool]]) -> float:
    """F1 of (gold, predicted) pairs."""
    right = sum(gold and found for gold, found in pairs)
    return 2 * right / max(1, sum(gold for gold, _ in pairs) + sum(found for _, found in pairs))


@pytest.mark.slow
def test_own_challenge_set() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "eval_challenge.py"), "--minimum", "0.96"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:2000]


def test_abbreviations(extractor: Extractor) -> None:
    """Right sense, or no mention where the sense has no code; any longer name that holds the abbreviation counts."""
    rows = (ROOT / "tests" / "data" / "challenge_abbreviations.tsv").read_text(encoding="utf-8").splitlines()[1:]
    right = 0
    for row in rows:
        _, marked, _, code, _ = row.split("\t")
        text, spans = parse(marked)
        mentions = extractor(text).mentions
        found = [[m.code for m in mentions if m.start <= s.start and s.end <= m.end] for s in spans]
        right += all(codes == ([code] if code else []) for codes in found)
    assert right / len(rows) >= 0.93


@pytest.mark.shared
def test_negex(extractor: Extractor, shared: Path) -> None:
    lines = (shared / "data" / "corpora" / "negex.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["start"] is not None]
    results = extractor.notes(
        extractor.extract_batch([row["text_lc"] for row in rows], [[(row["start"], row["end"], None)] for row in rows])
    )
    mentions = [note.mentions[0] for note in results]
    assert f1([(r["negation"] == "Negated", m.negation == "negated") for r, m in zip(rows, mentions)]) >= 0.97
    historical = [(r["temporality"] == "Historical", m.temporality == "historical") for r, m in zip(rows, mentions)]
    assert f1(historical) >= 0.72
    hypothetical = [
        (r["temporality"] == "Not particular", m.temporality == "hypothetical") for r, m in zip(rows, mentions)
    ]
    assert f1(hypothetical) >= 0.85
