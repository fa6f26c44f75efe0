"""Everyday sentences that defeat keyword search and common cue matchers, with what each of them says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from phenotext.annotations.markup import parse
from phenotext.nlp import Extractor, Mention

# One marked finding or more a line; the lexicon must find exactly the marked words.
SENTENCES = [
    "The patient is without fever, now presents with <m assertion=present>headache</m>.",
    "MRI was negative for <m assertion=absent>stroke</m>.",
    "There is no change in <m assertion=present>asthma</m>.",
    "She has not only <m assertion=present>fever</m> but also <m assertion=present>cough</m>.",
    "We cannot rule out <m assertion=possible>pneumonia</m>.",
    "Mother had <m assertion=family>breast cancer</m>; patient has <m assertion=present>asthma</m>.",
    "<m assertion=absent>Chest pain</m>: denies",
    "No evidence of <m assertion=absent>pneumonia</m>, <m assertion=absent>DVT</m>, or <m assertion=absent>MI</m>.",
    "No family history of <m assertion=absent experiencer=family>MI</m>.",
    "Return if <m assertion=hypothetical>fever</m> develops.",
    "[ ] <m assertion=absent>cough</m> [x] <m assertion=present>dyspnea</m>",
    "<m assertion=absent>PE</m> ruled out.",
    "h/o <m assertion=historical>DVT</m> 2010",
    "History of <m assertion=present temporality=historical>atrial fibrillation</m>, on apixaban.",
]
# The same as fragments, in the letter case in which notes write them.
FRAGMENTS = [
    "without fever, now presents with <m assertion=present>headache</m>",
    "negative for <m assertion=absent>stroke</m>",
    "no change in <m assertion=present>asthma</m>",
    "not only <m assertion=present>fever</m>",
    "cannot rule out <m assertion=possible>pneumonia</m>",
    "mother had breast cancer; patient has <m assertion=present>asthma</m>",
    "<m assertion=absent>chest pain</m>: denies",
    "no evidence of pneumonia, DVT, or <m assertion=absent>MI</m>",
    "no family history of <m assertion=absent>MI</m>",
    "return if <m assertion=hypothetical>fever</m> develops",
    "[ ] <m assertion=absent>cough</m> [x] <m assertion=present>dyspnea</m>",
    "<m assertion=absent>PE</m> ruled out",
    "h/o <m assertion=historical>DVT</m> 2010",
    "history of <m assertion=present temporality=historical>atrial fibrillation</m>, on apixaban",
]
# Text around a sentence must not change what it says.
SURROUNDINGS = ("{}", "Seen today in clinic. {}", "{}\nThe dog barks.", "HPI:\n{}\n\nPlan: walk.", "\t{}\r\n")


def expected(marked: str, around: str = "{}") -> tuple[str, dict[tuple[int, int], dict[str, str]]]:
    """The text with what surrounds it, and what is said of each marked place."""
    text, spans = parse(marked)
    base = around.index("{}")
    return around.format(text), {(span.start + base, span.end + base): span.attributes for span in spans}


def said(mention: Mention | None, names: Iterable[str]) -> dict[str, str] | None:
    return None if mention is None else {name: getattr(mention, name) for name in names}


@pytest.mark.parametrize("around", SURROUNDINGS)
@pytest.mark.parametrize("marked", [*SENTENCES, *FRAGMENTS])
def test_given_spans(extractor: Extractor, marked: str, around: str) -> None:
    text, wanted = expected(marked, around)
    mentions = extractor(text, [(start, end, None) for start, end in wanted]).mentions
    # given spans carry no code, so nothing is known to be chronic
    chronic = {"assertion": "historical"} if "atrial fibrillation" in marked else {}
    assert [said(m, names) for m, names in zip(mentions, wanted.values())] == [
        {**names, **chronic} for names in wanted.values()
    ]


@pytest.mark.parametrize("around", SURROUNDINGS)
@pytest.mark.parametrize("marked", [*SENTENCES, *FRAGMENTS])
def test_dictionary(extractor: Extractor, marked: str, around: str) -> None:
    text, wanted = expected(marked, around)
    found = {(m.start, m.end): m for m in extractor(text).mentions}
    assert {place: said(found.get(place), names) for place, names in wanted.items()} == wanted


def test_the_other_findings_of_those_sentences(extractor: Extractor) -> None:
    (fever, headache) = extractor(parse(SENTENCES[0])[0]).mentions
    assert (fever.assertion, headache.assertion) == ("absent", "present")
    (cancer, _) = extractor(parse(SENTENCES[5])[0]).mentions
    assert (cancer.experiencer, cancer.assertion) == ("family", "family")


def test_the_decision_carries_its_evidence(extractor: Extractor) -> None:
    cases = {
        "MRI was negative for stroke.": ("was negative for", "negated."),
        "We cannot rule out pneumonia.": ("cannot rule out", "uncertain."),
        "Return if fever develops.": ("Return if", "hypothetical."),
        "h/o DVT 2010": ("h/o", "historical."),
    }
    for text, (words, rule) in cases.items():
        mention = extractor(text).mentions[-1]
        assert any(cue.text == words and cue.rule.startswith(rule) for cue in mention.cues), mention.cues
