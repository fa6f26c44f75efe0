"""The kind `tfidf`: words and pairs of words of the notes, weighted by TF-IDF, in a logistic regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ..nlp import Extractor
from .additive_model import C_GRID, AdditiveModel
from .aggregation import AGGREGATIONS
from .design import Occurrences, Terms
from .note_mentions import find_mentions
from .note_words import NoteWords, find_words
from .patient_model import MIN_PATIENTS, ModelDataError
from .patients import PatientNotes


class TfidfModel(AdditiveModel):
    """Words and word pairs that at least MIN_PATIENTS patients have.

    With `mark_denied` words in a negation's scope are terms of their own; that needs an extractor, or data that carry
    mentions or words. `min_patients` may be raised, never lowered below MIN_PATIENTS: a rarer word may be a name.
    """

    kind = "tfidf"

    def __init__(
        self,
        extractor: Extractor | None = None,
        *,
        mark_denied: bool = False,
        min_patients: int = MIN_PATIENTS,
        aggregations: Sequence[str] = AGGREGATIONS,
        c_grid: Sequence[float] = C_GRID,
    ) -> None:
        super().__init__(extractor, aggregations=aggregations, c_grid=c_grid)
        if min_patients < MIN_PATIENTS:
            raise ValueError(f"min_patients must be {MIN_PATIENTS} or more: rarer words may be names of patients")
        self.mark_denied = mark_denied
        self.min_patients = min_patients

    def words(self, data: PatientNotes) -> NoteWords:
        """The data's words, or found now."""
        if data.words is not None and data.words.marked == self.mark_denied:
            return data.words
        if not self.mark_denied:
            return find_words(data.text)
        mentions = data.mentions
        if mentions is None:
            if self.extractor is None:
                raise ModelDataError("marking denied words needs an extractor; give one, or data with mentions")
            mentions = find_mentions(self.extractor, data.text)
        return find_words(data.text, mentions)

    def learn_terms(self, data: PatientNotes) -> Terms:
        return word_terms(self.words(data)).seen_in(data, self.min_patients)

    def find_terms(self, data: PatientNotes) -> Occurrences:
        return word_terms(self.words(data)).on(self.names).at

    def settings(self) -> dict[str, Any]:
        return {"mark_denied": self.mark_denied, "min_patients": self.min_patients}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Self:
        settings = meta["settings"]
        model = cls(mark_denied=bool(settings["mark_denied"]), min_patients=int(settings["min_patients"]))
        return model.restore(arrays, meta)


def word_terms(words: NoteWords) -> Terms:
    """Single words and pairs of neighbours; a pair spans both words."""
    note, word = words.note(), words.word.astype(np.int64)
    pair = np.flatnonzero(note[1:] == note[:-1]) if len(note) else np.zeros(0, np.int64)
    size = len(words.vocabulary)
    keys = np.concatenate([word, size + word[pair] * size + word[pair + 1]])
    distinct, column = np.unique(keys, return_inverse=True)
    names = [
        words.vocabulary[key]
        if key < size
        else f"{words.vocabulary[(key - size) // size]} {words.vocabulary[(key - size) % size]}"
        for key in distinct.tolist()
    ]
    at = Occurrences(
        note=np.concatenate([note, note[pair]]),
        column=column.astype(np.int64),
        start=np.concatenate([words.start, words.start[pair]]),
        end=np.concatenate([words.end, words.end[pair + 1]]),
    )
    return Terms(tuple(names), at)
