"""Mentions that no string of the dictionary makes: phrases similar enough to one, with their similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..found import Found
from ..stream import Stream
from ..terminology.terminology import Terminology
from ..tokens import SurfaceTable
from .candidate_index import CandidateIndex
from .candidate_spans import WordClasses, candidate_spans

# Precision and F1 on the tune sets: scripts/calibrate_recall.py, figures in docs/accuracy.md.
DEFAULT_THRESHOLD = 0.95
# However alike, a phrase that is no string of the dictionary is not certain.
HIGHEST_SCORE = 0.99
_REMEMBERED = 200_000


class RecallMode:
    """An index bound to a terminology and a threshold; remembers phrases it has met.

    `wanted` [n_concepts] bool leaves out concepts that the extractor was told not to extract.
    """

    def __init__(
        self,
        index: CandidateIndex,
        terminology: Terminology,
        threshold: float | None = None,
        wanted: np.ndarray | None = None,
    ) -> None:
        index.check(terminology)
        self.index = index
        self.threshold = DEFAULT_THRESHOLD if threshold is None else threshold
        self._wanted = np.ones(terminology.n_concepts, bool) if wanted is None else wanted
        self._classes = WordClasses()
        self._seen: dict[str, tuple[int, float]] = {}
        index.nearest([], self.threshold)  # a threshold that is not possible is reported at once

    def link(self, phrases: Sequence[str]) -> list[tuple[int, float]]:
        """Concept number and score of each phrase, (-1, 0.0) where nothing is similar enough."""
        new = list(dict.fromkeys(phrase for phrase in phrases if phrase not in self._seen))
        if len(self._seen) + len(new) > _REMEMBERED:
            self._seen.clear()
            new = list(dict.fromkeys(phrases))
        concepts, scores = self.index.nearest(new, self.threshold)
        for phrase, concept, score in zip(new, concepts.tolist(), scores.tolist()):
            known = concept >= 0 and self._wanted[concept]
            self._seen[phrase] = (concept, min(score, HIGHEST_SCORE)) if known else (-1, 0.0)
        return [self._seen[phrase] for phrase in phrases]

    def matches(
        self,
        texts: Sequence[str],
        note_char: np.ndarray,
        stream: Stream,
        surfaces: SurfaceTable,
        first: np.ndarray,
        last: np.ndarray,
    ) -> Found:
        """Phrases beside the mentions [first, last), by position.

        Of phrases that overlap the most similar stays, of equally similar ones the longest, then the leftmost.
        """
        classes = self._classes.of(surfaces)[stream.surface]
        begins, stops = candidate_spans(stream, classes, first, last)
        note = np.searchsorted(note_char, stream.start[begins], side="right") - 1
        low, high = stream.start[begins] - note_char[note], stream.end[stops - 1] - note_char[note]
        places: list[tuple[int, int, int]] = list(zip(note.tolist(), low.tolist(), high.tolist()))
        phrases = [texts[number][start:end] for number, start, end in places]
        links = self.link(phrases)
        concept = np.array([number for number, _ in links], np.int32)
        score = np.array([value for _, value in links], np.float32)
        linked = np.flatnonzero(concept >= 0)
        order = linked[np.lexsort((begins[linked], begins[linked] - stops[linked], -score[linked]))]
        taken = np.zeros(len(stream.surface), bool)
        kept: list[int] = []
        for i in order.tolist():
            words = slice(int(begins[i]), int(stops[i]))
            if not taken[words].any():
                taken[words] = True
                kept.append(i)
        chosen = np.array(sorted(kept), np.int64)
        return Found.similar(begins[chosen], stops[chosen], concept[chosen], score[chosen])
