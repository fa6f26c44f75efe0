"""Results side by side: how many patients each finds, how many they share, with small cells suppressed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ..errors import RunError
from ..report.small_cells import Cell, suppress, suppress_table

MOST_RESULTS = 6


@dataclass(frozen=True, slots=True)
class Overlap:
    """Patients that are in exactly the results `members` (names) and in no other."""

    members: tuple[str, ...]
    cell: Cell


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of patients as they may be shown. `jaccard` is shared / all, for two results; None where it is hidden."""

    names: tuple[str, ...]
    totals: dict[str, Cell]
    overlaps: tuple[Overlap, ...]
    found_by_any: Cell
    jaccard: float | None


def compare(patients: Mapping[str, set[int]], everyone: set[int], *, exact: bool = False) -> Comparison:
    """Compare sets of patients.

    Args:
        patients: subject ids that each result names.
        everyone: all patients the results were tried on; who is in none of them is a count too.
        exact: do not suppress. For use inside the site alone.

    Raises RunError for fewer than two results or more than can be drawn.
    """
    names = tuple(patients)
    if not 2 <= len(names) <= MOST_RESULTS:
        raise RunError(f"{len(names)} results cannot be compared", remedy=f"give 2 to {MOST_RESULTS}")
    universe = set(everyone).union(*patients.values())
    where = Counter(tuple(name for name in names if subject in patients[name]) for subject in universe)
    patterns = [
        tuple(name for name, inside in zip(names, pattern, strict=True) if inside)
        for pattern in product((True, False), repeat=len(names))
    ]
    counts = [where[pattern] for pattern in patterns]
    if exact:
        cells = [Cell(f"{count:,}", count) for count in counts]
        totals = {name: Cell(f"{len(patients[name]):,}", len(patients[name])) for name in names}
        found = sum(counts) - where[()]
        any_cell = Cell(f"{found:,}", found)
    elif len(names) == 2:
        safe = suppress_table([counts[:2], counts[2:]])
        cells = [*safe.cells[0], *safe.cells[1]]
        totals = {names[0]: safe.row_totals[0], names[1]: safe.column_totals[0]}
        any_cell = _sum(cells[:-1])
    else:
        cells = list(suppress(counts).cells)
        # overlapping sums: a total is told only where all that it is made of is told
        totals = {
            name: _sum([cell for cell, pattern in zip(cells, patterns, strict=True) if name in pattern])
            for name in names
        }
        any_cell = _sum(cells[:-1])
    overlaps = tuple(Overlap(pattern, cell) for pattern, cell in zip(patterns, cells, strict=True))
    jaccard = None
    if len(names) == 2:
        shared, whole = cells[0].value, any_cell.value
        jaccard = shared / whole if shared is not None and whole else None
    return Comparison(names, totals, overlaps, any_cell, jaccard)


def _sum(cells: Sequence[Cell]) -> Cell:
    values = [cell.value for cell in cells]
    if any(value is None for value in values):
        return Cell("withheld")
    total = sum(value for value in values if value is not None)
    return Cell(f"{total:,}", total)
