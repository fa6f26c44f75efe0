"""Light tokens: every character of a note belongs to exactly one token, and a token carries its trailing blanks.

So offsets are the running sum of token lengths, and a token's properties are looked up once per distinct string
("surface"), not once per occurrence: a batch of notes becomes one array of surface ids, and everything after that is
array arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import cache

import numpy as np

from .cut import Cut
from .normalize import fold, normalize
from .surface_keys import SurfaceKeys


class Kind(IntEnum):
    """What a token is. `BREAK` stands between notes and has no characters."""

    BREAK = 0
    WORD = 1
    NUMBER = 2
    NEWLINE = 3
    PERIOD = 4
    COMMA = 5
    COLON = 6
    SEMICOLON = 7
    QUESTION = 8
    HYPHEN = 9
    APOSTROPHE = 10
    OPEN = 11
    CLOSE = 12
    SLASH = 13
    BULLET = 14
    RULER = 15
    PLACEHOLDER = 16
    BLANK = 17
    OTHER = 18


@cache
def _kind_table(wanted: tuple[Kind, ...]) -> np.ndarray:
    table = np.zeros(max(Kind) + 1, bool)
    table[list(wanted)] = True
    return table


def kind_in(kinds: np.ndarray, *wanted: Kind) -> np.ndarray:
    """[n] bool: whether each of `kinds` is one of `wanted` (an array look-up, many times faster than `np.isin`)."""
    return _kind_table(wanted)[kinds]


class Flag(IntEnum):
    """Bits of a surface's `flags`."""

    SPACED = 1  # carries trailing blanks
    UPPER = 2  # two or more capitals and at most a plural s, or capitals with digits: an acronym or shouted word
    CAPITAL = 4  # first letter is upper case
    LOWER = 8  # first letter is lower case
    ABBREVIATION = 16  # a full stop after it does not end a sentence
    INITIAL = 32  # one capital letter
    POSSESSIVE = 64  # "s": dropped after an apostrophe
    CONTINUES = 128  # a line that ends in this word goes on in the next


PUNCTUATION = {
    ".": Kind.PERIOD,
    "!": Kind.PERIOD,
    "。": Kind.PERIOD,
    ",": Kind.COMMA,
    ":": Kind.COLON,
    ";": Kind.SEMICOLON,
    "?": Kind.QUESTION,
    "-": Kind.HYPHEN,
    "‐": Kind.HYPHEN,
    "‑": Kind.HYPHEN,
    "–": Kind.HYPHEN,
    "—": Kind.HYPHEN,
    "−": Kind.HYPHEN,
    "'": Kind.APOSTROPHE,
    "’": Kind.APOSTROPHE,
    "`": Kind.APOSTROPHE,
    "(": Kind.OPEN,
    "[": Kind.OPEN,
    "{": Kind.OPEN,
    ")": Kind.CLOSE,
    "]": Kind.CLOSE,
    "}": Kind.CLOSE,
    "/": Kind.SLASH,
    "•": Kind.BULLET,
    "·": Kind.BULLET,
    "▪": Kind.BULLET,
    "●": Kind.BULLET,
    "○": Kind.BULLET,
    "*": Kind.BULLET,
    "#": Kind.BULLET,
}
# Words after which a full stop does not end the sentence.
ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st vs approx dept fig ref etc eg ie cf al resp temp wt ht hosp pt pts yr yrs mo mos wk wks"
    " hr hrs min sec tab tabs cap caps inj inc ltd jr sr rt lt bilat neg pos incl excl max ext int hx dx rx tx sx"
    " fx".split()
)
# Words that cannot end a line for good ("There is no\nlymphadenopathy").
CONTINUING = frozenset(
    "no not of the a an and or nor with without for to in on at by from any her his their is was are were".split()
)
# Classes of numbers that cues may name: "in yyyy", "at age nn".
YEAR, NUMBER = "yyyy", "nn"
# The first alternative is by far the commonest. `_` is its own token; a run of it is a placeholder.
_WORD = r"[^\W_]+[ \t]*"
_REST = (
    r"|(?:\r\n?|[\n\x0b\x0c\x85\u2028\u2029])[ \t]*"  # one line break with the next line's indentation
    r"|\[\*\*[^\]\n]{0,120}\*\*\][ \t]*|\*\*[A-Z][A-Z_-]*(?:\[[^\]\n]{0,80}\])?[ \t]*|_+[ \t]*"  # masks
    r"|[-=~#.*]{3,}[ \t]*"
    r"|[^\w\s][ \t]*|\s"
)
TOKEN = re.compile(_WORD + _REST)
# The same for texts without other characters, a seventh faster.
TOKEN_ASCII = re.compile(_WORD + _REST, re.ASCII)
COMBINING = re.compile(r"[\u0300-\u036f]")
# Decomposed accents are no word characters for `re`: this slower pattern keeps them with their letter.
TOKEN_COMBINING = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f])*[ \t]*" + _REST)
MASK = re.compile(r"X{3,}\Z")


