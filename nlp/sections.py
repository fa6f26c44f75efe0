"""Sections: every character of a note belongs to exactly one; headings are found by table, place and form.

A heading stands at the beginning of a line or sentence and is followed by a colon, ends its line, or is shouted at the
beginning of a line. Capitalised headings that no table knows open a section called `other`, so that what went before
does not leak past them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .heading_table import HeadingKind, HeadingTable
from .stream import Stream
from .token_batch import TokenBatch
from .tokens import Flag, Kind, kind_in

# Sections that have parts: an organ heading below them is theirs, elsewhere it stands for itself.
PARENTS = frozenset(
    "physical_exam review_of_systems objective findings laboratory imaging diagnostic_studies results"
    " assessment_and_plan social_history mental_status_exam vital_signs".split()
)
# Parts of an examination that have headings of their own; what follows them belongs to the examination again.
EXAM = frozenset(("physical_exam", "objective"))
EXAM_PARTS = frozenset(("vital_signs", "mental_status_exam", "general_appearance"))
# A capitalised line that ends in one of these and a colon introduces findings, not a section ("Positive for:").
NO_HEADING = frozenset(
    "for positive negative denies denied reports reported with without no not and or of following include if"
    " when".split()
)
# "PMH x" at the beginning of a line is a heading without its colon, unless it goes on as a sentence ("PMH of angina").
RUN_IN = frozenset("pmh pmhx psh pshx fhx fh hpi ros shx".split())
SENTENCE_GOES_ON = frozenset(
    "of is was significant notable remarkable positive negative includes included reviewed as per for".split()
)
HEADER, UNKNOWN = "header", "other"
# "Past medical history, per patient:" - words that may stand between a known heading and its colon
MAX_EXTRA_WORDS = 5
MAX_UNKNOWN_WORDS = 7


@dataclass(slots=True)
class SectionBatch:
    """Sections of a batch in order; `[s]` arrays.

    `spoken_end` word up to which the section's name speaks for what stands in it: a heading without a colon in a line
    of its own ("PMH asthma, gout") says nothing of the lines below.

    `name` number into `names`; `parent` the enclosing section's name number or -1; `first_word` word where the section
    begins; `body_word` first word after the heading; `start` characters in the batch; `note` note number; `heading_end`
    character after the heading (equal to `start` where there is none).
    """

    names: tuple[str, ...]
    name: np.ndarray
    parent: np.ndarray
    first_word: np.ndarray
    body_word: np.ndarray
    start: np.ndarray
    heading_end: np.ndarray
    note: np.ndarray
    spoken_end: np.ndarray

    def of_words(self, words: np.ndarray) -> np.ndarray:
        """Section number of each word position."""
        return np.searchsorted(self.first_word, words, side="right") - 1

    def in_known_headings(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """[k] bool: word ranges inside a heading of the table: "Allergies:" and "PE:" name a section, no finding."""
        section = self.of_words(first)
        known = (self.name < len(self.names) - 2)[section]  # the last two are the header and unknown headings
        return known & (last <= self.body_word[section])


@dataclass(frozen=True, slots=True)
class HeadingWords:
    """Word classes that headings depend on, each [cue vocabulary + 1] bool."""

    no_heading: np.ndarray
    run_in: np.ndarray
    goes_on: np.ndarray


def find_sections(stream: Stream, tokens: TokenBatch, table: HeadingTable, words: HeadingWords) -> SectionBatch:
    """Cut each note of the batch into sections."""
    kind = stream.kind
    line_start = _line_starts(stream)
    sentence_start = np.zeros(len(kind), bool)
    sentence_start[stream.sentence_first[:-1]] = True
    textual = (kind == Kind.WORD) | (kind == Kind.NUMBER)
    positions = np.flatnonzero((line_start | sentence_start) & textual)
    starts, ends, groups = table.trie.longest(stream.cue, positions=positions)
    known = _known_headings(stream, line_start, starts, ends, table.kind[groups], words)
    starts, groups, heading_ends = starts[known.index], groups[known.index], known.end

    unknown_starts, unknown_ends = _unknown_headings(stream, positions[line_start[positions]])
    plain = ~words.no_heading[stream.cue[unknown_ends - 2]] & ~words.no_heading[stream.cue[unknown_starts]]
    unknown_starts, unknown_ends = unknown_starts[plain], unknown_ends[plain]
    fresh = ~np.isin(unknown_starts, starts)
    all_starts = np.concatenate((starts, unknown_starts[fresh]))
    all_ends = np.concatenate((heading_ends, unknown_ends[fresh]))
    all_groups = np.concatenate((groups.astype(np.int64), np.full(int(fresh.sum()), -1, np.int64)))
    order = np.argsort(all_starts, kind="stable")
    return _lay_out(stream, tokens, table, all_starts[order], all_ends[order], all_groups[order])


def _line_starts(stream: Stream) -> np.ndarray:
    """[m] bool: words that begin a line, list marks and numbering ("2.", "-", "#1") passed over."""
    kind = stream.kind
    line_start = np.zeros(len(kind), bool)
    line_start[1:] = kind_in(kind[:-1], Kind.NEWLINE, Kind.BREAK, Kind.RULER)
    for _ in range(3):
        mark = line_start & kind_in(kind, Kind.BULLET, Kind.HYPHEN, Kind.OTHER)
        numbering = np.zeros(len(kind), bool)
        numbering[1:] = line_start[:-1] & (kind[:-1] == Kind.NUMBER) & kind_in(kind[1:], Kind.PERIOD, Kind.CLOSE)
        mark |= numbering
        line_start[1:] |= mark[:-1]
    return line_start


@dataclass(slots=True)
class _Headings:
    index: np.ndarray
    end: np.ndarray


def _known_headings(
    stream: Stream,
    line_start: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    heading_kind: np.ndarray,
    words: HeadingWords,
) -> _Headings:
    """Which table matches are headings by place and form, and where each heading ends (after its colon)."""
    kind, flags = stream.kind, stream.flags
    last = len(kind) - 1
    next_kind = kind[np.minimum(ends, last)]
    at_line = line_start[starts]
    capital = (flags[starts] & (Flag.CAPITAL | Flag.UPPER | Flag.INITIAL)) > 0
    lowered = np.concatenate(([0], np.cumsum((flags & Flag.LOWER) > 0)))
    capitals = np.concatenate(([0], np.cumsum((flags & Flag.UPPER) > 0)))
    shouted = (lowered[ends] == lowered[starts]) & (capitals[ends] > capitals[starts])
    capital |= shouted  # "12-LEAD ECG:"
    colon = next_kind == Kind.COLON
    alone = kind_in(next_kind, Kind.NEWLINE, Kind.BREAK) & at_line
    dash = (next_kind == Kind.HYPHEN) & at_line & capital
    next_shouted = (flags[np.minimum(ends, last)] & Flag.UPPER) > 0
    next_capital = (flags[np.minimum(ends, last)] & Flag.CAPITAL) > 0
    run_in = at_line & shouted & next_capital & ~next_shouted & (heading_kind == HeadingKind.MAIN)

    single = at_line & (ends == starts + 1) & ((flags[starts] & Flag.UPPER) > 0)
    run_in |= single & words.run_in[stream.cue[starts]] & ~words.goes_on[stream.cue[np.minimum(ends, last)]] & ~alone
    # "S) feels better", "HPI. 64-year-old ..."
    letter = at_line & (ends == starts + 1) & ((flags[starts] & (Flag.UPPER | Flag.INITIAL)) > 0)
    marked = letter & ((next_kind == Kind.CLOSE) | ((next_kind == Kind.PERIOD) & ((flags[starts] & Flag.UPPER) > 0)))

    is_main = heading_kind == HeadingKind.MAIN
    accepted = colon & (at_line | capital)
    accepted &= ~((heading_kind == HeadingKind.WEAK) & ~(at_line & (capital | shouted)) & ~shouted)
    accepted |= alone & (capital | is_main)
    accepted |= dash & (is_main | (heading_kind == HeadingKind.SUB))
    accepted |= run_in | marked
    end = ends + (colon | dash | marked)

    # "MEDICATIONS (at home):", "PAST MEDICAL HISTORY PER OLD CHART:" - words before the colon, bracketed or shouted too
    open_ = at_line & capital & ~accepted & is_main
    bracket = next_kind == Kind.OPEN
    reach = ends.copy()
    alive = open_.copy()
    for _ in range(MAX_EXTRA_WORDS):
        place = np.minimum(reach, last)
        here = kind[place]
        found = alive & (here == Kind.COLON)
        accepted |= found
        end = np.where(found, reach + 1, end)
        loud = (shouted & ((flags[place] & (Flag.UPPER | Flag.INITIAL)) > 0)) | kind_in(here, Kind.SLASH, Kind.OTHER)
        alive &= ~found & ((bracket & (here != Kind.NEWLINE)) | loud) & ~kind_in(here, Kind.BREAK, Kind.PERIOD)
        reach += 1
    index = np.flatnonzero(accepted)
    return _Headings(index, end[index])


def _unknown_headings(stream: Stream, line_starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Headings no table knows: shouted words before a colon, or a short capitalised line that ends in a colon."""
    kind, flags = stream.kind, stream.flags
    last = len(kind) - 1
    alive = (flags[line_starts] & (Flag.CAPITAL | Flag.UPPER)) > 0
    shouted = alive.copy()
    letters = np.zeros(len(line_starts), np.int64)
    found = np.zeros(len(line_starts), bool)
    end = line_starts.copy()
    for ahead in range(MAX_UNKNOWN_WORDS + 1):
        here = np.minimum(line_starts + ahead, last)
        colon = alive & (kind[here] == Kind.COLON) & (ahead > 0)
        after = kind[np.minimum(here + 1, last)]
        line_end = kind_in(after, Kind.NEWLINE, Kind.BREAK)
        # "BP: 120/80" and "WBC: 5.2" are values; "CRANIAL NERVES: ..." is a heading
        value = kind_in(after, Kind.NUMBER, Kind.PLACEHOLDER)
        wordy = (letters >= 8) | ((letters >= 6) & (ahead == 1))
        hit = colon & ((shouted & wordy & ~value) | (line_end & (letters >= 4)))
        found |= hit
        end = np.where(hit, here + 1, end)
        alive &= ~colon & kind_in(kind[here], Kind.WORD, Kind.NUMBER, Kind.SLASH, Kind.OTHER, Kind.OPEN, Kind.CLOSE)
        word = kind[here] == Kind.WORD
        shouted &= ~word | ((flags[here] & (Flag.UPPER | Flag.INITIAL)) > 0)
        letters += np.where(word, stream.end[here] - stream.start[here], 0)
        if not alive.any():
            break
    return line_starts[found], end[found]


