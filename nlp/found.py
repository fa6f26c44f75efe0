"""The matches of a batch on their way to becoming mentions."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .misspellings import Misspelled
from .results import DICTIONARY, GIVEN, MISSPELLED, SIMILAR
from .stream import Stream


@dataclass(frozen=True, slots=True)
class Found:
    """Matches as columns [k], by position: first and last word (half-open), group and concept as in BatchResult, the
    score of the link and how the match came about (ORIGIN)."""

    first: np.ndarray
    last: np.ndarray
    group: np.ndarray
    concept: np.ndarray
    score: np.ndarray
    origin: np.ndarray

    @classmethod
    def in_dictionary(
        cls,
        stream: Stream,
        slips: Misspelled,
        first: np.ndarray,
        last: np.ndarray,
        group: np.ndarray,
        concept: np.ndarray,
    ) -> Found:
        """Strings of the dictionary, read with corrected misspellings."""
        score = slips.scores(stream, first, last)
        return cls(first, last, group, concept, score, np.where(score < 1, MISSPELLED, DICTIONARY).astype(np.uint8))

    @classmethod
    def similar(cls, first: np.ndarray, last: np.ndarray, concept: np.ndarray, score: np.ndarray) -> Found:
        """Phrases that recall mode linked; they have no group."""
        count = len(first)
        return cls(first, last, np.full(count, -1, np.int32), concept, score, np.full(count, SIMILAR, np.uint8))

    @classmethod
    def given(cls, first: np.ndarray, last: np.ndarray, concept: np.ndarray) -> Found:
        """Spans that somebody else found, in their own order."""
        count = len(first)
        origin = np.full(count, GIVEN, np.uint8)
        return cls(first, last, np.full(count, -1, np.int32), concept, np.ones(count, np.float32), origin)

    def __len__(self) -> int:
        return len(self.first)

    def take(self, index: np.ndarray) -> Found:
        """Rows by number or by mask."""
        return Found(*(getattr(self, field.name)[index] for field in fields(self)))

    def and_also(self, others: Found) -> Found:
        """Both, not yet in order."""
        return Found(
            *(np.concatenate((getattr(self, field.name), getattr(others, field.name))) for field in fields(self))
        )

    def by_position(self) -> np.ndarray:
        """The order by first, then last word; equal ones as they are."""
        return np.lexsort((self.last, self.first))

    def places(self, stream: Stream, note_char: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Note, first character and end of each match in its note; `note_char` is where each note begins."""
        note = np.searchsorted(note_char, stream.start[self.first], side="right") - 1
        return note, stream.start[self.first] - note_char[note], stream.end[self.last - 1] - note_char[note]
