"""Every heading's two examples: in the first it opens its section, in the second it is ordinary text."""

import itertools

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.heading_table import HeadingRow, default_headings

HEADINGS = default_headings()


def test_rows_are_unique() -> None:
    assert len({(row.heading, row.kind) for row in HEADINGS}) == len(HEADINGS)


def test_examples(extractor: Extractor) -> None:
    """All rows in one go: a row a test would be thousands."""
    wrong: list[str] = []
    positives = extractor.notes(extractor.extract_batch([row.examples[0] for row in HEADINGS]))
    negatives = extractor.notes(extractor.extract_batch([row.examples[1] for row in HEADINGS]))
    for row, positive, negative in zip(HEADINGS, positives, negatives):
        if row.name not in {section.name for section in positive.sections}:
            wrong.append(f"{row.heading!r} ({row.kind.name}) opens no {row.name} in {row.examples[0]!r}")
        if _opened_by(row, negative.text, [(s.name, s.start) for s in negative.sections]):
            wrong.append(f"{row.heading!r} ({row.kind.name}) opens {row.name} in {row.examples[1]!r}")
    assert not wrong, f"{len(wrong)} of {len(HEADINGS)}:\n" + "\n".join(wrong[:40])


def _opened_by(row: HeadingRow, text: str, sections: list[tuple[str, int]]) -> bool:
    heading = row.heading
    return any(name == row.name and text[start : start + len(heading)].lower() == heading for name, start in sections)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seen today.\nPMH: asthma", [("header", ()), ("past_medical_history", ())]),
        (
            "PHYSICAL EXAM:\nLUNGS: clear\nPLAN:\nrest",
            [("physical_exam", ()), ("respiratory", ("physical_exam",)), ("plan", ())],
        ),
        ("Family History: mother had asthma", [("family_history", ())]),
        ("", [("header", ())]),
        ("no heading at all", [("header", ())]),
    ],
)
def test_partition(extractor: Extractor, text: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    sections = extractor(text).sections
    assert [(section.name, section.path) for section in sections] == expected
    assert sections[0].start == 0
    assert sections[-1].end == len(text)
    assert all(one.end == other.start for one, other in itertools.pairwise(sections))
