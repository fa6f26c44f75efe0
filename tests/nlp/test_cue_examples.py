"""Every cue's two examples: in the first it acts, in the second its words stand there and it does not."""

import pytest

from phenotext.annotations.markup import MarkedSpan, parse
from phenotext.nlp import Extractor, Mention
from phenotext.nlp.cue_table import Category, CueRow, default_cues

CUES = default_cues()
DEFAULTS = {"negation": "affirmed", "certainty": "certain", "temporality": "recent", "experiencer": "patient"}


@pytest.fixture(scope="module")
def said(extractor: Extractor) -> dict[str, list[Mention]]:
    """The mentions of every example: in one batch, because one by one they take half a minute."""
    marked = [example for row in CUES for example in row.examples]
    parsed = [parse(example) for example in marked]
    spans = [[(span.start, span.end, None) for span in found] for _, found in parsed]
    notes = extractor.notes(extractor.extract_batch([text for text, _ in parsed], spans))
    return {example: list(note.mentions) for example, note in zip(marked, notes, strict=True)}


def disagreements(said: dict[str, list[Mention]], marked: str) -> tuple[list[str], list[Mention]]:
    """What differs between the mark-up and the extractor, and the mentions."""
    text, spans = parse(marked)
    mentions = said[marked]
    return [line for span, mention in zip(spans, mentions) for line in differences(text, span, mention)], mentions


def differences(text: str, span: MarkedSpan, mention: Mention) -> list[str]:
    expected = {axis: span.attributes.get(axis, default) for axis, default in DEFAULTS.items()}
    if "assertion" in span.attributes:
        expected["assertion"] = span.attributes["assertion"]
    return [
        f"{text[span.start : span.end]!r}: {axis} {getattr(mention, axis)}, expected {value};"
        f" cues {[cue.rule for cue in mention.cues]}"
        for axis, value in expected.items()
        if getattr(mention, axis) != value
    ]


def test_rules_are_unique() -> None:
    assert len({row.rule for row in CUES}) == len(CUES)


@pytest.mark.parametrize("row", CUES, ids=lambda row: row.rule)
def test_examples(said: dict[str, list[Mention]], row: CueRow) -> None:
    wrong, mentions = disagreements(said, row.examples[0])
    assert not wrong
    if row.category <= Category.RESOLVED:
        acting = {cue.rule for mention in mentions for cue in mention.cues}
        # where the cue is the heading ("FHx: stroke") the section speaks for it
        assert row.rule in acting or any(rule.startswith("section.") for rule in acting), "the cue itself must act"
    wrong, _ = disagreements(said, row.examples[1])
    assert not wrong
