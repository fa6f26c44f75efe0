"""Context on four axes: which cue acts on which mention, for all mentions of a batch at once.

Each cue opens a scope, a range of words bounded by its sentence, its reach and the stops in between (terminators, new
clauses). A mention whose first word lies in a forward scope, or which ends inside a backward one, is acted on. Because
scopes are ranges over a sorted axis, the join of cues and mentions is two binary searches.
The method descends from NegEx (Chapman 2001) and ConText (Harkema 2009); what differs is described in docs/context.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cue_table import Category, CueTable
from .scopes import SCOPE_WORDS, Cues, MentionWords, ScopeRules, category_in, word_class
from .sections import SectionBatch
from .stream import Stream
from .tokens import Kind, kind_in
from .trie import without_overlaps

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
# These take a mention out of a past history ("Past history: hypertension. Currently febrile.").
CURRENT = frozenset("currently now presently today".split())
WORD_CLASSES = SCOPE_WORDS | CURRENT


@dataclass(slots=True)
class Context:
    """What the cues say. Axes are [k] uint8 (0 = default); `pair_*` are [p], ordered by mention then cue position.

    `pair_rule` is a row of the cue table, or -1 - section number for a section prior; `pair_first`/`pair_last` the
    cue's word range.
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


class ContextRules:
    """The cue table and the word classes that scopes depend on, bound to one cue vocabulary."""

    def __init__(self, table: CueTable, word_ids: dict[str, int]) -> None:
        self.table = table
        self._scopes = ScopeRules(table, word_ids)
        self._current = word_class(CURRENT, word_ids, len(table.trie.first))

    def apply(self, stream: Stream, sections: SectionBatch, mentions: MentionWords) -> Context:
        """Decide the axes of every mention."""
        cues = self._find_cues(stream, sections, mentions)
        low, high = self._scopes.scopes(stream, sections, mentions, cues)
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
            found[pair_mention[category_in(pair_category, *categories)]] = True
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

    def _find_cues(self, stream: Stream, sections: SectionBatch, mentions: MentionWords) -> Cues:
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
            kin = category_in(self.table.category[self.table.group_start[group]], Category.FAMILY, Category.OTHER)
            keep &= ~inside | kin
        keep &= ~self._idle_symbols(stream, first, last)
        first, last, group = first[keep], last[keep], group[keep]
        counts = self.table.group_start[group + 1] - self.table.group_start[group]
        cue = np.repeat(np.arange(len(group)), counts)
        row = _ranges(self.table.group_start[group], counts)
        return Cues(first[cue], last[cue], row, self.table.category[row])

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

    def _priors(
        self, stream: Stream, sections: SectionBatch, mentions: MentionWords, cues: Cues
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


def _ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Concatenation of range(start, start + count)."""
    total = int(counts.sum())
    offsets = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(total) - offsets + np.repeat(starts, counts)


def _join(low: np.ndarray, high: np.ndarray, mentions: MentionWords) -> tuple[np.ndarray, np.ndarray]:
    """All (cue, mention) with the mention's first word in [low, high)."""
    start = np.searchsorted(mentions.first, low)
    stop = np.searchsorted(mentions.first, high)
    counts = np.maximum(stop - start, 0)
    return np.repeat(np.arange(len(low)), counts), _ranges(start, counts)
