"""The concepts of a release, in use and retired, and where others are found among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .rf2_files import Release
from .rf2_ids import CONCEPT_PARTITIONS, id_fault, sound_ids
from .rf2_rows import ReadLog, count_drops, read_rows
from .rf2_versions import newest, place_of_row

_EXAMPLES = 5


@dataclass(frozen=True)
class Concepts:
    """All concepts of a release.

    Attributes:
        ids: (n,) int64, ascending.
        active: (n,) bool, whether each is in use.
        modules: concepts in use by module id.
    """

    ids: np.ndarray
    active: np.ndarray
    modules: dict[int, int]

    @cached_property
    def codes(self) -> list[str]:
        """The ids as strings, made once and shared."""
        return [str(number) for number in self.ids.tolist()]

    def find(self, ids: np.ndarray) -> np.ndarray:
        """The places of ids (m,) among these concepts, -1 where unknown; (m,) int64."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.int64)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)


def read_concepts(release: Release, log: ReadLog, check_digits: bool) -> Concepts:
    """Read the concept files; ids that cannot be concept ids are counted and left out where `check_digits` is set."""
    files = release.of("concept")
    table = newest(read_rows(files, "concept", log), files, log)
    ids = np.asarray(table["id"])
    sound = sound_ids(ids, CONCEPT_PARTITIONS) if check_digits else np.ones(len(ids), bool)
    reasons: dict[str, list[int]] = {}
    for row in np.flatnonzero(~sound).tolist():
        reasons.setdefault(id_fault(int(ids[row]), CONCEPT_PARTITIONS) or "malformed_code", []).append(row)
    for reason, rows in reasons.items():
        where = [place_of_row(table, row, files) for row in rows[:_EXAMPLES]]
        count_drops(log.drops, reason, len(rows), where, fault=True)
    order = np.flatnonzero(sound)[np.argsort(ids[sound], kind="stable")]
    active = np.asarray(table["active"])[order] == 1
    modules, counts = np.unique(np.asarray(table["moduleId"])[order][active], return_counts=True)
    return Concepts(ids[order], active, dict(zip(modules.tolist(), counts.tolist(), strict=True)))
