"""Named sets of concepts kept with a terminology, such as the reference sets of SNOMED CT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .artefact import StringColumn, place_of


def pack_sets(sets: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays of a terminology file from concept numbers by name."""
    names = sorted(sets)
    start = np.zeros(len(names) + 1, np.int64)
    np.cumsum([len(sets[name]) for name in names], out=start[1:])
    blob, offsets = StringColumn.pack(names)
    members = np.concatenate([np.sort(sets[name]) for name in names]) if names else np.empty(0)
    return {
        f"{prefix}_start": start,
        f"{prefix}_member": members.astype(np.int32),
        f"{prefix}_name_blob": blob,
        f"{prefix}_name_offsets": offsets,
    }


class StoredSets(Mapping[str, np.ndarray]):
    """Concept numbers [k] int32, ascending, by the set's name; empty where the sources gave none."""

    def __init__(self, arrays: Mapping[str, np.ndarray], prefix: str) -> None:
        self._names = StringColumn.empty()
        if f"{prefix}_start" in arrays:
            self._start, self._member = arrays[f"{prefix}_start"], arrays[f"{prefix}_member"]
            self._names = StringColumn(arrays[f"{prefix}_name_blob"], arrays[f"{prefix}_name_offsets"])

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, name: str) -> np.ndarray:
        place = place_of(self._names, name)
        if place < 0:
            raise KeyError(name)
        return self._member[self._start[place] : self._start[place + 1]]
