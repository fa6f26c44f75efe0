"""Shorter matches inside longer ones, on request, asserted like the longer one."""

from __future__ import annotations

import pytest

from phenotext.annotations.markup import parse
from phenotext.nlp import Extractor
from phenotext.nlp.evidence import evidence_batch


@pytest.fixture(scope="module")
def nested(extractor: Extractor) -> Extractor:
    return Extractor(extractor.terminology, nested=True)


@pytest.mark.parametrize(
    "marked",
    [
        "She has <m>type 2 <m nested=1><m nested=1>diabetes</m> mellitus</m></m>.",
        "No <m assertion=absent>end stage <m nested=1 assertion=absent>renal disease</m></m> so far.",
        "Mother had <m assertion=family>breast <m nested=1 assertion=family>cancer</m></m>.",
        "Possible <m assertion=possible>breast <m nested=1 assertion=possible>cancer</m></m>.",
        "No <m assertion=absent>asthma</m>.",
    ],
)
def test_inline_marks(nested: Extractor, marked: str) -> None:
    text, spans = parse(marked)
    note = nested(text)
    wanted = sorted((s.start, s.end, s.attributes.get("assertion", "present"), "nested" in s.attributes) for s in spans)
    assert [(m.start, m.end, m.assertion, m.nested) for m in note.mentions] == wanted


def test_off_by_default(extractor: Extractor) -> None:
    note = extractor("She has type 2 diabetes mellitus.")
    assert [m.text for m in note.mentions] == ["type 2 diabetes mellitus"]
    assert not any(m.nested for m in note.mentions)


def test_a_part_that_names_the_same_concept_is_left_out(nested: Extractor) -> None:
    for text in ("Bronchial asthma.", "Known congestive heart failure.", "Acute kidney injury."):
        note = nested(text)
        outer = {m.code for m in note.mentions if not m.nested}
        assert not outer & {m.code for m in note.mentions if m.nested}


def test_cues_are_those_of_the_longer_match(nested: Extractor) -> None:
    note = nested("No evidence of breast cancer, but asthma.")
    assert [(m.text, [c.text for c in m.cues]) for m in note.mentions] == [
        ("breast cancer", ["No evidence of"]),
        ("cancer", ["No evidence of"]),
        ("asthma", []),
    ]


def test_longer_matches_stay_as_they_are(extractor: Extractor, nested: Extractor) -> None:
    text = (
        "PMH: type 2 diabetes mellitus, end stage renal disease. No breast cancer. Mother had ovarian cancer."
        " Short and broad thumbs. MS contin given."
    )
    plain = [(m.start, m.end, m.code, m.assertion, m.cues, m.section) for m in extractor(text).mentions]
    outer = [m for m in nested(text).mentions if not m.nested]
    assert [(m.start, m.end, m.code, m.assertion, m.cues, m.section) for m in outer] == plain


def test_evidence_rows_are_ordered(nested: Extractor) -> None:
    rows = evidence_batch(nested, ["No breast cancer.", "", "Type 2 diabetes mellitus and breast cancer."])
    places = list(zip(*(rows.column(name).to_pylist() for name in ("note_index", "start", "end"))))
    assert places == sorted(places)
    assert len(places) == 7


def test_given_spans_do_not_nest(nested: Extractor) -> None:
    note = nested("No breast cancer.", [(3, 16, None)])
    assert [(m.text, m.nested, m.origin) for m in note.mentions] == [("breast cancer", False, "given")]
