"""Every offset in every output points at its text, over all real corpora beside the repository."""

import gzip
import json
from pathlib import Path

import pytest

from phenotext.nlp import Extractor

CORPORA = (
    "aci_bench.jsonl",
    "deid_asq_phi.jsonl",
    "e3c_assertion.jsonl",
    "e3c_layer1.jsonl",
    "hpo_gsc_plus.jsonl",
    "hpo_id68.jsonl",
    "medcat_mtsamples.jsonl",
    "mts_aligned_sections.jsonl",
    "mts_dialog.jsonl",
    "mtsamples_distinct.jsonl.gz",
    "negex.jsonl",
    "openi_cxr.jsonl.gz",
)


def texts_of(path: Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [text for row in rows for name in ("text", "text_lines") if isinstance(text := row.get(name), str)]


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", CORPORA)
def test_offsets(extractor: Extractor, shared: Path, name: str) -> None:
    texts = texts_of(shared / "data" / "corpora" / name)
    assert texts
    mentions = 0
    for text, note in zip(texts, extractor.pipe(texts)):
        assert note.text == text
        for mention in note.mentions:
            assert 0 <= mention.start < mention.end <= len(text)
            assert text[mention.start : mention.end] == mention.text
            assert all(text[cue.start : cue.end] == cue.text for cue in mention.cues)
        assert note.sections[0].start == 0
        assert note.sections[-1].end == len(text)
        assert all(one.end == other.start for one, other in zip(note.sections, note.sections[1:], strict=False))
        mentions += len(note.mentions)
    assert mentions


@pytest.mark.slow
@pytest.mark.shared
def test_given_spans_come_back_as_given(extractor: Extractor, shared: Path) -> None:
    with open(shared / "data" / "corpora" / "e3c_layer1.jsonl", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            spans = [(span["start"], span["end"], None) for span in row["spans"]]
            note = extractor(row["text"], spans)
            assert [(m.start, m.end) for m in note.mentions] == [(start, end) for start, end, _ in spans]
