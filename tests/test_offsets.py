"""Whatever the text, every offset points at what it says, and a note's result depends on nothing but the note."""

from __future__ import annotations

import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phenotext.nlp import BatchResult, ExtractedNote, Extractor, SpanError
from phenotext.nlp.cue_table import default_cues
from phenotext.nlp.heading_table import default_headings
from phenotext.nlp.results import ASSERTION, CERTAINTY, EXPERIENCER, NEGATION, TEMPORALITY

# The same examples at every run, so that a red test is a change; PHENOTEXT_EXPLORE=2000 looks at so many new ones.
EXPLORE = int(os.environ.get("PHENOTEXT_EXPLORE", "0"))
SETTINGS = settings(
    deadline=None,
    derandomize=not EXPLORE,
    max_examples=EXPLORE or 100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# characters on which offsets, line breaks or tokens of other systems have come to grief
HARD = (
    "\r\n\t\0\x0b\x0c\x1f\x85\xa0\xad\u0301\u0345\u0130\u0131\u00df\ufb01\u1e9e\u200b\u200d\u2028\u2029\u202e\u2066\ufeff"
    "\U0001f600\U0001f468\U00010400"
)
NOISE = st.one_of(st.text(max_size=60), st.text(alphabet=HARD + "aZ 1.,:;?-/()[]_*", max_size=40))
GLUE = st.sampled_from(
    [" ", ", ", ". ", "\n", "\n\n", "\r\n", ": ", "; ", " and ", " or ", "", " (", ") ", "? ", "\t", "  ", "\u2028"]
)
TERMS = (
    "pneumonia", "Pneumonias", "type 2 diabetes mellitus", "DVT", "MI", "chest pain", "asthma", "COPD", "heart failure",
    "breast cancer", "cyst of the kidney", "Crohn’s disease", "fevers", "Parkinson's disease", "atrial fibrillation",
)  # fmt: skip
CUES = [row.cue for row in default_cues()]
HEADINGS = [heading.heading for heading in default_headings()]
PIECE = st.one_of(
    st.sampled_from(TERMS),
    st.sampled_from(CUES),
    st.sampled_from(HEADINGS).map(lambda heading: f"\n{heading.title()}: "),
    st.sampled_from(HEADINGS).map(lambda heading: f"\n{heading.upper()}\n"),
    NOISE,
)
CLINICAL = st.lists(st.tuples(PIECE, GLUE), max_size=14).map(lambda parts: "".join(a + b for a, b in parts))
TEXT = st.one_of(CLINICAL, NOISE)


def check(text: str, note: ExtractedNote) -> None:
    assert note.text == text
    position = 0
    for section in note.sections:
        assert section.start == position, "sections follow each other without a gap"
        assert section.end > section.start or not text
        assert section.name
        position = section.end
    assert position == len(text)
    for mention in note.mentions:
        assert 0 <= mention.start < mention.end <= len(text)
        assert mention.text == text[mention.start : mention.end]
        home = next(section for section in note.sections if section.start <= mention.start < section.end)
        assert mention.section == home.name
        assert mention.negation in NEGATION
        assert mention.certainty in CERTAINTY
        assert mention.temporality in TEMPORALITY
        assert mention.experiencer in EXPERIENCER
        assert mention.assertion in ASSERTION
        assert mention.candidates[:1] == ((mention.code,) if mention.preferred else ())
        for cue in mention.cues:
            assert 0 <= cue.start < cue.end <= len(text)
            assert cue.text == text[cue.start : cue.end]
        usual = (mention.negation, mention.certainty, mention.temporality, mention.experiencer)
        assert mention.cues or usual == ("affirmed", "certain", "recent", "patient"), "no axis without its evidence"
    places = [(mention.start, mention.end) for mention in note.mentions]
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(places))


@SETTINGS
@given(TEXT)
def test_every_offset_points_at_its_text(extractor: Extractor, text: str) -> None:
    check(text, extractor(text))


@settings(SETTINGS, max_examples=EXPLORE or 50)
@given(st.lists(TEXT, min_size=1, max_size=6))
def test_a_note_alone_and_among_others(extractor: Extractor, texts: list[str]) -> None:
    alone = [extractor(text) for text in texts]
    assert list(extractor.notes(extractor.extract_batch(texts))) == alone
    assert list(extractor.pipe(texts)) == alone
    assert list(extractor.pipe(texts, batch_size=2)) == alone
    backwards = list(extractor.notes(extractor.extract_batch(texts[::-1])))
    assert backwards[::-1] == alone


def same_arrays(one: BatchResult, other: BatchResult) -> bool:
    names = [name for name in BatchResult.__dataclass_fields__ if isinstance(getattr(one, name), np.ndarray)]
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in names
    )


