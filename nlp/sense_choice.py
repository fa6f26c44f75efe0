"""Choosing the sense of an abbreviation by its surroundings: near words, the section, the rest of the note.

All occurrences of a batch are scored together. The score of a sense is the sum of the weights below; the highest wins,
of equal ones the sense with the better priority.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .abbreviation_table import AFTER, BEFORE, AbbreviationSense
from .normalize import normalize
from .sections import SectionBatch
from .stream import Stream
from .tokens import Kind

# Set by hand; scripts/eval_abbreviations.py moves little when any one of them is halved or doubled.
NEAR = 2.0  # a neighbour in the sentence, next to the abbreviation; halved FADE words away
FADE = 8.0
ADJACENT = 3.0  # a word that must stand just before or after
SECTION = 0.8
HEADING = 3.0  # the abbreviation is (part of) the heading itself
NAMED = 2.5  # the sense's concept is named in full in the note
NOTE_WIDE = 0.5  # a neighbour anywhere in the note
PRIOR = 0.4  # lost with every step of priority
WINDOW = 14  # words either side

ANY_NUMBER = "nn"
# Sections that count as the one a sense names.
_DIAGNOSES = (
    "admission_diagnosis discharge_diagnosis preoperative_diagnosis postoperative_diagnosis assessment"
    " assessment_and_plan problem_list past_medical_history combined_history"
)
SECTION_KIN = {
    "diagnosis": _DIAGNOSES,
    "problem_list": _DIAGNOSES,
    "past_medical_history": "problem_list combined_history history oncologic_history psychiatric_history",
    "past_surgical_history": "combined_history operative_details",
    "assessment": "assessment_and_plan impression",
    "plan": "assessment_and_plan recommendations follow_up disposition",
    "physical_exam": "objective discharge_exam general_appearance",
    "review_of_systems": "subjective",
    "laboratory": "results",
    "imaging": "findings impression results technique",
    "findings": "echocardiogram imaging operative_findings",
    "diagnostic_studies": "electrocardiogram echocardiogram results vascular",
    "medications": "admission_medications discharge_medications medications_administered",
    "obstetric_history": "birth_history gynecologic_history delivery",
    "pathology": "pathology_diagnosis microscopic_description gross_description specimens",
    "procedure": "procedure_description operative_details technique anesthesia",
}


class NeighbourWords:
    """Numbers of the words that may decide, by normalised word; pairs of words have numbers of their own."""

    def __init__(self, groups: Sequence[Sequence[AbbreviationSense]]) -> None:
        self.number: dict[str, int] = {}
        self._pairs: dict[tuple[int, int], int] = {}
        pairs: list[tuple[str, str]] = []
        for sense in (sense for group in groups for sense in group):
            for neighbour in sense.neighbours:
                words = [_key(word) for word in neighbour.lstrip(BEFORE + AFTER).split()]
                for word in words:
                    self.number.setdefault(word, len(self.number))
                if len(words) == 2:
                    pairs.append((words[0], words[1]))
        self.size = len(self.number)
        for first, second in pairs:
            self._pairs.setdefault((self.number[first], self.number[second]), self.size + len(self._pairs))
        self._first = np.zeros(self.size + 1, bool)
        self._second = np.zeros(self.size + 1, bool)
        for first, second in self._pairs:
            self._first[first] = self._second[second] = True
        self.size += len(self._pairs)

    def of(self, neighbour: str) -> int:
        numbers = [self.number[_key(word)] for word in neighbour.split()]
        return numbers[0] if len(numbers) == 1 else self._pairs[numbers[0], numbers[1]]

    def mark_pairs(self, words: np.ndarray) -> None:
        """Put a pair's number where its first word stands in `words` [m]; -1 there is an unknown word."""
        places = np.flatnonzero(self._first[words[:-1]])
        places = places[self._second[words[places + 1]]]
        pairs = [self._pairs.get(pair, -1) for pair in zip(words[places].tolist(), words[places + 1].tolist())]
        for place, pair in zip(places.tolist(), pairs):
            if pair >= 0:
                words[place] = pair


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Where abbreviations stand [k]: `first`, `last` words (half-open), `row` number of the abbreviation, `note`."""

    first: np.ndarray
    last: np.ndarray
    row: np.ndarray
    note: np.ndarray

    def take(self, index: np.ndarray) -> Occurrences:
        return Occurrences(self.first[index], self.last[index], self.row[index], self.note[index])

    def __len__(self) -> int:
        return len(self.first)


class SenseChooser:
    """Scores the senses of abbreviations that have several. `concepts` has the concept of every sense, by group."""

    def __init__(
        self,
        groups: Sequence[Sequence[AbbreviationSense]],
        concepts: Sequence[Sequence[int]],
        section_names: Sequence[str],
    ) -> None:
        self.words = NeighbourWords(groups)
        width = max((len(group) for group in groups), default=1)
        shape = (len(groups), width)
        self._prior = np.full(shape, -np.inf)
        self._concept = np.full(shape, -1, np.int64)
        self._at_home = np.zeros((*shape, len(section_names)), bool)
        numbers = {name: number for number, name in enumerate(section_names)}
        tables: dict[str, dict[tuple[int, int], list[int]]] = {"": {}, BEFORE: {}, AFTER: {}}
        for row, group in enumerate(groups):
            for slot, sense in enumerate(group):
                self._prior[row, slot] = -PRIOR * slot
                self._concept[row, slot] = concepts[row][slot]
                for name in sense.sections:
                    for known in (name, *SECTION_KIN.get(name, "").split()):
                        if known in numbers:
                            self._at_home[row, slot, numbers[known]] = True
                for neighbour in sense.neighbours:
                    side = neighbour[0] if neighbour[0] in BEFORE + AFTER else ""
                    key = row, self.words.of(neighbour[len(side) :])
                    slots = tables[side].setdefault(key, [])
                    if slot not in slots:
                        slots.append(slot)
        size = self.words.size
        self._near = _Effects(tables[""], len(groups), size)
        self._before = _Effects(tables[BEFORE], len(groups), size)
        self._after = _Effects(tables[AFTER], len(groups), size)
        self._senses = np.zeros(int(max(self._concept.max(initial=-1), 0)) + 2, bool)
        self._senses[self._concept[self._concept >= 0]] = True

    def choose(
        self,
        stream: Stream,
        words: np.ndarray,
        note_word: np.ndarray,
        sections: SectionBatch,
        found: Occurrences,
        named: tuple[np.ndarray, np.ndarray],
    ) -> np.ndarray:
        """Return the slot [k] of the best sense of each occurrence.

        `words` [m] neighbour numbers of the stream; `note_word` [notes + 1] where notes begin; `named` note and concept
        of the mentions that are no abbreviations.
        """
        score = self._prior[found.row]
        section = sections.of_words(found.first)
        parent = sections.parent[section]
        home = self._at_home[found.row]
        here = np.arange(len(found))
        own = home[here, :, sections.name[section]]
        in_heading = found.first < sections.body_word[section]
        score += np.where(in_heading, HEADING, SECTION)[:, None] * own
        score += SECTION * (home[here, :, parent] & (parent >= 0)[:, None] & ~own)
        self._add_near(score, stream, words, found)
        self._add_note(score, words, note_word, found, named)
        return np.argmax(score, axis=1)

    def _add_near(self, score: np.ndarray, stream: Stream, words: np.ndarray, found: Occurrences) -> None:
        ahead = np.arange(1, WINDOW + 1)
        weight = NEAR / (1 + (ahead - 1) / FADE)
        for places, effects in (
            (found.first[:, None] - ahead, self._before),
            (found.last[:, None] + (ahead - 1), self._after),
        ):
            place = np.clip(places, 0, len(words) - 1)
            word = words[place]
            known = (word >= 0) & (stream.sentence[place] == stream.sentence[found.first][:, None])
            row, column = np.nonzero(known)
            self._near.add(score, found.row[row], word[row, column], row, weight[column])
            edge = np.flatnonzero(known[:, 0])
            effects.add(score, found.row[edge], word[edge, 0], edge, np.full(len(edge), ADJACENT))

    def _add_note(
        self,
        score: np.ndarray,
        words: np.ndarray,
        note_word: np.ndarray,
        found: Occurrences,
        named: tuple[np.ndarray, np.ndarray],
    ) -> None:
        """What the whole note says is the same for every occurrence of an abbreviation in it."""
        rows = len(self._prior)
        distinct, inverse = np.unique(found.note.astype(np.int64) * rows + found.row, return_inverse=True)
        note, row = np.divmod(distinct, rows)
        total = np.zeros((len(distinct), score.shape[1]))
        known = np.flatnonzero(words >= 0)
        low, high = np.searchsorted(known, note_word[note]), np.searchsorted(known, note_word[note + 1])
        pair = np.repeat(np.arange(len(distinct)), high - low)
        start = np.concatenate(([0], np.cumsum(high - low)[:-1]))
        word = words[known[np.arange(len(pair)) - start[pair] + low[pair]]]
        hit = np.flatnonzero(self._near.held(row[pair], word))
        once = np.unique(pair[hit] * self.words.size + word[hit])
        pair, word = np.divmod(once, self.words.size)
        self._near.add(total, row[pair], word, pair, np.full(len(once), NOTE_WIDE))
        mention_note, concept = named
        wanted = self._senses[np.minimum(concept, len(self._senses) - 1)]
        width = len(self._senses)
        keys = np.unique(mention_note[wanted] * width + concept[wanted])
        if len(keys):
            senses = self._concept[row]
            asked = note[:, None] * width + senses
            place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
            total += NAMED * ((keys[place] == asked) & (senses >= 0))
        score += total[inverse]


class _Effects:
    """Which senses (slots) of an abbreviation (row) a neighbouring word speaks for."""

    def __init__(self, table: dict[tuple[int, int], list[int]], rows: int, words: int) -> None:
        self._entry = np.full((rows, max(words, 1)), -1, np.int16)
        bounds, slots = [0], []
        for number, (key, held) in enumerate(table.items()):
            self._entry[key] = number
            slots.extend(held)
            bounds.append(len(slots))
        self._bounds, self._slots = np.array(bounds), np.array(slots, np.int64)

    def held(self, row: np.ndarray, word: np.ndarray) -> np.ndarray:
        return self._entry[row, word] >= 0

    def add(self, score: np.ndarray, row: np.ndarray, word: np.ndarray, target: np.ndarray, weight: np.ndarray) -> None:
        """Add `weight` [n] to the senses in line `target` [n] of `score` for which `word` of `row` speaks."""
        entry = self._entry[row, word]
        hit = np.flatnonzero(entry >= 0)
        entry = entry[hit]
        low, size = self._bounds[entry], self._bounds[entry + 1] - self._bounds[entry]
        index = np.repeat(np.arange(len(hit)), size)
        start = np.cumsum(size) - size
        slot = self._slots[low[index] + np.arange(len(index)) - start[index]]
        np.add.at(score, (target[hit][index], slot), weight[hit][index])


def neighbour_key(kind: Kind, key: str) -> str:
    """The word by which neighbours know a token: normalised, numbers all alike."""
    return ANY_NUMBER if kind == Kind.NUMBER else key


def _key(word: str) -> str:
    return ANY_NUMBER if word == ANY_NUMBER else normalize(word)