def split(text: str) -> list[str]:
    """Cut `text` into tokens; joined again they are the text, character for character."""
    return pattern_for(text).findall(text)


def pattern_for(text: str) -> re.Pattern[str]:
    """The pattern that cuts a text; what `cut` does with arrays."""
    if text.isascii():
        return TOKEN_ASCII
    return TOKEN_COMBINING if COMBINING.search(text) else TOKEN


def classify(surface: str) -> tuple[Kind, int, str]:
    """Return kind, flag bits and the core (the surface without trailing blanks) of one token."""
    core = surface.rstrip(" \t")
    flags = int(Flag.SPACED) if len(core) < len(surface) else 0
    if not core:
        return Kind.BLANK, flags, core
    first = core[0]
    if first in "\r\n\x0b\x0c\x85\u2028\u2029":
        return Kind.NEWLINE, flags, core
    if first.isalnum():
        if core.isdigit():
            return Kind.NUMBER, flags, core
        if MASK.match(core):
            return Kind.PLACEHOLDER, flags, core
        capitals = sum(map(str.isupper, core))
        if capitals:
            lowers = sum(map(str.islower, core))
            if lowers == 0 or (capitals >= 2 and lowers <= 1):
                flags |= Flag.UPPER if len(core) > 1 else Flag.INITIAL
            if first.isupper():
                flags |= Flag.CAPITAL
        if first.islower():
            flags |= Flag.LOWER
            if core == "s":
                flags |= Flag.POSSESSIVE
        elif core == "S":
            flags |= Flag.POSSESSIVE
        lower = core.lower()
        if lower in ABBREVIATIONS:
            flags |= Flag.ABBREVIATION
        if lower in CONTINUING:
            flags |= Flag.CONTINUES
        return Kind.WORD, flags, core
    if len(core) >= 3 and first in "-=~#.*" and core == first * len(core):
        return Kind.RULER, flags, core
    if first == "_" or len(core) > 3:
        return (Kind.PLACEHOLDER if len(core) > 1 else Kind.OTHER), flags, core
    if len(core) == 1:
        if first.isspace():
            return Kind.BLANK, flags, core
        return PUNCTUATION.get(first, Kind.OTHER), flags, core
    return Kind.OTHER, flags, core


def cue_key(kind: Kind, core: str) -> str:
    """The word by which cues and headings know a token: folded, numbers by their class."""
    if kind == Kind.NUMBER:
        return YEAR if len(core) == 4 and core[:2] in ("19", "20") else NUMBER
    return fold(core)


