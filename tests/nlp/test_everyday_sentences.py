"""Everyday sentences that defeat keyword search and common cue matchers, with what each of them says."""

from __future__ import annotations

import pytest
from phenotext.annotations.markup import parse
from phenotext.nlp import Extractor

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


def expected_and_found(extractor: Extractor, marked: str, around: str = "{}") -> tuple[dict, dict]:
    text, spans = parse(marked)
    whole = around.format(text)
    base = around.index("{}")
    expected = {
        (span.start + base, span.end + base): {name: value for name, value in span.attributes.items()} for span in spans
    }
    mentions = {(m.start, m.end): m for m in extractor(whole).mentions}
    found = {
        place: {name: getattr(mentions[place], name) for name in wanted} if place in mentions else None
        for place, wanted in expected.items()
    }
    return expected, found


@pytest.mark.parametrize("around", SURROUNDINGS)
@pytest.mark.parametrize("marked", SENTENCES)
def test_sentence(extractor: Extractor, marked: str, around: str) -> None:
    expected, found = expected_and_found(extractor, marked, around)
    assert found == expected


@pytest.mark.parametrize("marked", FRAGMENTS)
def test_fragment(extractor: Extractor, marked: str) -> None:
    expected, found = expected_and_found(extractor, marked)
    assert found == expected


def test_the_other_findings_of_those_sentences(extractor: Extractor) -> None:
    (fever, headache) = extractor(parse(SENTENCES[0])[0]).mentions
    assert (fever.assertion, headache.assertion) == ("absent", "present")
    (cancer, _) = extractor(parse(SENTENCES[5])[0]).mentions
    assert (cancer.experiencer, cancer.assertion) == ("family", "family")


def test_the_decision_carries_its_evidence(extractor: Extractor) -> None:
    cases = {
        "MRI was negative for stroke.": ("negative for", "negated."),
        "We cannot rule out pneumonia.": ("cannot rule out", "uncertain."),
        "Return if fever develops.": ("Return if", "hypothetical."),
        "h/o DVT 2010": ("h/o", "historical."),
    }
    for text, (words, rule) in cases.items():
        mention = extractor(text).mentions[-1]
        assert any(cue.text == words and cue.rule.startswith(rule) for cue in mention.cues), mention.cues
