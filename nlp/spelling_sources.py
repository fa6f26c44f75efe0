"""Which words the index of spellings holds: those of the terminology, and others that are right as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import numpy as np

from .misspelling_index import SpellingIndex, pack_spellings, spelling
from .spelling_slips import Strength, slip
from .terminology.plain_english import plain_english_words
from .terminology.word_list import word_list
from .tsv import data_file

_WORD = re.compile(r"[^\W\d_]+")


@cache
def clinical_words() -> frozenset[str]:
    """Spellings of the words in the starter lexicon's terms."""
    words: set[str] = set()
    for path in sorted(data_file("lexicon").glob("*.tsv")):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        column = header.split("\t").index("term")
        for line in lines:
            words.update(_WORD.findall(line.split("\t")[column]))
    return frozenset(form for word in words if (form := spelling(word)))


def pack_with_known_words(words: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays of the index over a terminology's `words`, everyday English, and the starter lexicon's words.

    The starter lexicon also holds common misspellings as terms. Those that are slips of the terminology's own words
    are left out, so that they are corrected.
    """
    own = set(words)
    index = SpellingIndex.from_arrays(pack_spellings(own))
    held = set(index.spellings)
    others = sorted(clinical_words() - held)
    asked, near = index.near(others)
    wrong = {
        others[number]
        for number, word in zip(asked.tolist(), near.tolist())
        if slip(others[number], index.spellings[word])[0] == Strength.STRONG
    }
    english = (*plain_english_words(), *word_list("english_words.txt"))
    return pack_spellings((*own, *english, *(word for word in others if word not in wrong)))
