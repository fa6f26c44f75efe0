"""Cutting by arrays gives the tokens that the patterns give, whatever the text."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp.cut import Cut, cut
from phenotext.nlp.surface_keys import SurfaceKeys
from phenotext.nlp.tokens import TOKEN, TOKEN_ASCII

HARD_ASCII = "ab1 \t\n\r\x0b_-=~#.*[]AN(),;'"
HARD = HARD_ASCII + "é\xa0\u2028\u2009’—\x85"
pieces = st.sampled_from(["[**", "**]", "**NAME[", "***", "---", "__", "\r\n", "  ", "a", "X1"])
notes = st.one_of(st.text(HARD_ASCII), st.text(HARD), st.lists(pieces).map("".join), st.text())


def pattern(text: str) -> re.Pattern[str]:
    return TOKEN_ASCII if text.isascii() else TOKEN


def cut_all(texts: list[str]) -> Cut | None:
    bounds = np.concatenate(([0], np.cumsum([len(text) for text in texts]))).astype(np.int64)
    return cut(texts, bounds, pattern) if bounds[-1] else None


def tokens_of(done: Cut) -> list[str]:
    return [done.text[s : s + n] for s, n in zip(done.start.tolist(), done.length.tolist())]


@given(st.lists(notes, max_size=4))
def test_tokens_are_those_of_the_pattern_and_never_cross_notes(texts: list[str]) -> None:
    done = cut_all(texts)
    if done is not None:
        # the pattern that fits all notes of the batch, note by note
        assert tokens_of(done) == [token for text in texts for token in pattern(done.text).findall(text)]


@given(st.lists(notes, min_size=1, max_size=3), st.lists(notes, min_size=1, max_size=3))
def test_equal_tokens_have_equal_keys_wherever_they_stand(texts: list[str], others: list[str]) -> None:
    keys: dict[str, int] = {}
    for done in (cut_all(texts), cut_all(others)):
        for token, key in zip(tokens_of(done), done.key.tolist()) if done else ():
            assert keys.setdefault(token, key) == key
    assert len(set(keys.values())) == len(keys)


def test_rare_characters_are_left_to_the_pattern() -> None:
    for text in ("e\u0301tude", "a\x1cb", "\U0001f600", "\ud800\U0010ffff"):
        assert cut_all([text]) is None
    assert cut_all(["étude \ud800"]) is not None


def test_masks_and_rulers_are_one_token_each() -> None:
    done = cut_all(["Seen [**Doctor 12**] -----\n**NAME[ZZZ] ___ 5.2*", "**", "--", "*** x"])
    assert done is not None
    assert tokens_of(done) == [
        "Seen ", "[**Doctor 12**] ", "-----", "\n", "**NAME[ZZZ] ", "___ ", "5", ".", "2", "*",
        "*", "*", "-", "-", "*** ", "x",
    ]  # fmt: skip


@given(st.dictionaries(st.integers(1, 2**64 - 1), st.integers(0, 2**31 - 1), max_size=300), st.integers(1, 2**64 - 1))
def test_surface_keys_find_what_was_added_and_nothing_else(known: dict[int, int], other: int) -> None:
    table = SurfaceKeys(4)
    keys, ids = np.array(list(known), np.uint64), np.array(list(known.values()), np.int32)
    half = len(keys) // 2
    table.add(keys[:half], ids[:half])
    table.add(keys[half:], ids[half:])
    assert table.find(keys).tolist() == ids.tolist()
    if other not in known:
        assert table.find(np.array([other], np.uint64)).tolist() == [-1]
