"""Evidence rows: the same facts as the mentions, as Arrow; no words of the note without `keep_text`."""

from __future__ import annotations

import pyarrow as pa
import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.evidence import EVIDENCE_COLUMNS, SNIPPET_CHARACTERS, evidence_batch
from phenotext.nlp.tables import EVIDENCE

TEXTS = [
    "No evidence of pneumonia, DVT or MI.",
    "",
    "Family history:\nMother: breast cancer.\n\nAssessment: asthma, possibly COPD.",
    "The weather is fine.",
    "Café au lait \U0001f600 spots aside, she denies chest pain.",
]


@pytest.fixture(scope="module")
def rows(extractor: Extractor) -> pa.RecordBatch:
    return evidence_batch(extractor, TEXTS)


def test_columns(rows: pa.RecordBatch) -> None:
    assert rows.schema.equals(EVIDENCE_COLUMNS)
    rows.validate(full=True)
    for field in rows.schema:
        if not field.nullable:
            assert rows[field.name].null_count == 0, field.name


def test_columns_are_those_of_the_evidence_table() -> None:
    """What the table takes over by name has the table's type."""
    for field in EVIDENCE_COLUMNS:
        if field.name in EVIDENCE.names and field.name != "triggers":
            assert EVIDENCE.field(field.name).type == field.type, field.name
    item, other = EVIDENCE.field("triggers").type.value_type, EVIDENCE_COLUMNS.field("triggers").type.value_type
    assert [(f.name, f.type, f.nullable) for f in item] == [(f.name, f.type, f.nullable) for f in other]


def test_rows_are_the_mentions(extractor: Extractor, rows: pa.RecordBatch) -> None:
    listed = rows.to_pylist()
    mentions = [(number, m) for number, note in enumerate(extractor.pipe(TEXTS)) for m in note.mentions]
    assert len(listed) == len(mentions) >= 6
    for row, (number, mention) in zip(listed, mentions, strict=True):
        assert (row["note_index"], row["start"], row["end"]) == (number, mention.start, mention.end)
        assert row["code"] == f"{mention.system}/{mention.code}"
        assert extractor.terminology.codes[row["concept_index"]] == mention.code
        assert row["lexical_variant"] == mention.text == TEXTS[number][row["start"] : row["end"]]
        for name in ("section", "negation", "certainty", "temporality", "experiencer", "assertion"):
            assert row[name] == getattr(mention, name)
        cues = [{"text": cue.text, "start": cue.start, "end": cue.end, "rule": cue.rule} for cue in mention.cues]
        assert row["triggers"] == cues


def test_order(extractor: Extractor) -> None:
    rows = evidence_batch(extractor, TEXTS[::-1] * 3).to_pylist()
    keys = [(row["note_index"], row["start"], row["end"], row["code"]) for row in rows]
    assert keys == sorted(keys)


def test_triggers_name_rules_and_sections(rows: pa.RecordBatch) -> None:
    by_text = {row["lexical_variant"]: row for row in rows.to_pylist()}
    assert [cue["rule"] for cue in by_text["pneumonia"]["triggers"]] == ["negated.no_evidence_of"]
    rules = {cue["rule"] for cue in by_text["breast cancer"]["triggers"]}
    assert "section.family_history" in rules
    assert by_text["asthma"]["triggers"] == []


def test_snippet_surrounds_the_mention(extractor: Extractor) -> None:
    text = "a" * 200 + " asthma " + "b" * 200
    (row,) = evidence_batch(extractor, [text]).to_pylist()
    around = SNIPPET_CHARACTERS
    assert row["snippet"] == text[row["start"] - around : row["end"] + around]
    (row,) = evidence_batch(extractor, ["Asthma."]).to_pylist()
    assert row["snippet"] == "Asthma."


def test_without_text_no_word_of_a_note_is_left(extractor: Extractor, rows: pa.RecordBatch) -> None:
    bare = evidence_batch(extractor, TEXTS, keep_text=False)
    assert bare["lexical_variant"].null_count == bare["snippet"].null_count == len(bare)
    assert all(cue["text"] is None for row in bare["triggers"].to_pylist() for cue in row)
    kept = [name for name in rows.schema.names if name not in ("lexical_variant", "snippet", "triggers")]
    assert bare.select(kept).equals(rows.select(kept))
    offsets = [[(c["start"], c["end"], c["rule"]) for c in row] for row in bare["triggers"].to_pylist()]
    assert offsets == [[(c["start"], c["end"], c["rule"]) for c in row] for row in rows["triggers"].to_pylist()]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, bare.schema) as stream:
        stream.write_batch(bare)
    content = sink.getvalue().to_pybytes()
    for word in (b"weather", b"lait", b"Mother", b"No evidence of"):
        assert word not in content


def test_determinism(extractor: Extractor, rows: pa.RecordBatch) -> None:
    assert evidence_batch(extractor, TEXTS).equals(rows)
    assert evidence_batch(Extractor(), TEXTS).equals(rows)


def test_no_mention_no_row(extractor: Extractor) -> None:
    empty = evidence_batch(extractor, ["", "The weather is fine."])
    assert len(empty) == 0
    assert empty.schema.equals(EVIDENCE_COLUMNS)


def test_a_span_names_a_concept_once(extractor: Extractor) -> None:
    """Two strings of one concept may be read from the same words when a head is shared."""
    rows = evidence_batch(extractor, ["Dissection and a large lymph node."])
    places = list(zip(*(rows.column(name).to_pylist() for name in ("start", "end", "code"))))
    assert places
    assert len(places) == len(set(places))
