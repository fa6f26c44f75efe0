"""From the hash of a token to its surface id: an open-addressing table that grows with the vocabulary."""

from __future__ import annotations

import numpy as np

from .trie import GOLDEN


class SurfaceKeys:
    """Ids by key.

    Key 0 marks an empty cell and is never found: the one token in 2 ** 64 that has it is looked up anew each time.
    """

    __slots__ = ("_count", "_ids", "_keys")

    def __init__(self, size: int = 1 << 15) -> None:
        self._keys = np.zeros(size, np.uint64)
        self._ids = np.full(size, -1, np.int32)
        self._count = 0

    def find(self, keys: np.ndarray) -> np.ndarray:
        """[n] int32 id of each key, -1 where it is unknown."""
        mask = len(self._keys) - 1
        slots = self._slots(keys)
        held = self._keys[slots]
        found = self._ids[slots]
        waiting = np.flatnonzero(held != keys)
        if len(waiting):
            found[waiting] = -1
            waiting = waiting[held[waiting] != 0]
            while len(waiting):
                slots[waiting] = (slots[waiting] + 1) & mask
                held = self._keys[slots[waiting]]
                hit = held == keys[waiting]
                found[waiting[hit]] = self._ids[slots[waiting[hit]]]
                waiting = waiting[~hit & (held != 0)]
        return found

    def add(self, keys: np.ndarray, ids: np.ndarray) -> None:
        """Add distinct keys that are not in the table."""
        keys, ids = keys[keys != 0], ids[keys != 0]
        self._count += len(keys)
        if 2 * self._count > len(self._keys):
            old_keys, old_ids = self._keys, self._ids
            size = len(old_keys)
            while size < 4 * self._count:
                size *= 2
            self._keys = np.zeros(size, np.uint64)
            self._ids = np.full(size, -1, np.int32)
            full = old_keys != 0
            self._place(old_keys[full], old_ids[full])
        self._place(keys, ids)

    def _place(self, keys: np.ndarray, ids: np.ndarray) -> None:
        mask = len(self._keys) - 1
        slots = self._slots(keys)
        waiting = np.arange(len(keys))
        while len(waiting):
            free = waiting[self._keys[slots[waiting]] == 0]
            _, winners = np.unique(slots[free], return_index=True)
            placed = free[winners]
            self._keys[slots[placed]] = keys[placed]
            self._ids[slots[placed]] = ids[placed]
            waiting = waiting[self._keys[slots[waiting]] != keys[waiting]]
            slots[waiting] = (slots[waiting] + 1) & mask

    def _slots(self, keys: np.ndarray) -> np.ndarray:
        shift = np.uint64(65 - len(self._keys).bit_length())
        return ((keys * GOLDEN) >> shift).astype(np.int64)
