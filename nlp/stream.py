"""From tokens to sentences and to the stream of words that the matchers read.

Line breaks are read as soft (a wrapped line) or hard, never rewritten. The word stream leaves out what should not keep
two words apart: hyphens inside words, apostrophes with a possessive s, full stops that end no sentence, soft line
breaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .token_batch import TokenBatch
from .tokens import Flag, Kind, SurfaceTable, kind_in

# A line shorter than this was not broken by wrapping; wrapped text breaks at 50-100 columns.
WRAPPED_LINE = 40
_LIST_STARTERS = (Kind.BULLET, Kind.HYPHEN, Kind.OPEN, Kind.RULER, Kind.NEWLINE, Kind.BREAK, Kind.PLACEHOLDER)


@dataclass(slots=True)
class Stream:
    """Word stream of a batch. All arrays are [m], one cell a word, except `sentence_first`.

    `surface` surface id; `term`/`cue` vocabulary ids (-1 unknown); `sentence` running number; `start`/`end` characters
    in the batch; `kind`, `flags` as the tokens'.
    """

    surface: np.ndarray
    term: np.ndarray
    cue: np.ndarray
    sentence: np.ndarray
    kind: np.ndarray
    flags: np.ndarray
    start: np.ndarray
    end: np.ndarray
    sentence_first: np.ndarray  # [n_sentences + 1] word index where each sentence begins


def build_stream(tokens: TokenBatch, surfaces: SurfaceTable) -> Stream:
    """Find hard line breaks and sentence ends, and drop the transparent tokens."""
    kind, flags = tokens.kind, tokens.flags
    n = len(kind)
    previous = np.empty_like(kind)
    previous[0], previous[1:] = Kind.BREAK, kind[:-1]
    following = np.empty_like(kind)
    following[-1], following[:-1] = Kind.BREAK, kind[1:]
    previous_flags = np.empty_like(flags)
    previous_flags[0], previous_flags[1:] = 0, flags[:-1]
    following_flags = np.empty_like(flags)
    following_flags[-1], following_flags[:-1] = 0, flags[1:]
    spaced = (flags & Flag.SPACED) > 0
    glued = ~((previous_flags & Flag.SPACED) > 0)

    hard = _hard_breaks(tokens, previous, following, following_flags)
    ends = _sentence_ends(tokens, previous, following, previous_flags, following_flags, hard)

    alphanumeric = (kind == Kind.WORD) | (kind == Kind.NUMBER)
    before_alphanumeric = np.zeros(n, bool)
    before_alphanumeric[:-1] = alphanumeric[1:]
    after_alphanumeric = np.zeros(n, bool)
    after_alphanumeric[1:] = alphanumeric[:-1]
    drop = (kind == Kind.HYPHEN) & glued & ~spaced & after_alphanumeric & before_alphanumeric
    drop |= (kind == Kind.APOSTROPHE) | (kind == Kind.BLANK)
    drop |= ((flags & Flag.POSSESSIVE) > 0) & glued & (previous == Kind.APOSTROPHE)
    drop |= (kind == Kind.PERIOD) & ~ends
    drop |= (kind == Kind.NEWLINE) & ~hard
    token = np.flatnonzero(~drop)
    surface = tokens.surface[token]
    # a sentence begins after every end; `ends` itself belongs to the sentence it closes
    number = np.cumsum(ends, dtype=np.int32)
    number -= ends
    sentence = number[token]
    changes = np.flatnonzero(sentence[1:] != sentence[:-1]) + 1
    first = np.concatenate(([0], changes, [len(token)]))
    sentence = np.repeat(np.arange(len(first) - 1, dtype=np.int32), np.diff(first))
    return Stream(
        surface=surface,
        term=surfaces.term[surface],
        cue=surfaces.cue[surface],
        sentence=sentence,
        kind=kind[token],
        flags=flags[token],
        start=tokens.start[token],
        end=tokens.end[token],
        sentence_first=first,
    )


def _hard_breaks(
    tokens: TokenBatch, previous: np.ndarray, following: np.ndarray, following_flags: np.ndarray
) -> np.ndarray:
    """[n] bool: line breaks that end a line for a reader, and note breaks."""
    kind = tokens.kind
    newline = np.flatnonzero(kind == Kind.NEWLINE)
    hard = kind == Kind.BREAK
    if not len(newline):
        return hard
    breaks = np.flatnonzero((kind == Kind.NEWLINE) | (kind == Kind.BREAK))
    place = np.searchsorted(breaks, newline)
    line_length = tokens.start[newline] - tokens.end[breaks[place - 1]]
    before, after = previous[newline], following[newline]
    ends_line = kind_in(before, Kind.PERIOD, Kind.COLON, Kind.NEWLINE, Kind.BREAK, Kind.RULER)
    starts_item = kind_in(after, *_LIST_STARTERS)
    # "2. Diabetes" and "3) cough" start an item
    second = np.minimum(newline + 2, len(kind) - 1)
    starts_item |= (after == Kind.NUMBER) & kind_in(kind[second], Kind.PERIOD, Kind.CLOSE)
    lower = (following_flags[newline] & Flag.LOWER) > 0
    comma = before == Kind.COMMA
    soft = (
        ~ends_line
        & ~starts_item
        & (line_length >= WRAPPED_LINE)
        & (lower | comma | ~_looks_like_heading(tokens, newline))
    )
    soft |= comma & lower & ~starts_item
    soft |= _wrapped(tokens, newline, breaks, line_length) & lower & ~ends_line & ~starts_item
    last_flags = tokens.flags[np.maximum(newline - 1, 0)]
    unfinished = ((last_flags & Flag.CONTINUES) > 0) & ((last_flags & Flag.LOWER) > 0)
    answer = kind_in(kind[np.maximum(newline - 2, 0)], Kind.COLON, Kind.HYPHEN, Kind.QUESTION)  # "Cough: no"
    soft |= unfinished & ~starts_item & ~answer
    hard[newline[~soft]] = True
    return hard


def _wrapped(tokens: TokenBatch, newline: np.ndarray, breaks: np.ndarray, line_length: np.ndarray) -> np.ndarray:
    """[k] bool: lines whose next word would have made them longer than any line of their note: a narrow column."""
    starts = np.concatenate(([0], breaks[:-1]))
    lengths = tokens.start[breaks] - tokens.end[starts]
    note = np.searchsorted(tokens.note_token, breaks, side="left") - 1
    widest = np.zeros(len(tokens.note_token), np.int64)
    np.maximum.at(widest, np.maximum(note, 0), lengths)
    mine = np.searchsorted(tokens.note_token, newline, side="right") - 1
    after = np.minimum(newline + 1, len(tokens.start) - 1)
    # a comma glued to the next word had to fit too
    glued = (tokens.flags[after] & Flag.SPACED) == 0
    return line_length + 1 + (tokens.end[after] - tokens.start[after]) + glued > widest[mine]


def _looks_like_heading(tokens: TokenBatch, newline: np.ndarray) -> np.ndarray:
    """[k] bool: whether the line after each break has a colon among its first seven tokens or begins in capitals."""
    kind = tokens.kind
    heading = ((tokens.flags[np.minimum(newline + 1, len(kind) - 1)]) & Flag.UPPER) > 0
    for ahead in range(2, 8):
        heading |= kind[np.minimum(newline + ahead, len(kind) - 1)] == Kind.COLON
    return heading


def _sentence_ends(
    tokens: TokenBatch,
    previous: np.ndarray,
    following: np.ndarray,
    previous_flags: np.ndarray,
    following_flags: np.ndarray,
    hard: np.ndarray,
) -> np.ndarray:
    """[n] bool: tokens that close a sentence."""
    kind, flags = tokens.kind, tokens.flags
    stop = kind == Kind.PERIOD
    spaced = (flags & Flag.SPACED) > 0
    at_end = spaced | kind_in(following, Kind.NEWLINE, Kind.BREAK)
    # "stable.She": no blank, but a word before and a capitalised word after
    run_on = (previous == Kind.WORD) & (following == Kind.WORD) & ((following_flags & Flag.CAPITAL) > 0)
    run_on &= (previous_flags & (Flag.UPPER | Flag.INITIAL | Flag.CAPITAL)) == 0
    run_on &= tokens.start - np.roll(tokens.start, 1) > 2
    # a quotation mark or bracket may stand between the stop and the blank
    closed = kind_in(following, Kind.CLOSE, Kind.OTHER, Kind.APOSTROPHE) & (kind == Kind.PERIOD)
    after_next = np.zeros_like(spaced)
    after_next[:-1] = spaced[1:]
    ends = stop & (at_end | run_on | (closed & after_next))
    lower_next = (following_flags & Flag.LOWER) > 0
    abbreviation = (previous_flags & Flag.ABBREVIATION) > 0
    initial = ((previous_flags & Flag.INITIAL) > 0) & (following == Kind.WORD)
    single_lower = (
        (previous == Kind.WORD) & ((previous_flags & Flag.LOWER) > 0) & (tokens.start - np.roll(tokens.start, 1) == 1)
    )
    not_last = ~kind_in(following, Kind.NEWLINE, Kind.BREAK)
    # "p.r.n. pain", "q.d. for": a one-letter word before the stop and a small letter after it
    ends &= ~((kind == Kind.PERIOD) & not_last & (abbreviation | initial | (single_lower & lower_next)))
    # A question mark ends nothing: "?pneumonia", "Smoker? No." It only limits scopes.
    return ends | hard | (kind == Kind.RULER)
