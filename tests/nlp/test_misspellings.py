"""Misspelled words are read as what they were meant to be; right words, names and brands are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp import Extractor
from phenotext.nlp.evidence import evidence_batch
from phenotext.nlp.misspelling_index import SpellingIndex, edits, pack_spellings, sound_key, spelling
from phenotext.nlp.results import Mention
from phenotext.nlp.spelling_slips import Strength, slip

DATA = Path(__file__).resolve().parent.parent / "data"
KNOWN_MISSES = 1


def rows() -> list[tuple[str, str, str, str]]:
    lines = (DATA / "misspelled_words.tsv").read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(text, wrong, right, code) for text, wrong, right, code in cells]


def right_sentences() -> list[str]:
    lines = (DATA / "right_words.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def named(extractor: Extractor, text: str, wrong: str) -> list[Mention]:
    start = text.index(wrong)
    return [m for m in extractor(text).mentions if m.start < start + len(wrong) and start < m.end]


def test_the_challenge_is_large_enough() -> None:
    assert len(rows()) >= 60
    assert len(right_sentences()) >= 60


def test_misspelled_words_are_found_with_a_score(extractor: Extractor) -> None:
    missed: list[str] = []
    for text, wrong, right, code in rows():
        concepts = extractor.terminology.lookup(right)
        assert concepts, f"{right}: no term of the starter lexicon"
        assert extractor.terminology.codes[concepts[0]] == code, right
        mentions = [m for m in named(extractor, text, wrong) if m.code == code]
        if not mentions:
            missed.append(text)
            continue
        assert mentions[0].origin == "misspelling", text
        assert 0.7 < mentions[0].score < 1
    assert len(missed) == KNOWN_MISSES, missed


@pytest.mark.parametrize("text", right_sentences())
def test_right_words_are_left_alone(extractor: Extractor, text: str) -> None:
    assert [m.text for m in extractor(text).mentions if m.origin != "dictionary"] == []


def test_assertion_and_offsets_are_as_for_any_mention(extractor: Extractor) -> None:
    note = extractor("No evidence of pericardits. Mother had myocardits.")
    assert [(m.text, m.assertion) for m in note.mentions] == [("pericardits", "absent"), ("myocardits", "family")]
    assert all(note.text[m.start : m.end] == m.text for m in note.mentions)


def test_it_can_be_turned_off(extractor: Extractor) -> None:
    text = "Known pericardits and asthma."
    plain = Extractor(extractor.terminology, misspellings=False)
    assert [m.text for m in extractor(text).mentions] == ["pericardits", "asthma"]
    assert [m.text for m in plain(text).mentions] == ["asthma"]


def test_evidence_scores_only_what_was_corrected(extractor: Extractor) -> None:
    scores = evidence_batch(extractor, ["Known pericardits and asthma."]).column("link_score").to_pylist()
    assert scores[1] is None
    assert scores[0] == pytest.approx(1 - 1 / 11)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pericardits was suspected.", True),  # begins a sentence
        ("Impression: Pericardits.", True),
        ("1. Pericardits\n2. Asthma", True),
        ("Seen by Pericardits in clinic.", False),  # a name, for all we know
        ("She met Dr. Pericardits today.", False),
        ("Acute Viral Pericardits With Effusion", True),  # a title
        ("ACUTE VIRAL PERICARDITS", True),
        ("The code was PERICARDITS.", False),
    ],
)
def test_capitalised_words_inside_a_sentence_are_names(extractor: Extractor, text: str, found: bool) -> None:
    corrected = [m for m in extractor(text).mentions if m.origin == "misspelling"]
    assert bool(corrected) == found


@pytest.mark.parametrize(
    ("word", "target", "strength"),
    [
        ("pnuemonia", "pneumonia", Strength.STRONG),  # exchange
        ("hemorage", "hemorrhage", Strength.STRONG),  # sounds alike
        ("opthalmology", "ophthalmology", Strength.STRONG),  # a letter lost
        ("pancreatits", "pancreatitis", Strength.STRONG),  # a vowel lost in a strong ending
        ("gastrotomy", "gastrostomy", Strength.NONE),  # another operation
        ("atraumatic", "traumatic", Strength.NONE),  # another prefix
        ("hypotension", "hypertension", Strength.NONE),
        ("radiating", "radiation", Strength.NONE),  # another form
        ("ureterovaginal", "urethrovaginal", Strength.NONE),  # another organ
        ("reflux", "keflex", Strength.NONE),  # another first letter
        ("hyperlipidemic", "hyperlipidemia", Strength.NONE),
        ("asthma", "asthma", Strength.NONE),
    ],
)
def test_slips(word: str, target: str, strength: Strength) -> None:
    assert slip(word, target)[0] == strength


def test_edits_count_an_exchange_once() -> None:
    assert edits("pnuemonia", "pneumonia", 2) == 1
    assert edits("abc", "", 2) == 3
    assert edits("kitten", "sitting", 3) == 3
    assert sound_key("haemorrhage") == sound_key("hemorage")


WORDS = st.text(alphabet="abcdehmnoprst", min_size=5, max_size=12)


def brute_force(one: str, other: str) -> int:
    """Optimal string alignment by its definition."""
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    table[:, 0], table[0, :] = range(len(one) + 1), range(len(other) + 1)
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (one[i - 1] != other[j - 1])
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


@given(WORDS, WORDS)
def test_edits_are_the_distance(one: str, other: str) -> None:
    assert edits(one, other, 12) == brute_force(one, other)


@given(st.lists(WORDS, min_size=1, max_size=20), st.data())
def test_every_word_one_edit_away_is_found(words: list[str], data: st.DataObject) -> None:
    index = SpellingIndex.from_arrays(pack_spellings(words))
    word = spelling(data.draw(st.sampled_from(words)))
    if not word:
        return
    place = data.draw(st.integers(0, len(word) - 2))
    wrong = data.draw(
        st.sampled_from(
            [
                word[:place] + word[place + 1 :],
                word[:place] + "x" + word[place:],
                word[:place] + "x" + word[place + 1 :],
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            ]
        )
    )
    _, found = index.near([wrong])
    assert word in [index.spellings[number] for number in found.tolist()]


def test_the_index_is_small() -> None:
    words = {
        f"{a}{b}{c}in" for a in "abcdefghijklmnop" for b in ("stra", "mola", "pheno") for c in ("gly", "tre", "co")
    }
    arrays = pack_spellings(words)
    # 150,000 words must stay below 40 MB
    assert sum(array.nbytes for array in arrays.values()) / len(words) < 40e6 / 150_000


def test_same_words_same_arrays() -> None:
    one, other = pack_spellings(["pneumonia", "asthma", "asthma"]), pack_spellings(["asthma", "pneumonia"])
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_results_do_not_depend_on_the_batch(extractor: Extractor) -> None:
    texts = [row[0] for row in rows()]
    alone = [[(m.start, m.end, m.code, m.score) for m in Extractor()(text).mentions] for text in texts[:5]]
    together = [[(m.start, m.end, m.code, m.score) for m in note.mentions] for note in extractor.pipe(texts)]
    assert together[:5] == alone
