"""The context cues as arrays: what stands in `data/cues.tsv`, or in a site's own file of the same form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from .normalize import fold
from .tokens import NUMBER, words_of
from .trie import Trie, Vocabulary, pad
from .tsv import data_file, read_tsv


class Category(IntEnum):
    """What a cue does; see `docs/context.md`."""

    NEGATED = 0
    UNCERTAIN = 1
    HISTORICAL = 2
    HYPOTHETICAL = 3
    FAMILY = 4
    OTHER = 5
    RESOLVED = 6
    AFFIRMED = 7
    TERMINATOR = 8
    PATIENT = 9
    PSEUDO = 10


class Direction(IntEnum):
    """Where a cue looks for its targets."""

    NONE = 0
    FORWARD = 1
    BACKWARD = 2
    BOTH = 3


class Reach(IntEnum):
    """How a cue's scope ends; a plain number of words is WORDS with `words` set."""

    SENTENCE = 0
    CLAUSE = 1
    WORDS = 2
    ANSWER = 3


UNLIMITED = 1_000_000
ADJACENT_WORDS = 1
COLUMNS = ("rule", "cue", "category", "direction", "reach", "positive", "negative")


@dataclass(frozen=True, slots=True)
class CueRow:
    """One line of a cue file. `examples` are the positive and the negative one, in inline mark-up."""

    rule: str
    cue: str
    category: Category
    direction: Direction
    reach: Reach
    words: int
    examples: tuple[str, str]


def parse_reach(text: str) -> tuple[Reach, int]:
    """`sentence`, `clause`, `answer`, `adjacent` or a number of words. ValueError on anything else."""
    if text.isdigit():
        return Reach.WORDS, int(text)
    if text == "adjacent":
        return Reach.WORDS, ADJACENT_WORDS
    return Reach[text.upper()], UNLIMITED


def read_cues(path: Path) -> list[CueRow]:
    """Read a cue file. Raises ValueError naming file and line for an unknown category, direction or reach."""
    rows: list[CueRow] = []
    for number, row in read_tsv(path):
        missing = [column for column in COLUMNS if column not in row]
        if missing:
            raise ValueError(f"{path}: no column {', '.join(missing)}; a cue file has {', '.join(COLUMNS)}")
        try:
            category = Category[row["category"].upper()]
            direction = Direction[row["direction"].upper()]
            reach, words = parse_reach(row["reach"])
        except (KeyError, ValueError):
            raise ValueError(
                f"{path}:{number}: unknown category {row['category']!r}, direction {row['direction']!r} or reach"
                f" {row['reach']!r}; see the header of nlp/data/cues.tsv"
            ) from None
        examples = (row["positive"].replace("\\n", "\n"), row["negative"].replace("\\n", "\n"))
        rows.append(CueRow(row["rule"], row["cue"], category, direction, reach, words, examples))
    return rows


@dataclass(frozen=True, slots=True)
class CueTable:
    """Cues by trie group: `rows[group_start[g]:group_start[g + 1]]` are the rules of one cue string."""

    rows: tuple[CueRow, ...]
    trie: Trie
    group_start: np.ndarray
    category: np.ndarray
    direction: np.ndarray
    reach: np.ndarray
    words: np.ndarray

    @classmethod
    def build(cls, rows: Iterable[CueRow], vocabulary: Vocabulary) -> CueTable:
        kept = [(row, folded_words(row.cue)) for row in rows]
        kept = [(row, words) for row, words in kept if words]
        matrix, lengths = pad([vocabulary.ids(words) for _, words in kept])
        trie, group = Trie.build(matrix, lengths, len(vocabulary.hashes))
        order = np.argsort(group, kind="stable")
        ordered = tuple(kept[i][0] for i in order.tolist())
        start = np.zeros((int(group.max()) + 1 if len(group) else 0) + 1, np.int64)
        np.cumsum(np.bincount(group), out=start[1:])
        return cls(
            rows=ordered,
            trie=trie,
            group_start=start,
            category=np.array([row.category for row in ordered], np.int8),
            direction=np.array([row.direction for row in ordered], np.int8),
            reach=np.array([row.reach for row in ordered], np.int8),
            words=np.array([row.words for row in ordered], np.int64),
        )


def folded_words(text: str) -> list[str]:
    """The words by which a cue or heading is found: folded, not stemmed ("denies" is not "deny"), numbers by class."""
    return [NUMBER if word.isdigit() else fold(word) for word in words_of(text)]


def default_cues() -> list[CueRow]:
    """The cues shipped with the package."""
    return read_cues(data_file("cues.tsv"))