class _Index(dict[str, int]):
    """surface -> id; an unknown surface gets the next id and waits in `pending` for its properties."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[str] = []

    def __missing__(self, surface: str) -> int:
        index = len(self)
        self[surface] = index
        self.pending.append(surface)
        return index


# Surface of a word that no vocabulary knows, whatever its letters; no text has such a token.
UNREAD = 1
_UNREAD_TOKEN = "a b"
# cores and normalised words of surfaces outside every vocabulary -> normalised words that they were meant to be, each
# with its mark for `SurfaceTable.slip`
Corrections = Callable[[Sequence[str], Sequence[str]], Sequence[tuple[str, int] | None]]
# kinds, cores and normalised words of new surfaces -> abbreviation and neighbour numbers, -1 where unknown
AbbreviationIds = Callable[[Sequence[int], Sequence[str], Sequence[str]], tuple[Sequence[int], Sequence[int]]]


class SurfaceTable:
    """Properties of every distinct token seen so far, as arrays indexed by surface id.

    `term_ids` and `cue_ids` turn a list of normalised (folded) words into the vocabulary ids of the two tries, -1
    where unknown; `class_hashes` gives their classes' hashes and whether order-free matching knows them;
    `abbreviation_ids` the numbers by which the abbreviation table knows a surface and a neighbouring word;
    `corrections` what misspelled words were meant to be (`slip` marks those surfaces). Grows with
    the text's vocabulary; `limit` surfaces empty it, so memory stays bounded on endless streams.
    """

    def __init__(
        self,
        term_ids: Callable[[Sequence[str]], np.ndarray],
        cue_ids: Callable[[Sequence[str]], np.ndarray],
        class_hashes: Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]] | None = None,
        abbreviation_ids: AbbreviationIds | None = None,
        corrections: Corrections | None = None,
        limit: int = 1_000_000,
    ) -> None:
        self._term_ids = term_ids
        self._cue_ids = cue_ids
        self._class_hashes = class_hashes
        self._abbreviation_ids = abbreviation_ids
        self._corrections = corrections
        self._limit = limit
        self._clear()

    def _clear(self) -> None:
        self.index = _Index()
        self.index[""] = 0  # the break between notes
        self.index[_UNREAD_TOKEN] = UNREAD
        self.lookup = self.index.__getitem__
        self._keys = SurfaceKeys()
        self._size = 0
        capacity = 1 << 14
        self.length = np.zeros(capacity, np.int32)
        self.core_length = np.zeros(capacity, np.int32)
        self.kind = np.zeros(capacity, np.uint8)
        self.flags = np.zeros(capacity, np.uint8)
        self.term = np.full(capacity, -1, np.int32)
        self.cue = np.full(capacity, -1, np.int32)
        self.class_hash = np.zeros(capacity, np.uint64)
        self.in_bag = np.zeros(capacity, bool)
        self.abbreviation = np.full(capacity, -1, np.int16)
        self.neighbour = np.full(capacity, -1, np.int16)
        self.slip = np.zeros(capacity, np.uint8)
        self.kind[UNREAD] = Kind.WORD
        self.class_hash[UNREAD] = 1  # a word, and in no bag
        self._size = 2

    def trim(self) -> None:
        """Start over when the table has outgrown its limit; call between batches only."""
        if len(self.index) > self._limit:
            self._clear()

    def ids_of(self, tokens: Cut) -> np.ndarray:
        """[n] int32 surface id of every token."""
        ids = self._keys.find(tokens.key)
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            keys, first, which = np.unique(tokens.key[unknown], return_index=True, return_inverse=True)
            # in order of appearance, so that ids do not depend on the way a token was cut
            order = np.argsort(first)
            new = np.empty(len(keys), np.int32)
            places = unknown[first[order]]
            starts, lengths = tokens.start[places].tolist(), tokens.length[places].tolist()
            new[order] = [self.lookup(tokens.text[s : s + n]) for s, n in zip(starts, lengths)]
            self._keys.add(keys, new)
            ids[unknown] = new[which]
        return ids

    def settle(self) -> None:
        """Give the surfaces met since the last call their properties."""
        pending = self.index.pending
        if not pending:
            return
        start = self._size
        self._size = end = start + len(pending)
        if end > len(self.length):
            self._grow(max(end, 2 * len(self.length)))
        kinds: list[Kind] = []
        flags: list[int] = []
        cores: list[str] = []
        for surface in pending:
            kind, flag, core = classify(surface)
            kinds.append(kind)
            flags.append(flag)
            cores.append(core)
        self.length[start:end] = list(map(len, pending))
        self.core_length[start:end] = list(map(len, cores))
        self.kind[start:end] = kinds
        self.flags[start:end] = flags
        unseen = (Kind.BLANK, Kind.NEWLINE, Kind.PLACEHOLDER, Kind.RULER)
        # An empty key is in no vocabulary: blanks and masks never match.
        keys = ["" if k in unseen else normalize(c) for k, c in zip(kinds, cores)]
        self.term[start:end] = self._term_ids(keys)
        if self._class_hashes is not None:
            self.class_hash[start:end], self.in_bag[start:end] = self._class_hashes(keys)
        if self._abbreviation_ids is not None:
            self.abbreviation[start:end], self.neighbour[start:end] = self._abbreviation_ids(kinds, cores, keys)
        self.cue[start:end] = self._cue_ids(["" if k in unseen else cue_key(k, c) for k, c in zip(kinds, cores)])
        self._correct(start, cores, keys)
        pending.clear()

    def _correct(self, start: int, cores: Sequence[str], keys: Sequence[str]) -> None:
        """Give new words that no vocabulary has the properties of the words they were meant to be."""
        if self._corrections is None:
            return
        new = slice(start, start + len(cores))
        unknown = (self.kind[new] == Kind.WORD) & (self.term[new] < 0) & (self.cue[new] < 0)
        unknown &= self.abbreviation[new] == -1
        rows: list[int] = np.flatnonzero(unknown).tolist()
        answers = self._corrections([cores[row] for row in rows], [keys[row] for row in rows])
        meant = [(row, answer) for row, answer in zip(rows, answers) if answer is not None]
        if not meant:
            return
        place = np.array([row for row, _ in meant]) + start
        right = [key for _, (key, _) in meant]
        self.term[place] = self._term_ids(right)
        if self._class_hashes is not None:
            self.class_hash[place], self.in_bag[place] = self._class_hashes(right)
        self.slip[place] = [mark for _, (_, mark) in meant]

    def _grow(self, capacity: int) -> None:
        unknown = ("term", "cue", "abbreviation", "neighbour")
        for name in ("length", "core_length", "kind", "flags", "class_hash", "in_bag", "slip", *unknown):
            old = getattr(self, name)
            new = np.full(capacity, -1 if name in unknown else 0, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


def words_of(text: str) -> list[str]:
    """The words of a dictionary term, cue or heading, as the matcher will meet them in a note (not yet normalised).

    Hyphens inside words and apostrophes vanish, a possessive s with its apostrophe, and full stops; other punctuation
    stays. `stream.join` applies the same rules to notes.
    """
    tokens = [(*classify(surface),) for surface in split(text)]
    alphanumeric = [kind in (Kind.WORD, Kind.NUMBER) for kind, _, _ in tokens]
    words: list[str] = []
    for i, (kind, flags, core) in enumerate(tokens):
        if kind in (Kind.APOSTROPHE, Kind.PERIOD, Kind.BLANK, Kind.NEWLINE):
            continue
        glued = i > 0 and not tokens[i - 1][1] & Flag.SPACED
        if kind == Kind.HYPHEN:
            inside = glued and alphanumeric[i - 1] and not flags & Flag.SPACED
            if inside and i + 1 < len(tokens) and alphanumeric[i + 1]:
                continue
        elif flags & Flag.POSSESSIVE and glued and tokens[i - 1][0] == Kind.APOSTROPHE:
            continue
        words.append(core)
    return words


def key_words(text: str) -> list[str]:
    """The normalised words by which a dictionary term is found."""
    return [normalize(word) for word in words_of(text)]
