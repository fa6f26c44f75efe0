"""Which words are right as they stand, so that nothing in them is corrected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from .normalize import normalize
from .terminology.plain_english import plain_english_words
from .terminology.word_list import word_list
from .trie import Vocabulary

# Endings and beginnings that make a word of a known one.
_ENDINGS = (
    "s es ed d ing er ers or ors ly al ally able ably ible ness ment ments ion ions ation ations ive ful less est y ize"
    " ized izes izing ization ic ical ically ity ities ous ously ism ist ists ary ate ated ates ating ant ent ance ence"
    " ency ancy ia ial ian ish like ward wards wise hood ship work man men ory"
).split()
_BEGINNINGS = (
    "non un re pre post in im dis mis over under out sub intra inter extra peri para trans anti micro macro hyper hypo"
    " bi multi semi co de mid infra supra retro self mini"
).split()
SHORTEST_PART = 4


@cache
def english_words() -> frozenset[str]:
    """Normalised words of the two lists of everyday English."""
    return frozenset(map(normalize, (*plain_english_words(), *word_list("english_words.txt"))))


class KnownWords:
    """Words of a terminology's vocabulary and of everyday English, and what is made of them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._english = english_words()

    def made_of_known(self, forms: Sequence[str]) -> list[bool]:
        """[n] whether each spelling is a known word with another ending or beginning, or two known words in one."""
        parts: list[str] = []
        bounds = [0]
        for form in forms:
            parts.extend(part for group in _analyses(form) for part in group)
            bounds.append(len(parts))
        known = self._are_known(parts)
        answers: list[bool] = []
        for number, form in enumerate(forms):
            place = bounds[number]
            found = False
            for group in _analyses(form):
                found = found or all(known[place : place + len(group)])
                place += len(group)
            answers.append(found)
        return answers

    def _are_known(self, words: Sequence[str]) -> list[bool]:
        keys = [normalize(word) for word in words]
        held: np.ndarray = self._vocabulary.ids(keys) >= 0
        return [key in self._english or there for key, there in zip(keys, held.tolist())]


@cache
def _analyses(form: str) -> tuple[tuple[str, ...], ...]:
    """Groups of words; if all of a group are known, so is `form`."""
    found: dict[tuple[str, ...], None] = dict.fromkeys((base,) for base in _bases(form))
    for beginning in _BEGINNINGS:
        rest = form[len(beginning) :]
        if form.startswith(beginning) and len(rest) >= 3:
            found[(rest,)] = None
            if len(rest) >= 5:
                found.update(dict.fromkeys((base,) for base in _bases(rest)))
    for cut in range(SHORTEST_PART, len(form) - SHORTEST_PART + 1):
        found[(form[:cut], form[cut:])] = None
    return tuple(found)


def _bases(form: str) -> list[str]:
    bases: list[str] = []
    for ending in _ENDINGS:
        base = form[: -len(ending)]
        if form.endswith(ending) and len(base) >= 3:
            bases.append(base)
            if ending[0] in "aeiouy":  # "remov(e)able", but no "pancreatite" in "pancreatits"
                bases += [base + "e", base + "y"]
            if base[-1] == base[-2]:
                bases.append(base[:-1])
            if base[-1] == "i":
                bases.append(base[:-1] + "y")
    return bases
