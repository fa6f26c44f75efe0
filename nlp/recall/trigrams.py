"""Letter trigrams of normalised phrases: what two spellings and wordings of one thing share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..tokens import key_words
from ..word_class import STOPWORDS

# Two words are alike from this share of common trigrams on (Dice).
LIKE = 0.4


def phrase_key(text: str) -> str:
    """The normalised words of a phrase, one blank between them; "" where a word has no letter."""
    words = [word for word in key_words(text) if word[:1].isalnum()]
    return " ".join(words)


def trigrams(phrase: str) -> list[str]:
    """Every three letters of each word, its edges marked by a blank (scikit-learn's `char_wb` with n = 3)."""
    grams: list[str] = []
    for word in phrase.split():
        padded = f" {word} "
        grams.extend(padded[i : i + 3] for i in range(max(len(padded) - 2, 1)))
    return grams


def each_word_answered(one: str, other: str) -> bool:
    """Whether every content word of each phrase has one like it in the other: "knee joint" is no "knee pain"."""
    words = [[set(trigrams(word)) for word in phrase.split() if word not in STOPWORDS] for phrase in (one, other)]
    return all(
        any(2 * len(grams & its) >= LIKE * (len(grams) + len(its)) for its in theirs)
        for mine, theirs in (words, words[::-1])
        for grams in mine
    )


def weigh(
    phrases: Sequence[str], numbers: Mapping[str, int], idf: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """TF-IDF rows of unit length as CSR parts: row starts [n + 1], trigram numbers, weights.

    A trigram that the index does not know counts for the length as the rarest one does, so that strange words make a
    phrase less similar, not more.
    """
    starts = np.zeros(len(phrases) + 1, np.int64)
    columns: list[int] = []
    weights: list[float] = []
    rarest = float(idf.max()) if len(idf) else 1.0
    table = idf.tolist()
    for row, phrase in enumerate(phrases):
        counts: dict[int, int] = {}
        strange = 0
        for gram in trigrams(phrase):
            number = numbers.get(gram, -1)
            if number < 0:
                strange += 1
            else:
                counts[number] = counts.get(number, 0) + 1
        values = [count * table[number] for number, count in counts.items()]
        length = (sum(value * value for value in values) + strange * rarest * rarest) ** 0.5 or 1.0
        columns.extend(counts)
        weights.extend(value / length for value in values)
        starts[row + 1] = len(columns)
    return starts, np.array(columns, np.int32), np.array(weights, np.float32)
