"""What the extractor found in the notes of patients, as flat arrays that classifiers count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..nlp.extractor import BATCH_NOTES, Extractor
from ..nlp.results import ASSERTION, BatchResult

ABSENT = ASSERTION.index("absent")
# Blank lines, a sentence's end and list items part what a sentence says together.
SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|\n")


@dataclass(frozen=True, slots=True)
class NoteMentions:
    """k mentions in m notes, in order of note and position.

    `first` [m + 1] int64: the mentions of note i are first[i] to first[i + 1]. `start`, `end` [k] int32 characters of
    the note, `concept` [k] int32 into `codes` ("SNOMED/233604007"), `assertion` [k] int8 into nlp.results.ASSERTION,
    `section` [k] int16 into `sections`, `sentence` [k] int32: equal within a note for mentions of one sentence.
    `cue_start`, `cue_end` [k] int32: the stretch of the note from the first to the last cue that decided (-1, -1
    without one). `terminology` is the sha256 of the terminology whose concepts these are; `nested`: shorter matches
    inside longer ones are among them.
    """

    first: np.ndarray
    start: np.ndarray
    end: np.ndarray
    concept: np.ndarray
    assertion: np.ndarray
    section: np.ndarray
    sentence: np.ndarray
    cue_start: np.ndarray
    cue_end: np.ndarray
    codes: tuple[str, ...]
    sections: tuple[str, ...]
    terminology: str
    nested: bool

    @property
    def n_notes(self) -> int:
        return len(self.first) - 1

    def __len__(self) -> int:
        return len(self.start)

    def note(self) -> np.ndarray:
        """[k] position of the note of each mention."""
        return np.repeat(np.arange(self.n_notes), np.diff(self.first))

    def subset(self, notes: np.ndarray) -> NoteMentions:
        """The notes at these positions, in this order; codes and sections stay as they are."""
        counts = np.diff(self.first)[notes]
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        at = np.arange(first[-1]) - np.repeat(first[:-1] - self.first[notes], counts)
        return NoteMentions(
            first=first,
            start=self.start[at],
            end=self.end[at],
            concept=self.concept[at],
            assertion=self.assertion[at],
            section=self.section[at],
            sentence=self.sentence[at],
            cue_start=self.cue_start[at],
            cue_end=self.cue_end[at],
            codes=self.codes,
            sections=self.sections,
            terminology=self.terminology,
            nested=self.nested,
        )


def find_mentions(extractor: Extractor, texts: Sequence[str], *, batch_size: int = BATCH_NOTES) -> NoteMentions:
    """Run the extractor over m texts. The result does not depend on the batch size.

    >>> from phenotext.nlp import Extractor
    >>> found = find_mentions(Extractor(), ["No pneumonia. Asthma.", ""])
    >>> found.first.tolist(), found.assertion.tolist(), found.sentence.tolist()
    ([0, 2, 2], [1, 0], [0, 1])
    """
    parts: list[tuple[np.ndarray, ...]] = []
    section_names: tuple[str, ...] = ()
    for at in range(0, len(texts), batch_size):
        batch = extractor.extract_batch(list(texts[at : at + batch_size]))
        section_names = batch.section_names
        parts.append(_columns(batch, at))
    columns = [np.concatenate(column) for column in zip(*parts)] if parts else [np.zeros(0, np.int64)] * 8
    note, start, end, concept, assertion, section, cue_start, cue_end = columns
    sentence = _sentences(texts, note, start, end)
    numbers, concept = np.unique(concept, return_inverse=True)
    terminology = extractor.terminology
    codes = tuple(f"{terminology.systems[i]}/{terminology.codes[i]}" for i in numbers.tolist())
    order = np.asarray(sorted(range(len(codes)), key=lambda i: codes[i]), np.int64)
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes))
    return NoteMentions(
        first=np.searchsorted(note, np.arange(len(texts) + 1)).astype(np.int64),
        start=start.astype(np.int32),
        end=end.astype(np.int32),
        concept=place[concept].astype(np.int32) if len(codes) else concept.astype(np.int32),
        assertion=assertion.astype(np.int8),
        section=section.astype(np.int16),
        sentence=sentence,
        cue_start=cue_start.astype(np.int32),
        cue_end=cue_end.astype(np.int32),
        codes=tuple(codes[i] for i in order.tolist()),
        sections=section_names,
        terminology=terminology.sha256,
        nested=extractor.nested,
    )


def _columns(batch: BatchResult, first_note: int) -> tuple[np.ndarray, ...]:
    """Note, start, end, concept, assertion, section name and stretch of cues of the mentions that have a concept."""
    k = len(batch)
    cue_start, cue_end = np.full(k, np.iinfo(np.int64).max), np.full(k, -1, np.int64)
    spoken = batch.cue_rule >= 0  # a section's prior is no word of the sentence
    np.minimum.at(cue_start, batch.cue_mention[spoken], batch.cue_start[spoken])
    np.maximum.at(cue_end, batch.cue_mention[spoken], batch.cue_end[spoken])
    cue_start[cue_end < 0] = -1
    kept = batch.concept >= 0
    names = batch.section_name[batch.section] if k else np.zeros(0, np.int64)
    columns = (
        batch.note + first_note,
        batch.start,
        batch.end,
        batch.concept,
        batch.assertion,
        names,
        cue_start,
        cue_end,
    )
    return tuple(np.asarray(column)[kept] for column in columns)


def _sentences(texts: Sequence[str], note: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """[k] int32: rises by one in a note wherever the text between two mentions holds the end of a sentence."""
    sentence = np.zeros(len(note), np.int32)
    notes, starts, ends = note.tolist(), start.tolist(), end.tolist()
    for i in range(1, len(notes)):
        if notes[i] != notes[i - 1]:
            continue
        parted = (
            starts[i] > ends[i - 1] and SENTENCE_END.search(str(texts[notes[i]]), ends[i - 1], starts[i]) is not None
        )
        sentence[i] = sentence[i - 1] + parted
    return sentence
