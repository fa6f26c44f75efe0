"""Which phrases of a word stream may name a concept that the dictionary does not spell: a light noun-phrase chunker.

A phrase is up to MAX_WORDS words of one sentence between function words, punctuation and the mentions already found.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from ..known_words import english_words
from ..normalize import normalize
from ..stream import Stream
from ..tokens import Flag, Kind, SurfaceTable

MAX_WORDS = 5
# Function words: they end a phrase, and these few may stand inside one.
INSIDE = frozenset(("of", "the", "in"))
FUNCTION = frozenset(
    "a an the this that these those some any each every no not of in on at by for from with without to into onto over"
    " under during after before since until per via and or but nor so than then as if when while where which who whom"
    " whose what how why he she it we you they i his her its our your their my him them us me is are was were be been"
    " being am do does did doing done has have had having will would shall should can could may might must there here"
    " also very more most less least too only just again still yet now ago both either neither such same other another"
    " all many much few several status post due secondary s t patient pt mg ml cc cm mm kg daily year old"
    " history denies denied reports reported noted seen found given taken placed performed made went came".split()
)
FUNCTION_KEYS = frozenset(map(normalize, FUNCTION))


WALL, LINK, PLAIN, CLINICAL = range(4)
# A word that no vocabulary knows may be clinical from this length on.
SHORTEST_UNKNOWN = 6


class WordClasses:
    """Class of every surface of a table: WALL ends a phrase, LINK may stand inside one, CLINICAL makes one worth a
    look. Each distinct word is decided once."""

    def __init__(self) -> None:
        self._index: dict[str, int] | None = None
        self._classes = np.empty(0, np.uint8)

    def of(self, surfaces: SurfaceTable) -> np.ndarray:
        """[surfaces] uint8."""
        if surfaces.index is not self._index:
            self._index, self._classes = surfaces.index, np.empty(0, np.uint8)
        known = len(self._classes)
        if known < len(surfaces.index):
            new = list(islice(surfaces.index, known, None))
            fresh = [_word_class(token.rstrip(), i, surfaces) for i, token in enumerate(new, known)]
            self._classes = np.concatenate((self._classes, np.array(fresh, np.uint8)))
        return self._classes


def _word_class(core: str, surface: int, surfaces: SurfaceTable) -> int:
    if surfaces.kind[surface] != Kind.WORD:
        return WALL
    key = normalize(core)
    if key in FUNCTION_KEYS:
        return LINK if key in INSIDE else WALL
    if len(core) < 3 or surfaces.flags[surface] & Flag.UPPER or key in english_words():
        return PLAIN
    known = surfaces.term[surface] >= 0 or surfaces.in_bag[surface]
    return CLINICAL if known or len(core) >= SHORTEST_UNKNOWN else PLAIN


def candidate_spans(
    stream: Stream, classes: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First and last word (half-open) of every phrase outside the mentions [first, last), by position then length.

    `classes` [m] is the class of each word of the stream.
    """
    classes = classes.copy()
    covered = np.zeros(len(classes) + 1, np.int32)
    np.add.at(covered, first, 1)
    np.add.at(covered, last, -1)
    classes[np.cumsum(covered[:-1]) > 0] = WALL
    walls, clinical = _prefix(classes == WALL), _prefix(classes == CLINICAL)
    ends = classes >= PLAIN
    starts = np.flatnonzero(ends)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for length in range(1, MAX_WORDS + 1):
        starts = starts[starts <= len(classes) - length]
        stops = starts + length
        good = (walls[stops] == walls[starts]) & (clinical[stops] > clinical[starts]) & ends[stops - 1]
        good &= stream.sentence[stops - 1] == stream.sentence[starts]
        found.append((starts[good], stops[good]))
    begins, stops = (np.concatenate(column) for column in zip(*found))
    order = np.lexsort((stops, begins))
    return begins[order], stops[order]


def _prefix(flags: np.ndarray) -> np.ndarray:
    counts = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags, out=counts[1:])
    return counts
