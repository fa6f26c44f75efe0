"""Misspelled words of a terminology, read as what they were meant to be: "pnuemonia" is found, with a score below 1.

Only words outside every vocabulary are looked at: no word of the terminology, no cue or heading word, no abbreviation,
no everyday English, nothing made of such words. Each distinct word is decided once; where it stands in the text then
decides whether it may be read so at all, since a capitalised unknown word inside a sentence is mostly a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .known_words import KnownWords, english_words
from .misspelling_index import SpellingIndex, spelling
from .normalize import normalize
from .spelling_slips import Strength, slip
from .stream import Stream
from .terminology.terminology import Terminology
from .tokens import UNREAD, Flag, Kind, SurfaceTable, kind_in

SHORTEST = 6
# In capitals throughout a short unknown word is an acronym.
SHORTEST_SHOUTED = 8
# A word beside a weak correction counts from this many letters on.
SHORTEST_SUPPORT = 4
# In `SurfaceTable.slip` a weak correction has this bit beside its edits.
WEAK = 8
EDITS = 7


class MisspellingCorrector:
    """Corrections against one terminology; empty for terminologies that were compiled without spellings."""

    def __init__(self, terminology: Terminology) -> None:
        self._index = SpellingIndex.from_arrays(terminology.arrays) if "spelling_keys" in terminology.arrays else None
        self._terminology = terminology
        self._known = KnownWords(terminology.vocabulary)
        self._english = english_words()

    def corrections(self, cores: Sequence[str], keys: Sequence[str]) -> list[tuple[str, int] | None]:
        """What each of these words, unknown to every vocabulary, was meant to be; None where it stands.

        `cores` are the words as written, `keys` as normalised. Returns normalised words with the edits, and WEAK added
        where a match needs another word that is right.
        """
        found: list[tuple[str, int] | None] = [None] * len(cores)
        if self._index is None:
            return found
        forms: list[str] = []
        rows: list[int] = []
        for row, (core, key) in enumerate(zip(cores, keys)):
            shortest = SHORTEST_SHOUTED if core.isupper() else SHORTEST
            # a capital inside is a brand name
            written = (
                len(core) >= shortest and core.isascii() and core.isalpha() and (core.isupper() or core[1:].islower())
            )
            if written and key not in self._english and (form := spelling(core)):
                forms.append(form)
                rows.append(row)
        asked, words = self._index.near(forms)
        best: dict[int, list[tuple[Strength, int, str]]] = {}
        right: set[int] = set()
        for number, word in zip(asked.tolist(), words.tolist()):
            target = self._index.spellings[word]
            if target == forms[number]:
                right.add(number)
            strength, edits = slip(forms[number], target)
            if strength:
                best.setdefault(number, []).append((strength, -edits, target))
        candidates = [number for number in best if number not in right]
        known = self._known.made_of_known([forms[number] for number in candidates])
        for number, stands in zip(candidates, known):
            if stands:
                continue
            strength, edits, _ = max(best[number])
            likely = sorted({normalize(target) for *rank, target in best[number] if rank == [strength, edits]})
            if len(likely) == 1 or self._one_concept(likely):
                found[rows[number]] = likely[0], -edits + WEAK * (strength == Strength.WEAK)
        return found

    def _one_concept(self, keys: Sequence[str]) -> bool:
        """Whether each of these words alone is a term, and all of one concept."""
        terminology = self._terminology
        nodes = terminology.trie.first[terminology.vocabulary.ids(keys)]
        groups = terminology.trie.group[nodes]
        if (groups < 0).any():
            return False
        return len(set(terminology.entry_concept[terminology.group_start[groups]].tolist())) == 1


@dataclass(frozen=True, slots=True)
class Misspelled:
    """Words of a stream that are read as corrected: `place` [n] ascending, `edits` [n], and `weak` [n] bool."""

    place: np.ndarray
    edits: np.ndarray
    weak: np.ndarray

    def supported(self, stream: Stream, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """[k] bool: whether matches [first, last) stand: a weak correction needs a word beside it that is right."""
        stands = np.ones(len(first), bool)
        weak = self.place[self.weak]
        corrected = set(self.place.tolist())
        for match in np.flatnonzero(np.searchsorted(weak, first) < np.searchsorted(weak, last)).tolist():
            right = [i for i in range(int(first[match]), int(last[match])) if i not in corrected]
            stands[match] = any(
                stream.kind[i] == Kind.WORD and stream.end[i] - stream.start[i] >= SHORTEST_SUPPORT for i in right
            )
        return stands

    def scores(self, stream: Stream, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """[k] float32: the share of a match's letters that are as they should be; 1 where nothing was corrected."""
        score = np.ones(len(first), np.float32)
        if len(self.place):
            total = np.zeros(len(self.place) + 1, np.int64)
            np.cumsum(self.edits, out=total[1:])
            wrong = total[np.searchsorted(self.place, last)] - total[np.searchsorted(self.place, first)]
            touched = np.flatnonzero(wrong)
            letters = stream.end[last[touched] - 1] - stream.start[first[touched]]
            score[touched] = 1.0 - wrong[touched] / letters
        return score


