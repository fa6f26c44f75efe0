"""Notes whose line breaks were turned into commas, as in widely used spreadsheets of transcriptions.

"... as needed for sleep.,ALLERGIES: , None.,1.  Aspirin" had lines once. In a note without any line break, a comma with
no blank after it before a capital, a number or a list mark is read as one, and so is a comma behind a colon. Only how
the note is read changes; the text and all offsets stay.
"""

from __future__ import annotations

import numpy as np

from .tokens import Flag, Kind, kind_in


def with_line_breaks(kind: np.ndarray, flags: np.ndarray, note_token: np.ndarray) -> np.ndarray:
    """Kinds of tokens, commas that stand for line breaks made NEWLINE; `kind` itself where there are none.

    `note_token` [k + 1]: the break before each note, as in TokenBatch.
    """
    newlines = np.concatenate(([0], np.cumsum(kind == Kind.NEWLINE)))
    unbroken = newlines[note_token[1:]] == newlines[note_token[:-1]]
    if not unbroken.any():
        return kind
    comma = np.flatnonzero(kind[:-1] == Kind.COMMA)
    note = np.searchsorted(note_token, comma, side="right") - 1
    comma, note = comma[unbroken[note]], note[unbroken[note]]
    before, after = kind[comma - 1], kind[comma + 1]
    glued = (flags[comma] & Flag.SPACED) == 0
    starts = (flags[comma + 1] & Flag.LOWER) == 0
    starts &= ~((before == Kind.NUMBER) & (after == Kind.NUMBER)) & (after != Kind.COMMA)
    behind_colon = before == Kind.COLON
    # one comma may be missing its blank; a flattened note has ends of lines where no comma belongs
    sure = behind_colon | (glued & starts & kind_in(before, Kind.PERIOD, Kind.QUESTION))
    flattened = np.zeros(len(note_token), bool)
    flattened[note[sure]] = True
    is_break = flattened[note] & (behind_colon | (glued & starts))
    if not is_break.any():
        return kind
    result = kind.copy()
    result[comma[is_break]] = Kind.NEWLINE
    # ".,  ,": an empty line between two
    second = comma[is_break] + 1
    second = second[kind[second] == Kind.COMMA]
    result[second] = Kind.NEWLINE
    return result
