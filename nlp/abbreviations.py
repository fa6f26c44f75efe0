"""Abbreviations in the word stream: found as written, decided by a definition in the note or by their surroundings.

An abbreviation of the table inside a longer dictionary match is left alone; elsewhere the table decides. A sense
whose concept the terminology has makes a mention, any other sense makes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .abbreviation_table import AbbreviationSense, by_abbreviation
from .definitions import expansion_keys, long_form, match_expansion, spelled_by_initials, window_words
from .recognize import Matches, part_of_a_name, shouted_around
from .sections import SectionBatch
from .sense_choice import NeighbourWords, Occurrences, SenseChooser, neighbour_key
from .stream import Stream
from .terminology.plain_english import plain_english_words
from .terminology.terminology import ENTRY_CASE, GROUP_ANY, Terminology
from .tokens import Flag, Kind, SurfaceTable, key_words, kind_in, words_of

# What has been decided about an occurrence, where it is no concept number.
NO_CONCEPT, FOREIGN = -1, -2  # FOREIGN: the sense has a code that the terminology lacks
GROUP_BASE = -2  # BatchResult.group of a mention that the table decided: GROUP_BASE - number of the abbreviation
MAX_DEFINITION_WORDS = 14


class AbbreviationTable:
    """Abbreviations bound to a terminology. `rows` are the senses; `section_names` the names that sections may have;
    `wanted` [n_concepts] bool the concepts that may be found, None for all."""

    def __init__(
        self,
        senses: Iterable[AbbreviationSense],
        terminology: Terminology,
        section_names: Sequence[str],
        wanted: np.ndarray | None = None,
    ) -> None:
        self._terminology = terminology
        groups = by_abbreviation(senses)
        self.names = tuple(groups)
        self.senses = tuple(tuple(group) for group in groups.values())
        self.concepts = tuple(tuple(_concept(sense, terminology, wanted) for sense in group) for group in self.senses)
        self._expansions = [[expansion_keys(sense.expansion) for sense in group] for group in self.senses]
        # surface -> number of a one-word abbreviation, or -2 - number of a word that begins longer ones ("N/V")
        words = [words_of(name) for name in self.names]
        self._surface = {name: number for number, name in enumerate(self.names) if len(words[number]) == 1}
        heads = sorted({parts[0] for parts in words if len(parts) > 1})
        self._alone = np.array([self._surface.get(head, -1) for head in heads], np.int64)
        self._longer = [
            [(name, len(words[n]), n) for n, name in enumerate(self.names) if len(words[n]) > 1 and words[n][0] == head]
            for head in heads
        ]
        for name in self.names:
            if name.isupper() and len(name) > 1 and not name.endswith("S") and name in self._surface:
                self._surface.setdefault(name + "s", self._surface[name])
        self._surface.update((head, -2 - number) for number, head in enumerate(heads))
        several = [number for number, group in enumerate(self.senses) if len(group) > 1]
        self._row = np.full(len(self.names), -1, np.int64)
        self._row[several] = np.arange(len(several))
        self._chooser = SenseChooser(
            [self.senses[number] for number in several], [self.concepts[number] for number in several], section_names
        )
        width = max(map(len, self.senses), default=1)
        self._concept = np.full((len(self.names), width), NO_CONCEPT, np.int64)
        for number, group in enumerate(self.concepts):
            self._concept[number, : len(group)] = group
        self._coded = (self._concept >= 0).any(axis=1)
        self._foreign = (self._concept == FOREIGN).any(axis=1)
        self._wordlike = np.array(
            [name.isupper() and name.lower() in plain_english_words() for name in self.names], bool
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def words(self) -> NeighbourWords:
        return self._chooser.words

    def surface_ids(
        self, kinds: Sequence[int], cores: Sequence[str], keys: Sequence[str]
    ) -> tuple[list[int], list[int]]:
        """Abbreviation and neighbour number of each new surface; -1 for most."""
        number = self.words.number
        return (
            [self._surface.get(core, -1) for core in cores],
            [number.get(neighbour_key(Kind(kind), key), -1) for kind, key in zip(kinds, keys)],
        )

    def codes(self, group: int, concept: int) -> list[int]:
        """All concepts that the abbreviation of `group` (BatchResult.group) may stand for, `concept` first."""
        return list(dict.fromkeys([concept, *(c for c in self.concepts[GROUP_BASE - group] if c >= 0)]))

    def resolve(
        self,
        texts: Sequence[str],
        note_char: np.ndarray,
        stream: Stream,
        surfaces: SurfaceTable,
        sections: SectionBatch,
        matches: Matches,
        concept: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return `matches` (first, last, group) and `concept` with the abbreviations decided, in order of position."""
        first, last, group = matches
        found = self._find(texts, note_char, stream, surfaces)
        if not len(found):
            return first, last, group, concept
        found, place, exact = _outside_longer(found, first, last)
        wordlike = np.flatnonzero(self._wordlike[found.row])
        shouted = np.zeros(len(found), bool)
        shouted[wordlike] = shouted_around(
            stream, (stream.flags & Flag.UPPER) > 0, found.first[wordlike], found.last[wordlike]
        )
        # in a shouted passage it is a word: only a dictionary string that needs no capitals may stay
        dropped = place[shouted & exact]
        dropped = dropped[self._needs_capitals(group[dropped])]
        keep = ~shouted
        found, place, exact = found.take(keep), place[keep], exact[keep]

        decided = self._concept[found.row, 0]
        several = (self._row[found.row] >= 0) & (self._coded[found.row] | (exact & self._foreign[found.row]))
        defined = self._definitions(texts, note_char, stream, found, matches, concept)
        index = np.flatnonzero(several)
        if len(index):
            words = surfaces.neighbour[stream.surface]
            self.words.mark_pairs(words)
            breaks = np.flatnonzero(stream.kind == Kind.BREAK)
            plain = np.ones(len(first), bool)
            plain[place[exact]] = False
            named = np.searchsorted(note_char, stream.start[first[plain]], side="right") - 1, concept[plain]
            asked = found.take(index)
            asked.row[:] = self._row[asked.row]
            slots = self._chooser.choose(stream, words, breaks, sections, asked, named)
            decided[index] = self._concept[found.row[index], slots]
        decided[(self._row[found.row] >= 0) & ~several] = NO_CONCEPT
        for number, bound in defined:
            decided[number] = bound
        # the dictionary's own acronym stays where the table's sense is a concept that this terminology lacks
        own = exact & (decided == FOREIGN)
        own[own] = self._needs_capitals(group[place[own]])
        chosen = decided >= 0
        inside = np.flatnonzero(chosen & exact)
        group, concept = group.astype(np.int32), concept.copy()
        group[place[inside]] = GROUP_BASE - found.row[inside]
        concept[place[inside]] = decided[inside]
        dropped = np.concatenate((dropped, place[exact & ~chosen & ~own]))
        stays = np.ones(len(first), bool)
        stays[dropped] = False
        fresh = np.flatnonzero(chosen & ~exact)
        first = np.concatenate((first[stays], found.first[fresh]))
        last = np.concatenate((last[stays], found.last[fresh]))
        group = np.concatenate((group[stays], (GROUP_BASE - found.row[fresh]).astype(np.int32)))
        concept = np.concatenate((concept[stays], decided[fresh].astype(concept.dtype)))
        order = np.argsort(first, kind="stable")
        return first[order], last[order], group[order], concept[order]

    def _find(self, texts: Sequence[str], note_char: np.ndarray, stream: Stream, surfaces: SurfaceTable) -> Occurrences:
        mark = surfaces.abbreviation[stream.surface]
        first = np.flatnonzero(mark != -1)
        row = mark[first].astype(np.int64)
        heads = np.flatnonzero(row < -1)
        begins = -2 - row[heads]
        row[heads] = self._alone[begins]
        # "N/V", "D&C": the next word is a sign
        signed = kind_in(stream.kind[first[heads] + 1], Kind.SLASH, Kind.OTHER)
        last = first + 1
        for head, longer in zip(heads[signed].tolist(), begins[signed].tolist()):
            begin = int(first[head])
            note = int(np.searchsorted(note_char, stream.start[begin], side="right")) - 1
            start = int(stream.start[begin] - note_char[note])
            best = 0
            for name, size, number in self._longer[longer]:
                stop = min(begin + size, len(stream.end)) - 1
                end = int(stream.end[stop] - note_char[note])
                if size > best and texts[note][start:end] == name:
                    best, row[head] = size, number
                    last[head] = begin + size
        whole = ~part_of_a_name(stream, (stream.flags & Flag.UPPER) > 0, first, last)
        ours = np.flatnonzero((row >= 0) & whole)
        first, last, row = first[ours], last[ours], row[ours]
        note = np.searchsorted(note_char, stream.start[first], side="right") - 1
        return Occurrences(first, last, row, note)

    def _needs_capitals(self, groups: np.ndarray) -> np.ndarray:
        """[k] bool: dictionary strings that stand for a concept in capitals only, as acronyms do."""
        terminology = self._terminology
        best = terminology.entry_flags[terminology.group_start[groups]]
        return (terminology.group_case[groups] != GROUP_ANY) & ((best & ENTRY_CASE) > 0)

    def _definitions(
        self,
        texts: Sequence[str],
        note_char: np.ndarray,
        stream: Stream,
        found: Occurrences,
        matches: Matches,
        concept: np.ndarray,
    ) -> list[tuple[np.ndarray, int]]:
        """What the notes themselves define: indices of the bound occurrences and what they stand for."""
        kind = stream.kind
        before, after = kind[found.first - 1], kind[found.last]
        sign = (Kind.OPEN, Kind.HYPHEN)
        in_bracket = (before == Kind.OPEN) & kind_in(after, Kind.CLOSE, Kind.COMMA, Kind.SEMICOLON)
        behind = in_bracket | (before == Kind.HYPHEN)
        ahead = kind_in(after, *sign)
        bound: dict[tuple[int, int], int] = {}
        for i in np.flatnonzero(behind | ahead).tolist():
            key = int(found.note[i]), int(found.row[i])
            if key in bound:
                continue
            meaning: int | None = None
            text, base = texts[key[0]], int(note_char[key[0]])
            if behind[i]:
                meaning = self._read_before(text, base, stream, int(found.first[i]), key[1], matches, concept)
            if meaning is None and ahead[i]:
                meaning = self._read_after(text, base, stream, int(found.last[i]), key[1], matches, concept)
            if meaning is not None:
                bound[key] = meaning
        return [
            (np.flatnonzero((found.note == note) & (found.row == row)), meaning)
            for (note, row), meaning in bound.items()
        ]

    def _read_before(
        self, text: str, base: int, stream: Stream, first: int, row: int, matches: Matches, concept: np.ndarray
    ) -> int | None:
        """The meaning given by the words before the sign at `first` - 1: "multiple sclerosis (MS)"."""
        name = self.names[row]
        begin = first - 1
        sentence = int(stream.sentence[begin])
        words = 0
        while begin > 0 and words < window_words(name) and stream.sentence[begin - 1] == sentence:
            if stream.kind[begin - 1] in (Kind.OPEN, Kind.CLOSE, Kind.BREAK, Kind.COLON):
                break
            begin -= 1
            words += 1
        if begin == first - 1:
            return None
        window = text[int(stream.start[begin]) - base : int(stream.end[first - 2]) - base]
        listed = match_expansion(key_words(window), self._expansions[row], at_end=True)
        if listed >= 0:
            return int(self._concept[row, listed])
        spelled = long_form(name, window)
        if spelled is None:
            return None
        start = int(stream.end[first - 2]) - len(spelled)
        return self._unlisted(name, spelled, start, first - 1, stream, matches, concept)

    def _read_after(
        self, text: str, base: int, stream: Stream, last: int, row: int, matches: Matches, concept: np.ndarray
    ) -> int | None:
        """The meaning given by the words after the sign at `last`: "MS (multiple sclerosis)"."""
        name = self.names[row]
        stop = last + 1
        limit = last + 1 + MAX_DEFINITION_WORDS
        sentence = int(stream.sentence[last])
        while stop < min(limit, len(stream.kind)) and stream.sentence[stop] == sentence:
            if stream.kind[stop] in (
                Kind.CLOSE,
                Kind.OPEN,
                Kind.BREAK,
                Kind.HYPHEN,
                Kind.COMMA,
                Kind.SEMICOLON,
                Kind.PERIOD,
            ):
                break
            stop += 1
        if stop == last + 1:
            return None
        window = text[int(stream.start[last + 1]) - base : int(stream.end[stop - 1]) - base]
        listed = match_expansion(key_words(window), self._expansions[row], at_end=False)
        if listed >= 0:
            return int(self._concept[row, listed])
        if stream.kind[last] != Kind.OPEN:
            return None
        spelled = long_form(name, window)
        if spelled is None or len(spelled) < len(window):
            return None
        return self._unlisted(name, spelled, int(stream.start[last + 1]), stop, stream, matches, concept)

    def _unlisted(
        self, name: str, spelled: str, start: int, stop: int, stream: Stream, matches: Matches, concept: np.ndarray
    ) -> int | None:
        """A long form that is no listed sense: a dictionary mention that ends with it, or no concept at all."""
        first, last, _ = matches
        for i in range(int(np.searchsorted(first, stop)) - 1, -1, -1):
            if int(stream.end[last[i] - 1]) <= start:
                break
            if last[i] == stop and int(stream.start[first[i]]) <= start:
                return int(concept[i])
        return NO_CONCEPT if spelled_by_initials(name, spelled) else None


