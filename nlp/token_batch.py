"""The tokens of several notes in one row of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .cut import cut
from .flattened import with_line_breaks
from .tokens import SurfaceTable, pattern_for, split


@dataclass(slots=True)
class TokenBatch:
    """Tokens of several notes in one row of arrays, a `BREAK` before each note and one at the end.

    `surface` [n] ids; `start` [n] characters from the beginning of the batch (notes laid end to end); `note_token`
    [k+1] index of each note's leading break; `note_char` [k+1] where each note begins.
    """

    surface: np.ndarray
    kind: np.ndarray
    flags: np.ndarray
    start: np.ndarray
    end: np.ndarray  # without trailing blanks
    note_token: np.ndarray
    note_char: np.ndarray


def tokenize(texts: Sequence[str], surfaces: SurfaceTable) -> TokenBatch:
    """Tokenise a batch of notes. Raises nothing: any string is a sequence of tokens."""
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=bounds[1:])
    ids, start = _surfaces_of(texts, bounds, surfaces)
    surfaces.settle()
    # a break before each note and one at the end
    note_token = np.searchsorted(start, bounds) + np.arange(len(bounds))
    size = len(ids) + len(bounds)
    own = np.ones(size, bool)
    own[note_token] = False
    surface = np.zeros(size, np.int32)
    surface[own] = ids
    starts = np.empty(size, np.int64)
    starts[own] = start
    starts[note_token] = bounds
    flags = surfaces.flags[surface]
    return TokenBatch(
        surface=surface,
        kind=with_line_breaks(surfaces.kind[surface], flags, note_token),
        flags=flags,
        start=starts,
        end=starts + surfaces.core_length[surface],
        note_token=note_token,
        note_char=bounds,
    )


def _surfaces_of(texts: Sequence[str], bounds: np.ndarray, surfaces: SurfaceTable) -> tuple[np.ndarray, np.ndarray]:
    """Surface id and first character of every token of a batch."""
    if bounds[-1]:
        whole = cut(texts, bounds, pattern_for)
        if whole is not None:
            return surfaces.ids_of(whole), whole.start
    ids: list[np.ndarray] = [np.empty(0, np.int32)]
    starts: list[np.ndarray] = [np.empty(0, np.int64)]
    for text, base in zip(texts, bounds.tolist()):
        alone = cut([text], np.array([0, len(text)]), pattern_for) if text else None
        if alone is not None:
            ids.append(surfaces.ids_of(alone))
            starts.append(alone.start + base)
            continue
        tokens = split(text)
        ids.append(np.fromiter(map(surfaces.lookup, tokens), np.int32, len(tokens)))
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        starts.append(np.cumsum(lengths) - lengths + base)
    return np.concatenate(ids), np.concatenate(starts)
