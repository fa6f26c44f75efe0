"""Which descriptions the language reference sets accept, and which they prefer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rf2_files import Release
from .rf2_rows import ReadLog, read_rows
from .rf2_schema import ACCEPTABLE, PREFERRED
from .rf2_versions import members_in_use, newest


@dataclass(frozen=True, slots=True)
class Acceptance:
    """By description: `accepted` (n,) bool; `preferred_by` (n,) int32, the place in the order of precedence of the
    first reference set that prefers it, `never` if none does. `present` is whether there was any reference set."""

    accepted: np.ndarray
    preferred_by: np.ndarray
    never: int
    present: bool


def read_acceptance(
    release: Release, ids: np.ndarray, concept: np.ndarray, concepts: int, chosen: tuple[str, ...], log: ReadLog
) -> Acceptance:
    """Read the language reference sets for descriptions `ids` (n,) of concepts numbered `concept` (n,).

    A description is accepted if one of the `chosen` sets accepts it; where none of them says anything about a concept,
    as in an extension with a set of its own, any other set may.
    """
    files = release.of("language")
    table = members_in_use(newest(read_rows(files, "language", log), files, log), files, log, "language_member")
    order = np.argsort(ids, kind="stable")
    component = np.asarray(table["referencedComponentId"])
    place = np.minimum(np.searchsorted(ids[order], component), max(len(ids) - 1, 0))
    known = ids[order][place] == component if len(ids) else np.zeros(len(component), bool)
    acceptability = np.asarray(table["acceptabilityId"])
    rated = known & ((acceptability == PREFERRED) | (acceptability == ACCEPTABLE))
    row = order[place[rated]]
    refset, preferred = np.asarray(table["refsetId"])[rated], acceptability[rated] == PREFERRED
    present = len(table) > 0
    numbers = [int(number) for number in chosen]
    others, sizes = np.unique(refset[~np.isin(refset, numbers)], return_counts=True)
    # The larger of the others speaks first.
    precedence = [*numbers, *others[np.lexsort((others, -sizes))].tolist()]
    never = len(precedence)
    if not present:
        return Acceptance(np.ones(len(ids), bool), np.full(len(ids), never, np.int32), never, False)
    accepted = np.zeros(len(ids), bool)
    elsewhere = np.zeros(len(ids), bool)
    preferred_by = np.full(len(ids), never, np.int32)
    spoken_for = np.zeros(concepts, bool)
    for rank, number in reversed(list(enumerate(precedence))):
        mine = refset == number
        preferred_by[row[mine & preferred]] = rank
        if rank < len(numbers):
            accepted[row[mine]] = True
            spoken_for[concept[row[mine]]] = True
        else:
            elsewhere[row[mine]] = True
    accepted |= elsewhere & ~spoken_for[concept]
    return Acceptance(accepted, preferred_by, never, present)
