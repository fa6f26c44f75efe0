"""Inline mark-up reads back what it writes, and refuses what is no mark-up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.annotations.markup import MarkedSpan, parse, render

TEXT = st.text(alphabet="ab <>&;/m=\"'\n\t\r\0é\u0301\U0001f600ltgamp", max_size=40)
VALUE = st.text(alphabet="abcXYZ019_-:. /", min_size=1, max_size=8)
ATTRIBUTES = st.dictionaries(st.sampled_from(["negation", "certainty", "code", "section"]), VALUE, max_size=3)


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[MarkedSpan]]:
    """A text with spans that nest or stand apart, in the order `parse` gives."""
    text = draw(TEXT)
    spans: list[MarkedSpan] = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, len(text)))
        crosses = any(
            s.start < start < s.end < end or start < s.start < end < s.end or s.start == s.end or start == end
            for s in spans
        )
        if start < end and not crosses and all((s.start, s.end) != (start, end) for s in spans):
            spans.append(MarkedSpan(start, end, draw(ATTRIBUTES)))
    return text, sorted(spans, key=lambda span: (span.start, -span.end))


@given(marked_texts())
def test_what_is_written_reads_back(marked: tuple[str, list[MarkedSpan]]) -> None:
    text, spans = marked
    assert parse(render(text, spans)) == (text, spans)


@given(TEXT)
def test_a_text_without_spans_reads_back(text: str) -> None:
    assert parse(render(text, [])) == (text, [])


def test_spans_and_attributes() -> None:
    text, spans = parse('No <m negation=negated section="past history">rash</m> &lt;3 cm, A&amp;E.')
    assert text == "No rash <3 cm, A&E."
    assert spans == [MarkedSpan(3, 7, {"negation": "negated", "section": "past history"})]
    assert text[spans[0].start : spans[0].end] == "rash"


def test_spans_nest() -> None:
    text, spans = parse("<m>pain in the <m code=1>chest</m></m>")
    assert text == "pain in the chest"
    assert [(span.start, span.end) for span in spans] == [(0, 17), (12, 17)]


@pytest.mark.parametrize("marked", ["a < b", "<mother>", "5 > 3", "&nbsp;", "<M>x"])
def test_what_is_no_tag_stays(marked: str) -> None:
    assert parse(marked) == (marked, [])


@pytest.mark.parametrize(("marked", "message"), [("x</m>", "closes nothing"), ("<m>x", "never closed")])
def test_unbalanced_tags_are_refused(marked: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(marked)


def test_crossing_spans_are_refused() -> None:
    with pytest.raises(ValueError, match="may only nest"):
        render("abcdef", [MarkedSpan(0, 4), MarkedSpan(2, 6)])