def _concept(sense: AbbreviationSense, terminology: Terminology, wanted: np.ndarray | None) -> int:
    if not sense.code:
        return NO_CONCEPT
    found = terminology.find(sense.code, sense.system)
    if found >= 0 and wanted is not None and not wanted[found]:
        return NO_CONCEPT  # the abbreviation may still have this sense, which then makes no mention
    return found if found >= 0 else FOREIGN


def _outside_longer(
    found: Occurrences, first: np.ndarray, last: np.ndarray
) -> tuple[Occurrences, np.ndarray, np.ndarray]:
    """Leave out occurrences inside longer matches; return the rest, the match before each, whether it is just that."""
    if not len(first):
        return found, np.zeros(len(found), np.int64), np.zeros(len(found), bool)
    place = np.maximum(np.searchsorted(first, found.first, side="right") - 1, 0)
    begun = first[place] <= found.first
    exact = (first[place] == found.first) & (last[place] == found.last)
    reach = np.maximum.accumulate(last)
    covered = begun & (reach[place] > found.first) & ~(exact & (reach[place] == found.last))
    # a match inside the abbreviation (the V of "N/V") stays too
    following = np.append(first, np.iinfo(first.dtype).max)[place + begun]
    covered |= ~exact & (following < found.last)
    index = np.flatnonzero(~covered)
    return found.take(index), place[index], exact[index]
