"""Context on four axes: which cue acts on which mention, for all mentions of a batch at once.

Each cue opens a scope, a range of words bounded by its sentence, its reach and the stops in between (terminators, new
clauses). A mention whose first word lies in a forward scope, or which ends inside a backward one, is acted on. Because
scopes are ranges over a sorted axis, the join of cues and mentions is two binary searches.
The method descends from NegEx (Chapman 2001) and ConText (Harkema 2009); what differs is described in docs/context.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cue_table import Category, CueTable, Direction, Reach
from .sections import SectionBatch
from .stream import Stream
from .tokens import Kind, kind_in
from .trie import without_overlaps

FAR = np.int64(1) << 40
# Sections that speak for themselves: category a mention takes from where it stands.
SECTION_PRIORS = {
    "family_history": Category.FAMILY,
    "past_medical_history": Category.HISTORICAL,
    "past_surgical_history": Category.HISTORICAL,
    "return_precautions": Category.HYPOTHETICAL,
    "differential_diagnosis": Category.UNCERTAIN,
    "resolved_problems": Category.RESOLVED,
    "pertinent_negatives": Category.NEGATED,
}
# Words that may stand between a finding and its answer ("Fever: no", "Smoker? denies", "DVT was negative").
ANSWER_FILLERS = frozenset("is was are were be been has have had today currently and or".split())
# A comma before one of these begins a clause with a subject of its own, a comma after one of those ends a clause.
SUBJECTS = frozenset("he she they it we i patient pt this there who which".split())
PARTICIPLES = frozenset("seen noted found identified present appreciated detected demonstrated visualized observed".split())
LIST_CONJUNCTIONS = frozenset("and or nor".split())
# These take a mention out of a past history ("Past history: hypertension. Currently febrile.").
CURRENT = frozenset("currently now presently today".split())
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
class Context:
    """What the cues say. Axes are [k] uint8 (0 = default); `pair_*` are [p], ordered by mention then cue position.

    `pair_rule` is a row of the cue table, or -1 - section number for a section prior; `pair_first`/`pair_last` the cue's
    word range.
    """

    negated: np.ndarray
    uncertain: np.ndarray
    temporality: np.ndarray  # 0 recent, 1 historical, 2 hypothetical
    experiencer: np.ndarray  # 0 patient, 1 family, 2 other
    resolved: np.ndarray
    pair_mention: np.ndarray
    pair_rule: np.ndarray
    pair_first: np.ndarray
    pair_last: np.ndarray


@dataclass(slots=True)
class _Cues:
    first: np.ndarray
    last: np.ndarray
    row: np.ndarray  # row of the cue table
    category: np.ndarray


WORD_CLASSES = ANSWER_FILLERS | SUBJECTS | PARTICIPLES | LIST_CONJUNCTIONS | CURRENT


class ContextRules:
    """The cue table and the word classes that scopes depend on, bound to one cue vocabulary."""

    def __init__(self, table: CueTable, word_ids: dict[str, int]) -> None:
        self.table = table
        size = len(table.trie.first)
        self._filler = self._word_class(ANSWER_FILLERS, word_ids, size)
        self._subject = self._word_class(SUBJECTS, word_ids, size)
        self._participle = self._word_class(PARTICIPLES, word_ids, size)
        self._current = self._word_class(CURRENT, word_ids, size)
        self._conjunction = self._word_class(LIST_CONJUNCTIONS, word_ids, size)

    @staticmethod
    def _word_class(words: frozenset[str], word_ids: dict[str, int], size: int) -> np.ndarray:
        members = np.zeros(size, bool)  # the last cell answers for word id -1
        members[[word_ids[word] for word in words]] = True
        return members

    def apply(self, stream: Stream, sections: SectionBatch, mentions: MentionWords) -> Context:
        """Decide the axes of every mention."""
        cues = self._find_cues(stream, sections, mentions)
        low, high = self._scopes(stream, sections, mentions, cues)
        cue_index, mention_index = _join(low, high, mentions)
        forward = mentions.first[mention_index] >= cues.last[cue_index]
        words = self.table.words[cues.row[cue_index]]
        before = mentions.last[mention_index] <= cues.first[cue_index]
        before &= mentions.last[mention_index] >= cues.first[cue_index] - words
        keep = forward | before
        cue_index, mention_index = cue_index[keep], mention_index[keep]
        category = cues.category[cue_index]
        keep = category <= Category.RESOLVED
        cue_index, mention_index, category = cue_index[keep], mention_index[keep], category[keep]

        prior_mention, prior_section, prior_category = self._priors(stream, sections, mentions, cues)
        pair_mention = np.concatenate((mention_index, prior_mention))
        pair_rule = np.concatenate((cues.row[cue_index], -1 - prior_section))
        pair_first = np.concatenate((cues.first[cue_index], sections.first_word[prior_section]))
        pair_last = np.concatenate((cues.last[cue_index], sections.body_word[prior_section]))
        pair_category = np.concatenate((category, prior_category))
        order = np.lexsort((pair_rule, pair_first, pair_mention))
        pair_mention, pair_rule = pair_mention[order], pair_rule[order]
        pair_first, pair_last, pair_category = pair_first[order], pair_last[order], pair_category[order]

        def has(*categories: Category) -> np.ndarray:
            found = np.zeros(len(mentions.first), bool)
            found[pair_mention[_category_in(pair_category, *categories)]] = True
            return found

        resolved = has(Category.RESOLVED)
        temporality = np.where(
            has(Category.HYPOTHETICAL), 2, np.where(has(Category.HISTORICAL, Category.RESOLVED), 1, 0)
        ).astype(np.uint8)
        family, other = has(Category.FAMILY), has(Category.OTHER)
        return Context(
            negated=has(Category.NEGATED, Category.RESOLVED).astype(np.uint8),
            uncertain=has(Category.UNCERTAIN).astype(np.uint8),
            temporality=temporality,
            experiencer=np.where(family, 1, np.where(other, 2, 0)).astype(np.uint8),
            resolved=resolved,
            pair_mention=pair_mention,
            pair_rule=pair_rule,
            pair_first=pair_first,
            pair_last=pair_last,
        )

    def _find_cues(self, stream: Stream, sections: SectionBatch, mentions: MentionWords) -> _Cues:
        """Longest cues, one row per rule; cues inside headings or inside a dictionary mention are none."""
        begins = mentions.first

        def accepts(groups: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
            # a cue that would run into a mention gives way to a shorter one: "no acute" before "acute distress"
            return np.searchsorted(begins, starts, side="right") == np.searchsorted(begins, ends)

        first, last, group = self.table.trie.longest(stream.cue, accepts)
        keep = without_overlaps(first, last)
        first, last, group = first[keep], last[keep], group[keep]
        section = sections.of_words(first)
        keep = first >= sections.body_word[section]
        if not mentions.overlapping and len(mentions.first):
            place = np.searchsorted(mentions.first, first, side="right") - 1
            inside = (place >= 0) & (last <= mentions.last[np.maximum(place, 0)])
            # a relative named in a finding ("husband died") still owns what follows
            kin = _category_in(self.table.category[self.table.group_start[group]], Category.FAMILY, Category.OTHER)
            keep &= ~inside | kin
        keep &= ~self._idle_symbols(stream, first, last)
        first, last, group = first[keep], last[keep], group[keep]
        counts = self.table.group_start[group + 1] - self.table.group_start[group]
        cue = np.repeat(np.arange(len(group)), counts)
        row = _ranges(self.table.group_start[group], counts)
        return _Cues(first[cue], last[cue], row, self.table.category[row])

    def _idle_symbols(self, stream: Stream, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """[c] bool: hyphens that are dashes or bullets, and question marks whose answer follows."""
        kind = stream.kind
        final = len(kind) - 1
        single = last == first + 1
        hyphen = single & (kind[first] == Kind.HYPHEN)
        after, before = np.minimum(last, final), np.maximum(first - 1, 0)
        # "-CP": glued to the next word, apart from the one before, and no bullet
        prefix = (stream.end[first] == stream.start[after]) & (stream.start[first] > stream.end[before])
        prefix &= ~kind_in(kind[before], Kind.NEWLINE, Kind.BREAK) & (kind[after] == Kind.WORD)
        # "rash -": closes its segment
        suffix = kind_in(kind[after], Kind.COMMA, Kind.SEMICOLON, Kind.PERIOD, Kind.NEWLINE, Kind.BREAK, Kind.CLOSE)
        question = single & (kind[first] == Kind.QUESTION)
        answered = np.zeros(len(kind) + 1, bool)
        answered[first] = True
        spaced = stream.start[after] > stream.end[first]
        return (hyphen & ~prefix & ~suffix) | (question & answered[last] & spaced)

    def _scopes(
        self, stream: Stream, sections: SectionBatch, mentions: MentionWords, cues: _Cues
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
        closed |= (after == Kind.COMMA) & ~_category_in(cues.category, Category.FAMILY, Category.OTHER)
        high = np.where(closed, cues.last, high)

        answer = np.flatnonzero(reach == Reach.ANSWER)
        low[answer] = self._answer_low(stream, in_mention, cues.first[answer], cues.last[answer], sentence_low[answer])
        forward = (direction & Direction.FORWARD) > 0
        backward = (direction & Direction.BACKWARD) > 0
        return np.where(backward, low, cues.last), np.where(forward, high, cues.first)

    def _block_ends(self, stream: Stream, sections: SectionBatch, cues: _Cues) -> np.ndarray:
        """[c] where the list ends that a cue with a colon at its line's end introduces ("Denies:\n fever\n chills"), else 0."""
        kind = stream.kind
        final = len(kind) - 1
        heads = (kind[np.minimum(cues.last, final)] == Kind.COLON) & (kind[np.minimum(cues.last + 1, final)] == Kind.NEWLINE)
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

    def _stops(self, stream: Stream, cues: _Cues, in_mention: np.ndarray) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Per category: sorted word positions before which a forward scope ends, and after which a backward one begins."""
        kind = stream.kind
        category = cues.category
        # semicolons, questions, and the numbers of a run-in list: "1) asthma 2) hernia"
        numbered = np.zeros(len(kind), bool)
        numbered[1:-1] = (kind[1:-1] == Kind.NUMBER) & (kind[2:] == Kind.CLOSE) & (kind[:-2] != Kind.OPEN)
        limits = np.flatnonzero(kind_in(kind, Kind.SEMICOLON, Kind.QUESTION) | numbered)

        def where(*categories: Category) -> tuple[np.ndarray, np.ndarray]:
            chosen = _category_in(category, *categories)
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
        new_clause = after_comma & _category_in(
            category, Category.HISTORICAL, Category.UNCERTAIN, Category.FAMILY, Category.OTHER, Category.HYPOTHETICAL
        )
        opened = (cues.first[new_clause], cues.first[new_clause])
        denied = (category == Category.NEGATED) & ~in_mention[cues.first] & ((self.table.direction[cues.row] & Direction.FORWARD) > 0)
        negations = (cues.first[denied], cues.first[denied])
        empty = (np.empty(0, np.int64), np.empty(0, np.int64))
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
            Category.PSEUDO: empty,
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
        """Where an answer's scope begins: as far back as only findings and fillers stand before it; nowhere if words follow."""
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
        filler |= kind_in(kind, Kind.COLON, Kind.HYPHEN, Kind.QUESTION, Kind.COMMA, Kind.SLASH, Kind.CLOSE, Kind.OPEN, Kind.OTHER)
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

    def _priors(
        self, stream: Stream, sections: SectionBatch, mentions: MentionWords, cues: _Cues
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mentions that take a category from their section, unless a cue says that they concern the patient."""
        prior_of = np.array([SECTION_PRIORS.get(name, -1) for name in sections.names], np.int64)
        own = prior_of[sections.name]
        inherited = np.where(sections.parent >= 0, prior_of[sections.parent], -1)
        prior = np.where(own >= 0, own, inherited)
        section = sections.of_words(mentions.first)
        spoken = (mentions.first >= sections.body_word[section]) & (mentions.first < sections.spoken_end[section])
        chosen = np.flatnonzero((prior[section] >= 0) & spoken)
        sentence_low = stream.sentence_first[stream.sentence[mentions.first[chosen]]]
        # "the patient has ..." in a family history, "currently ..." in a past history speak for themselves
        now = np.flatnonzero(self._current[stream.cue]) + 1
        patient = cues.last[cues.category == Category.PATIENT]
        for category, lifting in ((Category.FAMILY, patient), (Category.HISTORICAL, now)):
            lifted = np.searchsorted(lifting, mentions.first[chosen], side="right") > np.searchsorted(
                lifting, sentence_low, side="right"
            )
            keep = ~(lifted & (prior[section[chosen]] == category))
            chosen, sentence_low = chosen[keep], sentence_low[keep]
        return chosen, section[chosen], prior[section[chosen]]


def _category_in(categories: np.ndarray, *wanted: Category) -> np.ndarray:
    table = np.zeros(len(Category), bool)
    table[list(wanted)] = True
    return table[categories]


def _ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Concatenation of range(start, start + count)."""
    total = int(counts.sum())
    offsets = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(total) - offsets + np.repeat(starts, counts)


def _covered(n: int, mentions: MentionWords) -> np.ndarray:
    """[n] bool: words inside a mention."""
    depth = np.zeros(n + 1, np.int32)
    np.add.at(depth, mentions.first, 1)
    np.add.at(depth, mentions.last, -1)
    return np.cumsum(depth[:-1]) > 0


def _join(low: np.ndarray, high: np.ndarray, mentions: MentionWords) -> tuple[np.ndarray, np.ndarray]:
    """All (cue, mention) with the mention's first word in [low, high)."""
    start = np.searchsorted(mentions.first, low)
    stop = np.searchsorted(mentions.first, high)
    counts = np.maximum(stop - start, 0)
    return np.repeat(np.arange(len(low)), counts), _ranges(start, counts)