def misspelled(stream: Stream, surfaces: SurfaceTable) -> Misspelled:
    """The corrected words of a stream. Those that may be names where they stand are undone, in place, in the stream.

    A capitalised word is read as a misspelling at the beginning of a sentence, an item or a heading, and in a line
    whose other words are capitalised too; a word in capitals only beside another.
    """
    marks = surfaces.slip[stream.surface]
    place = np.flatnonzero(marks)
    if len(place):
        names = _names(stream, place)
        stream.surface[place[names]] = UNREAD
        stream.term[place[names]] = -1
        place = place[~names]
    return Misspelled(place, marks[place] & EDITS, (marks[place] & WEAK) > 0)


def _names(stream: Stream, place: np.ndarray) -> np.ndarray:
    """[n] bool: corrected words that stay as they are."""
    flags = stream.flags[place]
    shouted = (flags & Flag.UPPER) > 0
    titled = ((flags & Flag.CAPITAL) > 0) & ~shouted
    behind = place - 1
    before = stream.kind[behind]
    begins = ~kind_in(before, Kind.WORD, Kind.COMMA, Kind.PERIOD, Kind.CLOSE, Kind.OTHER, Kind.PLACEHOLDER)
    first = stream.sentence_first[stream.sentence[place]]
    begins &= (before != Kind.NUMBER) | (first == behind)  # "2. Pnuemonia"
    begins |= first == place
    names = (titled & ~begins) | shouted
    beside = stream.flags[behind] | stream.flags[np.minimum(place + 1, len(stream.flags) - 1)]
    doubtful = np.flatnonzero(names & ((beside & Flag.CAPITAL) > 0))
    names[doubtful] = [not _among_its_like(stream, int(place[row])) for row in doubtful.tolist()]
    # "sacro-iliitis": the second half of a word whose first half no vocabulary knows
    half = (before == Kind.WORD) & (stream.term[behind] < 0) & (stream.cue[behind] < 0)
    half &= (stream.start[place] - stream.end[behind] == 1) & ((stream.flags[behind] & Flag.SPACED) == 0)
    return names | half


def _among_its_like(stream: Stream, place: int) -> bool:
    """Whether the words around it are written as it is: all capitalised, or a neighbour in capitals."""
    low, high = stream.sentence_first[stream.sentence[place] : stream.sentence[place] + 2].tolist()
    if stream.flags[place] & Flag.UPPER:
        around = [i for i in (place - 1, place + 1) if low <= i < high]
        return any(stream.flags[i] & Flag.UPPER and stream.end[i] - stream.start[i] >= 3 for i in around)
    words = [i for i in range(max(low, place - 6), min(high, place + 7)) if stream.kind[i] == Kind.WORD]
    long = [i for i in words if i != place and stream.end[i] - stream.start[i] >= 4]
    return len(long) > 1 and all(stream.flags[i] & Flag.CAPITAL for i in long)