@SETTINGS
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_the_same_notes_give_the_same_arrays(extractor: Extractor, texts: list[str]) -> None:
    assert same_arrays(extractor.extract_batch(texts), extractor.extract_batch(texts))


@st.composite
def text_with_spans(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str | None]]]:
    text = draw(TEXT.filter(bool))
    spans = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        if any(map(str.isalnum, text[start:end])):  # spans without a word have a test of their own
            spans.append((start, end, draw(st.sampled_from([None, "195967001", "none-such"]))))
    return text, spans


@SETTINGS
@given(st.lists(text_with_spans(), min_size=1, max_size=4))
def test_given_spans_come_back_as_given(
    extractor: Extractor, given_spans: list[tuple[str, list[tuple[int, int, str | None]]]]
) -> None:
    texts = [text for text, _ in given_spans]
    spans = [wanted for _, wanted in given_spans]
    together = list(extractor.notes(extractor.extract_batch(texts, spans)))
    for text, wanted, note in zip(texts, spans, together, strict=True):
        assert [(m.start, m.end) for m in note.mentions] == [(start, end) for start, end, _ in wanted]
        assert [m.code for m in note.mentions] == [code for _, _, code in wanted]
        for mention in note.mentions:
            assert mention.text == text[mention.start : mention.end]
            assert all(cue.text == text[cue.start : cue.end] for cue in mention.cues)
            assert mention.system == ("SNOMED" if mention.code == "195967001" else None)
        assert extractor(text, wanted) == note


@SETTINGS
@given(text_with_spans())
def test_a_span_does_not_depend_on_the_order_given(
    extractor: Extractor, given_spans: tuple[str, list[tuple[int, int, str | None]]]
) -> None:
    text, spans = given_spans
    forward = extractor(text, spans).mentions
    assert extractor(text, spans[::-1]).mentions[::-1] == forward


def test_dictionary_mentions_do_not_overlap_in_plain_text(extractor: Extractor) -> None:
    note = extractor("Chronic obstructive pulmonary disease, type 2 diabetes mellitus and acute kidney injury.")
    assert len(note.mentions) == 3
    assert all(one.end <= other.start for one, other in pairwise(note.mentions))


@pytest.mark.parametrize("span", [(-1, 2, None), (0, 0, None), (3, 2, None), (0, 8, None), (7, 9, None)])
def test_a_span_outside_its_text_is_refused(extractor: Extractor, span: tuple[int, int, str | None]) -> None:
    with pytest.raises(SpanError, match="does not lie in its 7 characters") as raised:
        extractor("Asthma.", [span])
    assert "Asthma" not in str(raised.value)


def test_a_batch_with_and_without_spans_is_refused(extractor: Extractor) -> None:
    with pytest.raises(ValueError, match="for every note of a batch or for none"):
        extractor.extract_batch(["a", "b"], [None, [(0, 1, None)]])


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["", "Asthma.", ""],
    ],
)
def test_empty_notes(extractor: Extractor, texts: list[str]) -> None:
    notes = list(extractor.pipe(texts))
    assert [note.text for note in notes] == texts
    assert list(extractor.notes(extractor.extract_batch(texts))) == notes


def test_one_stretched_match_alone(extractor: Extractor) -> None:
    check(text := "Allergies/Adverse Reactions:", extractor(text))


def test_a_span_of_blanks_at_the_end_of_a_note(extractor: Extractor) -> None:
    text, span = "asthma \nChief Complaint:  ", (24, 25, None)
    (alone,) = extractor(text, [span]).mentions
    first, _ = extractor.notes(extractor.extract_batch([text, "0"], [[span], []]))
    assert first.mentions == (alone,)
    assert alone.section == "chief_complaint"


def test_a_large_note(extractor: Extractor) -> None:
    """A batch is cut by characters too; one note is never cut."""
    text = "No evidence of pneumonia. Mother had asthma.\n" * 40_000
    note = extractor(text)
    assert len(note.mentions) == 80_000
    assert {m.assertion for m in note.mentions} == {"absent", "family"}
    last = note.mentions[-1]
    assert text[last.start : last.end] == last.text == "asthma"


@pytest.mark.slow
def test_processes_give_what_one_process_gives(extractor: Extractor) -> None:
    texts = [
        f"Note {i}. No {TERMS[i % len(TERMS)]}.\nHistory of {TERMS[i % 7]}, denies {TERMS[i % 5]}." for i in range(700)
    ]
    assert list(extractor.pipe(texts, n_process=2, batch_size=64)) == list(extractor.pipe(texts))