def _lay_out(
    stream: Stream, tokens: TokenBatch, table: HeadingTable, starts: np.ndarray, ends: np.ndarray, groups: np.ndarray
) -> SectionBatch:
    """Turn headings into the flat partition, with parents."""
    names = (*table.names, HEADER, UNKNOWN)
    header, unknown = len(names) - 2, len(names) - 1
    is_parent = [name in PARENTS for name in names]
    is_exam = [name in EXAM for name in names]
    is_exam_part = [name in EXAM_PARTS for name in names]
    breaks = np.flatnonzero(stream.kind == Kind.BREAK)[:-1]
    note_of = np.searchsorted(breaks, starts, side="right") - 1
    # one header per note begins at its break; a heading at the very beginning replaces it
    first_word = np.concatenate((breaks, starts))
    body = np.concatenate((breaks + 1, ends))
    note = np.concatenate((np.arange(len(breaks)), note_of))
    group = np.concatenate((np.full(len(breaks), -2, np.int64), groups))
    order = np.argsort(first_word, kind="stable")
    first_word, body, note, group = first_word[order], body[order], note[order], group[order]
    number = np.where(group >= 0, np.append(table.name, (0, 0))[group], np.where(group == -2, header, unknown))
    sub = (group >= 0) & (np.append(table.kind, (0, 0))[group] == HeadingKind.SUB)
    parent: list[int] = []
    open_parent = -1
    for this, is_sub in zip(number.tolist(), sub.tolist()):
        part = open_parent >= 0 and is_exam[open_parent] and is_exam_part[this]
        if this == unknown or part or (is_sub and this != open_parent):
            parent.append(open_parent)
        else:
            parent.append(-1)
            open_parent = this if is_parent[this] else -1
    is_header = number == header
    start = stream.start[first_word]
    heading_end = stream.end[body - 1]
    start[is_header] = tokens.note_char[note[is_header]]
    heading_end[is_header] = start[is_header]
    # an empty header (the note begins with a heading) gives way to the section after it
    empty = np.zeros(len(number), bool)
    empty[:-1] = is_header[:-1] & (note[1:] == note[:-1]) & (start[1:] == start[:-1])
    keep = ~empty
    first_word[1:][empty[:-1]] = first_word[:-1][empty[:-1]]
    return SectionBatch(
        names=names,
        name=number.astype(np.int16)[keep],
        parent=np.array(parent, np.int16)[keep],
        first_word=first_word[keep],
        body_word=body[keep],
        start=start[keep],
        heading_end=heading_end[keep],
        note=note[keep],
        spoken_end=_spoken_ends(stream, body[keep]),
    )


def _spoken_ends(stream: Stream, body: np.ndarray) -> np.ndarray:
    """The end of the line for headings with words right behind them, far away for all others."""
    kind = stream.kind
    run_in = kind_in(kind[np.maximum(body - 1, 0)], Kind.WORD) & kind_in(
        kind[np.minimum(body, len(kind) - 1)], Kind.WORD
    )
    newline = np.append(np.flatnonzero(kind_in(kind, Kind.NEWLINE, Kind.BREAK)), len(kind))
    line_end = newline[np.searchsorted(newline, body)]
    return np.where(run_in, line_end, len(kind))
