"""Notes as words: lower-case words with their places, and which of them stand in a negation's scope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .note_mentions import ABSENT, NoteMentions

_WORD = re.compile(r"\w\w+")
# Put before a word that is denied, so that "no effusion" and "effusion" are different terms.
DENIED = "not_"


@dataclass(frozen=True, slots=True)
class NoteWords:
    """k words of m notes: `first` [m + 1] int64 as in NoteMentions, `start`, `end` [k] int32, `word` [k] int32.

    `word` counts into `vocabulary`, sorted lower-case words; denied ones start with DENIED where `marked`.
    """

    first: np.ndarray
    start: np.ndarray
    end: np.ndarray
    word: np.ndarray
    vocabulary: tuple[str, ...]
    marked: bool

    @property
    def n_notes(self) -> int:
        return len(self.first) - 1

    def note(self) -> np.ndarray:
        return np.repeat(np.arange(self.n_notes), np.diff(self.first))

    def subset(self, notes: np.ndarray) -> NoteWords:
        """The notes at these positions, in this order, with the same vocabulary."""
        counts = np.diff(self.first)[notes]
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        at = np.arange(first[-1]) - np.repeat(first[:-1] - self.first[notes], counts)
        return NoteWords(first, self.start[at], self.end[at], self.word[at], self.vocabulary, self.marked)


def find_words(texts: Sequence[str], mentions: NoteMentions | None = None) -> NoteWords:
    """Cut m texts into words; with the mentions of the same notes, words in a negation's scope are marked.

    The scope runs from the cue to the last denied mention of its sentence, or back to the mention from a cue behind it.

    >>> words = find_words(["Fever, no cough"])
    >>> [words.vocabulary[i] for i in words.word.tolist()]
    ['fever', 'no', 'cough']
    """
    numbers: dict[str, int] = {}
    word: list[int] = []
    start: list[int] = []
    end: list[int] = []
    first = [0]
    for i, text in enumerate(texts):
        scopes = [] if mentions is None else denied_stretches(mentions, i)
        at = 0
        for found in _WORD.finditer(text):
            a, b = found.span()
            while at < len(scopes) and scopes[at][1] <= a:
                at += 1
            form = found.group().lower()
            if at < len(scopes) and scopes[at][0] < b:
                form = DENIED + form
            word.append(numbers.setdefault(form, len(numbers)))
            start.append(a)
            end.append(b)
        first.append(len(word))
    vocabulary = tuple(sorted(numbers))
    place = np.empty(len(numbers), np.int32)
    place[[numbers[form] for form in vocabulary]] = np.arange(len(vocabulary), dtype=np.int32)
    return NoteWords(
        first=np.asarray(first, np.int64),
        start=np.asarray(start, np.int32),
        end=np.asarray(end, np.int32),
        word=place[np.asarray(word, np.int64)] if word else np.zeros(0, np.int32),
        vocabulary=vocabulary,
        marked=mentions is not None,
    )


def denied_stretches(mentions: NoteMentions, note: int) -> list[tuple[int, int]]:
    """Stretches of a note that are denied, in order and not overlapping."""
    stretches: list[tuple[int, int]] = []
    for i in range(int(mentions.first[note]), int(mentions.first[note + 1])):
        if mentions.assertion[i] != ABSENT:
            continue
        start, end = int(mentions.start[i]), int(mentions.end[i])
        cue_start, cue_end = int(mentions.cue_start[i]), int(mentions.cue_end[i])
        if cue_end > 0:
            start = min(start, max(cue_end, 0)) if cue_end <= start else start
            end = max(end, cue_start)
        stretches.append((start, end))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
