"""Scopes: how far a cue reaches, for all cues of a batch at once.

A scope is a range of words around its cue, bounded by the sentence, the cue's reach, and the stops in between:
terminators, affirmations, new clauses, the numbers of a run-in list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cue_table import Category, CueTable, Direction, Reach
from .sections import SectionBatch
from .stream import Stream
from .tokens import Kind, kind_in

FAR = np.int64(1) << 40
# Words that may stand between a finding and its answer ("Fever: no", "Smoker? denies", "DVT was negative").
ANSWER_FILLERS = frozenset("is was are were be been has have had today currently and or".split())
# A comma before one of these begins a clause with a subject of its own, a comma after one of those ends a clause.
SUBJECTS = frozenset("he she they it we i patient pt this there who which".split())
PARTICIPLES = frozenset(
    "seen noted found identified present appreciated detected demonstrated visualized observed".split()
)
LIST_CONJUNCTIONS = frozenset("and or nor".split())
# Between two commas of a list of findings stand so many words at most.
LIST_ITEM_WORDS = 3
# A list over several lines ends at an empty line, a heading, or after so many words.
LIST_BLOCK_WORDS = 120


@dataclass(slots=True)
class MentionWords:
    """Mentions as word ranges [k], ordered by `first`; `overlapping` says that they may nest (given spans)."""

    first: np.ndarray
    last: np.ndarray  # half-open
    overlapping: bool


@dataclass(slots=True)
class Cues:
    """Cues of a batch, one row per rule that a cue string stands for; `[c]` arrays, ordered by position."""

    first: np.ndarray
    last: np.ndarray
    row: np.ndarray  # row of the cue table
    category: np.ndarray


SCOPE_WORDS = ANSWER_FILLERS | SUBJECTS | PARTICIPLES | LIST_CONJUNCTIONS


class ScopeRules:
    """The cue table and the word classes that scopes depend on, bound to one cue vocabulary."""

    def __init__(self, table: CueTable, word_ids: dict[str, int]) -> None:
        self.table = table
        size = len(table.trie.first)
        self._filler = word_class(ANSWER_FILLERS, word_ids, size)
        self._subject = word_class(SUBJECTS, word_ids, size)
        self._participle = word_class(PARTICIPLES, word_ids, size)
        self._conjunction = word_class(LIST_CONJUNCTIONS, word_ids, size)

    def scopes(
        self, stream: Stream, sections: SectionBatch, mentions: MentionWords, cues: Cues
    ) -> tuple[np.ndarray, np.ndarray]:
        """Word range [low, high) in which each cue looks for targets; the cue itself lies inside it."""
        table = self.table
        direction, reach, words = table.direction[cues.row], table.reach[cues.row], table.words[cues.row]
        sentence = stream.sentence[np.minimum(cues.first, len(stream.sentence) - 1)]
        sentence_low = stream.sentence_first[sentence]
        sentence_high = stream.sentence_first[sentence + 1]
        block_high = self._block_ends(stream, sections, cues)
        sentence_high = np.maximum(sentence_high, block_high)
        in_mention = _covered(len(stream.kind), mentions)
        clause = self._clause_breaks(stream, in_mention)
        stops = self._stops(stream, cues, in_mention)

        # forward: to the sentence's end, the reach, or the first stop
        limit = np.where(reach == Reach.WORDS, cues.last + words + 1, FAR)
        high = np.minimum(sentence_high, limit)
        low = sentence_low.copy()  # a number of words is counted to a mention's end: see `apply`
        for category in range(Category.RESOLVED + 1):
            mine = np.flatnonzero(cues.category == category)
            if not len(mine):
                continue
            starts, ends = stops[category]
            at = cues.last[mine]
            place = np.searchsorted(starts, at)
            high[mine] = np.minimum(high[mine], np.append(starts, FAR)[place])
            place = np.searchsorted(ends, cues.first[mine], side="right") - 1
            low[mine] = np.maximum(low[mine], np.append(ends, 0)[place])
        near = np.flatnonzero(reach == Reach.CLAUSE)
        at = cues.last[near]
        # a colon right after the cue belongs to it: "Denies: fever, chills"
        at = at + (stream.kind[np.minimum(at, len(stream.kind) - 1)] == Kind.COLON)
        place = np.searchsorted(clause, at)
        high[near] = np.minimum(high[near], np.append(clause, FAR)[place])
        place = np.searchsorted(clause, cues.first[near]) - 1
        low[near] = np.maximum(low[near], np.append(clause, -1)[place] + 1)

        # "Cough: no, fever: yes": what closes its segment looks back, not forward
        after = stream.kind[np.minimum(cues.last, len(stream.kind) - 1)]
        closed = kind_in(after, Kind.CLOSE, Kind.SEMICOLON)
        # "his mother, who was ninety, had ...": relatives reach over their comma
        closed |= (after == Kind.COMMA) & ~category_in(cues.category, Category.FAMILY, Category.OTHER)
        high = np.where(closed, cues.last, high)

        answer = np.flatnonzero(reach == Reach.ANSWER)
        low[answer] = self._answer_low(stream, in_mention, cues.first[answer], cues.last[answer], sentence_low[answer])
        forward = (direction & Direction.FORWARD) > 0
        backward = (direction & Direction.BACKWARD) > 0
        return np.where(backward, low, cues.last), np.where(forward, high, cues.first)

    def _block_ends(self, stream: Stream, sections: SectionBatch, cues: Cues) -> np.ndarray:
        """[c] where the list ends that a cue before a colon and a line break introduces ("Denies:\n fever"), else 0."""
        kind = stream.kind
        final = len(kind) - 1
        after, next_ = kind[np.minimum(cues.last, final)], kind[np.minimum(cues.last + 1, final)]
        heads = (after == Kind.COLON) & (next_ == Kind.NEWLINE)
        heads |= (after == Kind.NEWLINE) & kind_in(next_, Kind.BULLET, Kind.HYPHEN)
        heads &= cues.category <= Category.HYPOTHETICAL
        result = np.zeros(len(cues.first), np.int64)
        rows = np.flatnonzero(heads)
        if len(rows):
            empty = np.flatnonzero((kind[:-1] == Kind.NEWLINE) & (kind[1:] == Kind.NEWLINE))
            walls = np.unique(np.concatenate((empty, sections.first_word, np.flatnonzero(kind == Kind.BREAK))))
            at = cues.last[rows] + 2
            place = np.searchsorted(walls, at)
            result[rows] = np.minimum(np.append(walls, final)[place], at + LIST_BLOCK_WORDS)
        return result

    def _stops(self, stream: Stream, cues: Cues, in_mention: np.ndarray) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Per category: sorted words before which a forward scope ends, and after which a backward one begins."""
        kind = stream.kind
        category = cues.category
        # semicolons, questions, and the numbers of a run-in list: "1) asthma 2) hernia"
        numbered = np.zeros(len(kind), bool)
        numbered[1:-1] = (kind[1:-1] == Kind.NUMBER) & (kind[2:] == Kind.CLOSE) & (kind[:-2] != Kind.OPEN)
        limits = np.flatnonzero(kind_in(kind, Kind.SEMICOLON, Kind.QUESTION) | numbered)

        def where(*categories: Category) -> tuple[np.ndarray, np.ndarray]:
            chosen = category_in(category, *categories)
            return cues.first[chosen], cues.last[chosen]

        def merged(*parts: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            return (
                np.unique(np.concatenate([first for first, _ in parts])),
                np.unique(np.concatenate([last for _, last in parts])),
            )

        marks = (limits, limits + 1)
        terminators = where(Category.TERMINATOR)
        affirmed = where(Category.AFFIRMED)
        patient = where(Category.PATIENT)
        # "no fever, history of asthma": a cue of another kind right after a comma opens a clause of its own
        after_comma = kind[np.maximum(cues.first - 1, 0)] == Kind.COMMA
        new_clause = after_comma & category_in(
            category, Category.HISTORICAL, Category.UNCERTAIN, Category.FAMILY, Category.OTHER, Category.HYPOTHETICAL
        )
        opened = (cues.first[new_clause], cues.first[new_clause])
        denied = (
            (category == Category.NEGATED)
            & ~in_mention[cues.first]
            & ((self.table.direction[cues.row] & Direction.FORWARD) > 0)
        )
        negations = (cues.first[denied], cues.first[denied])
        # "No wheeze, she is tachypneic": a comma before a subject
        comma = np.flatnonzero(kind == Kind.COMMA)
        comma = comma[self._subject[stream.cue[np.minimum(comma + 1, len(kind) - 1)]]]
        general = merged(terminators, affirmed, marks, (comma, comma + 1))
        return {
            Category.NEGATED: merged(general, opened),
            Category.UNCERTAIN: merged(general, negations, opened),
            Category.HISTORICAL: merged(general, negations),
            Category.HYPOTHETICAL: merged(terminators, marks),
            Category.FAMILY: merged(patient, marks),
            Category.OTHER: merged(patient, marks),
            Category.RESOLVED: general,
        }

    def _clause_breaks(self, stream: Stream, in_mention: np.ndarray) -> np.ndarray:
        """Sorted positions of colons, and of commas that do not continue a list of findings."""
        kind = stream.kind
        comma = np.flatnonzero(kind == Kind.COMMA)
        last = len(kind) - 1
        following = np.minimum(comma + 1, last)
        listed = np.zeros(len(comma), bool)
        for ahead in range(4):  # "or", "any", one adjective may stand before the next finding
            listed |= in_mention[np.minimum(following + ahead, last)]
        # "no mass, midline shift, or large infarct": items that nobody marked, up to the next comma, "and" or "or"
        alive = kind[following] == Kind.WORD
        for ahead in range(1, LIST_ITEM_WORDS + 1):
            here = np.minimum(following + ahead, last)
            listed |= alive & ((kind[here] == Kind.COMMA) | self._conjunction[stream.cue[here]])
            alive &= kind[here] == Kind.WORD
        ended = self._participle[stream.cue[np.maximum(comma - 1, 0)]] & ~self._conjunction[stream.cue[following]]
        listed &= ~ended
        colon = np.flatnonzero(kind == Kind.COLON)
        return np.sort(np.concatenate((comma[~listed], colon)))

    def _answer_low(
        self, stream: Stream, in_mention: np.ndarray, first: np.ndarray, last: np.ndarray, sentence_low: np.ndarray
    ) -> np.ndarray:
        """Where an answer's scope begins: as far back as only findings and fillers stand; nowhere if words follow."""
        kind = stream.kind
        n = len(kind)
        follows = kind[np.minimum(last, n - 1)]
        closes = kind_in(
            follows,
            *(Kind.PERIOD, Kind.COMMA, Kind.SEMICOLON, Kind.NEWLINE, Kind.BREAK, Kind.CLOSE, Kind.OPEN, Kind.RULER),
        )
        # "COPD? No: FEV1 is normal."
        closes |= (follows == Kind.COLON) & (kind[np.maximum(first - 1, 0)] == Kind.QUESTION)
        filler = in_mention | self._filler[stream.cue]
        filler |= kind_in(
            kind, Kind.COLON, Kind.HYPHEN, Kind.QUESTION, Kind.COMMA, Kind.SLASH, Kind.CLOSE, Kind.OPEN, Kind.OTHER
        )
        blocked = np.flatnonzero(~filler)
        place = np.searchsorted(blocked, first) - 1
        wall = np.append(blocked, -1)[place] + 1
        # an answer needs its mark: "Fever: no", "Fever - none", "Fever? no", "DVT was negative"
        before = kind[np.maximum(first - 1, 0)]
        marked = kind_in(before, Kind.COLON, Kind.HYPHEN, Kind.QUESTION, Kind.SLASH, Kind.OPEN)
        marked |= self._filler[stream.cue[np.maximum(first - 1, 0)]]
        low = np.where(marked, np.maximum(wall, sentence_low), first)
        # "Ulcer healed.", "Bowel obstruction, resolved.", "UTI?": without a mark it answers the finding next to it only
        gap = np.where(before == Kind.COMMA, 2, 1)
        outside = np.flatnonzero(~in_mention)
        beside = in_mention[np.maximum(first - gap, 0)] & ~marked
        place = np.searchsorted(outside, first - gap) - 1
        low = np.where(beside, np.maximum(np.append(outside, -1)[place] + 1, sentence_low), low)
        # "UTI? start treatment": a question mark glued to the finding needs no end of segment
        glued = (kind[first] == Kind.QUESTION) & (stream.start[first] == stream.end[np.maximum(first - 1, 0)])
        return np.where(closes | glued, low, first)


def word_class(words: frozenset[str], word_ids: dict[str, int], size: int) -> np.ndarray:
    """[size] bool: which word ids are among `words`; the last cell answers for word id -1."""
    members = np.zeros(size, bool)
    members[[word_ids[word] for word in words]] = True
    return members


def category_in(categories: np.ndarray, *wanted: Category) -> np.ndarray:
    """[n] bool: whether each category is one of `wanted`."""
    table = np.zeros(len(Category), bool)
    table[list(wanted)] = True
    return table[categories]


def _covered(n: int, mentions: MentionWords) -> np.ndarray:
    """[n] bool: words inside a mention."""
    depth = np.zeros(n + 1, np.int32)
    np.add.at(depth, mentions.first, 1)
    np.add.at(depth, mentions.last, -1)
    return np.cumsum(depth[:-1]) > 0
