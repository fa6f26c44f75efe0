"""Every character of a text belongs to exactly one token, and dictionary terms are cut as notes are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp.stream import build_stream
from phenotext.nlp.token_batch import tokenize
from phenotext.nlp.tokens import Kind, SurfaceTable, classify, split, words_of
from phenotext.nlp.trie import Vocabulary

CLINICAL = st.text(alphabet="aAbB sS's-–.,:;?()[]/+*_\n\r\t XIV0123456789éµ\u0301\u2028\U0001f600", max_size=80)


def surfaces() -> SurfaceTable:
    empty = Vocabulary.build([])
    return SurfaceTable(empty.ids, empty.ids)


@given(st.one_of(st.text(max_size=200), CLINICAL))
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@given(st.lists(st.one_of(st.text(max_size=60), CLINICAL), min_size=1, max_size=5))
def test_offsets_of_a_batch_are_those_of_each_note(texts: list[str]) -> None:
    tokens = tokenize(texts, surfaces())
    for number, text in enumerate(texts):
        begin, end = tokens.note_token[number] + 1, tokens.note_token[number + 1]
        pieces = split(text)
        assert end - begin == len(pieces)
        position = 0
        for token, piece in zip(range(begin, end), pieces):
            assert tokens.start[token] - tokens.note_char[number] == position
            core = classify(piece)[2]
            assert tokens.end[token] - tokens.start[token] == len(core)
            position += len(piece)
        assert position == len(text)


@given(st.lists(CLINICAL, min_size=1, max_size=3))
def test_sentences_never_cross_notes(texts: list[str]) -> None:
    table = surfaces()
    tokens = tokenize(texts, table)
    stream = build_stream(tokens, table)
    breaks = np.flatnonzero(stream.kind == Kind.BREAK)
    assert len(breaks) == len(texts) + 1
    assert len(set(stream.sentence[breaks].tolist())) == len(breaks)
    assert (np.diff(stream.sentence) >= 0).all()


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("Crohn's disease", ["Crohn", "disease"]),
        ("Crohn’s disease", ["Crohn", "disease"]),
        ("non-small-cell lung cancer", ["non", "small", "cell", "lung", "cancer"]),
        ("diabetes mellitus, type 2", ["diabetes", "mellitus", ",", "type", "2"]),
        ("H. pylori", ["H", "pylori"]),
        ("h/o", ["h", "/", "o"]),
        ("(-)", ["(", "-", ")"]),
        ("café au lait", ["café", "au", "lait"]),
        ("cafe\u0301 au lait", ["cafe\u0301", "au", "lait"]),
    ],
)
def test_words_of_a_term(term: str, words: list[str]) -> None:
    assert words_of(term) == words


@given(st.one_of(CLINICAL, st.text(max_size=40)))
def test_a_term_is_cut_alike_in_dictionary_and_note(term: str) -> None:
    """Unless the note's reading depends on what surrounds it (sentence ends, line breaks)."""
    if any(classify(piece)[0] in (Kind.NEWLINE, Kind.PERIOD, Kind.RULER) for piece in split(term)):
        return
    table = surfaces()
    stream = build_stream(tokens := tokenize([term], table), table)
    inside = stream.kind != Kind.BREAK
    in_note = [term[s:e] for s, e in zip(stream.start[inside].tolist(), stream.end[inside].tolist())]
    assert in_note == words_of(term)
    assert len(tokens.note_char) == 2


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("No fever. Has cough.", 2),
        ("Seen by Dr. Smith today.", 1),
        ("Take 1 tab p.r.n. pain and 2.5 mg daily.", 1),
        ("Fever resolved.She feels well.", 2),
        ("A long line of prose that was wrapped by the sender\nbecause it had become too long.", 1),
        ("Diagnoses:\nAsthma\nEczema", 3),
        ("Denies chest\npain and fever.", 1),
        ("A narrow column of\nprose, broken where\nit was full.", 1),
        ("Problems:\nasthma\neczema\nhypertension and diabetes", 4),
        ("1. Asthma\n2. Eczema", 4),
        ("First paragraph of the note, quite long as it is\n\nsecond paragraph", 2),
    ],
)
def test_sentences(text: str, sentences: int) -> None:
    table = surfaces()
    stream = build_stream(tokenize([text], table), table)
    worded = stream.sentence[np.isin(stream.kind, (Kind.WORD, Kind.NUMBER))]
    assert len(set(worded.tolist())) == sentences
