"""Which analyses of the registry are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .errors import RunError


@dataclass(frozen=True, slots=True)
class AnalysisChoice:
    """Ranges of analysis ids, both ends included; `without` is taken away from them.

    >>> AnalysisChoice.parse("101-104, 620")
    AnalysisChoice(ranges=((101, 104), (620, 620)), without=())
    >>> AnalysisChoice.parse("101-104").mask(pa.chunked_array([[101, 620]])).to_pylist()
    [True, False]
    """

    ranges: tuple[tuple[int, int], ...] = ((1, 999),)
    without: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AnalysisChoice:
        """Read `101-104,620`. Raises RunError for anything else."""
        ranges: list[tuple[int, int]] = []
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            first, dash, last = part.partition("-")
            numbers = (first.strip(), (last if dash else first).strip())
            if not all(number.isascii() and number.isdigit() for number in numbers):
                raise RunError(f"--analyses cannot read {part!r}", remedy="write it like --analyses 101-104,620-691")
            low, high = int(numbers[0]), int(numbers[1])
            if not 1 <= low <= high <= 999:
                raise RunError(f"--analyses {part} is no range of analysis ids", remedy="ids lie between 1 and 999")
            ranges.append((low, high))
        if not ranges:
            raise RunError("--analyses names no analysis", remedy="write it like --analyses 101-104,620-691")
        return cls(tuple(ranges))

    def mask(self, ids: pa.ChunkedArray, always: Sequence[bool] = ()) -> pa.Array:
        """Which of the ids [n] are wanted, as booleans [n]; those of `always` [n] are in any case."""
        numbers = np.asarray(ids.to_pylist(), np.int64)
        wanted = np.zeros(len(numbers), bool)
        for low, high in self.ranges:
            wanted |= (numbers >= low) & (numbers <= high)
        wanted &= ~np.isin(numbers, self.without)
        return pa.array(wanted | np.array(always, bool) if len(always) else wanted)
