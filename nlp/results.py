"""What an extractor returns: frozen objects for one note, or arrays for a batch of notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

NEGATION = ("affirmed", "negated")
CERTAINTY = ("certain", "uncertain")
TEMPORALITY = ("recent", "historical", "hypothetical")
EXPERIENCER = ("patient", "family", "other")
ASSERTION = ("present", "absent", "possible", "historical", "family", "other", "hypothetical")
ORIGIN = ("dictionary", "misspelling", "similarity", "given")
DICTIONARY, MISSPELLED, SIMILAR, GIVEN = range(4)


@dataclass(frozen=True, slots=True)
class Cue:
    """The words that decided an axis; `rule` is the cue file's rule or `section.<name>` for a section prior."""

    start: int
    end: int
    text: str
    rule: str


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the note; `path` names the enclosing sections, outermost first."""

    name: str
    start: int
    end: int
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept named in a note: half-open character offsets of the note, code, axes, assertion and evidence.

    `candidates` are all codes the string may stand for, the chosen one first. `code`, `system` and `preferred` are None
    for a given span without a code. `score` is below 1 where the words are not a string of the dictionary: `origin`
    says whether they were read as a misspelling of one or are only similar to one. `nested` mentions lie inside a
    longer one.
    """

    start: int
    end: int
    text: str
    code: str | None
    system: str | None
    preferred: str | None
    negation: str
    certainty: str
    temporality: str
    experiencer: str
    assertion: str
    section: str
    cues: tuple[Cue, ...] = ()
    candidates: tuple[str, ...] = ()
    score: float = 1.0
    origin: str = "dictionary"
    nested: bool = False


@dataclass(frozen=True, slots=True)
class ExtractedNote:
    """A note's text as given, its mentions in order of position, and its sections."""

    text: str
    mentions: tuple[Mention, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Mentions, their cues and the sections of a batch of notes, as arrays.

    Mentions [k], ordered by note, start, end: `note`, `start`, `end` (characters of that note), `concept` (number in
    the terminology, -1 none), `group` (dictionary string; -1 for given spans; -2 - number of the
    abbreviation where the abbreviation table decided), axis and assertion numbers into the tuples above, `section`
    (number of the section), `score` [k] float32, `origin` into ORIGIN, `nested` [k] bool.
    Cues [p], ordered by mention then position: `cue_mention`, `cue_start`, `cue_end`, `cue_rule` into `rules`;
    negative:
    -1 - section number.
    Sections [s]: `section_note`, `section_start`, `section_end`, `section_heading_end` (the start where there is
    no heading), `section_name`, `section_parent` into `section_names`.
    """

    texts: Sequence[str]
    note: np.ndarray
    start: np.ndarray
    end: np.ndarray
    concept: np.ndarray
    group: np.ndarray
    score: np.ndarray
    origin: np.ndarray
    nested: np.ndarray
    negation: np.ndarray
    certainty: np.ndarray
    temporality: np.ndarray
    experiencer: np.ndarray
    assertion: np.ndarray
    section: np.ndarray
    cue_mention: np.ndarray
    cue_start: np.ndarray
    cue_end: np.ndarray
    cue_rule: np.ndarray
    section_note: np.ndarray
    section_start: np.ndarray
    section_end: np.ndarray
    section_heading_end: np.ndarray
    section_name: np.ndarray
    section_parent: np.ndarray
    section_names: tuple[str, ...]
    rules: tuple[str, ...]
    given_codes: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.note)

    def empty(self) -> BatchResult:
        """The same without notes: every array empty, names kept."""
        arrays = {f.name: getattr(self, f.name)[:0] for f in fields(self) if f.type == "np.ndarray"}
        return replace(self, texts=(), given_codes=None, **arrays)
