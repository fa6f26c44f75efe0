"""Counts of 1 to 10 are not told, nor what they could be computed from.

Rule of the US Centers for Medicare & Medicaid Services: no cell of 1 to 10 leaves, and none may be derivable from the
totals. A small count reads "<11". A count that is hidden to protect another reads "11+", which is true and not exact;
where even that would give it away it reads "withheld". Zero is told.

>>> table = suppress([5, 20, 300])
>>> [cell.text for cell in table.cells], table.total.text
(['<11', '11+', '300'], '325')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .cell_network import OVERALL_PENALTY, SUM_PENALTY, CellNetwork, Showing

MIN_CELL = 11


@dataclass(frozen=True, slots=True)
class Cell:
    """A count as it may be shown: `value` is None where it is hidden, `text` is what to print."""

    text: str
    value: int | None = None
    showing: Showing = Showing.EXACT

    @property
    def shown(self) -> bool:
        """Whether the count is told exactly."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Group:
    """A row of counts, one for each column, and the rows that it is the sum of.

    `people` (same length as counts) is given where counts are not of people: a count from 1 to 10 people is hidden too.
    `all_people` is the same for the row's total.
    """

    counts: tuple[int, ...]
    members: tuple[Group, ...] = ()
    people: tuple[int, ...] | None = None
    all_people: int | None = None


@dataclass(frozen=True, slots=True)
class SafeGroup:
    """A group as it may be shown; `total` is the sum of its cells."""

    cells: tuple[Cell, ...]
    total: Cell
    members: tuple[SafeGroup, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SafeCounts:
    """Counts of one dimension as they may be shown with their total."""

    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, slots=True)
class SafeTable:
    """Counts of two dimensions as they may be shown with all margins; `cells[row][column]`."""

    cells: tuple[tuple[Cell, ...], ...]
    row_totals: tuple[Cell, ...]
    column_totals: tuple[Cell, ...]
    total: Cell


def one_count(count: int, min_cell: int = MIN_CELL, people: int | None = None) -> Cell:
    """A count that belongs to no sum. `people`: how many people it comes from, where it is not of people."""
    if count < 0:
        raise ValueError("a count is negative")
    if 0 < count < min_cell:
        return _cell(count, Showing.SMALL, min_cell)
    few = people is not None and 0 < people < min_cell
    return _cell(count, Showing.LARGE if few and count else Showing.EXACT, min_cell)


def part_of(count: int, whole: int, min_cell: int = MIN_CELL, people: int | None = None) -> Cell:
    """A count out of a whole that is told elsewhere: hidden too if the rest is small. `people` as in `one_count`.

    >>> part_of(38, 42).text, part_of(42, 42).text, part_of(20, 42).text
    ('11+', '42', '20')
    """
    # of the rest no number of people is known: as many as there are counts
    counts = [count, whole - count]
    return suppress(counts, people=None if people is None else [people, counts[1]], min_cell=min_cell).cells[0]


def suppress(
    counts: Sequence[int],
    *,
    people: Sequence[int] | None = None,
    all_people: int | None = None,
    min_cell: int = MIN_CELL,
) -> SafeCounts:
    """Counts that add up to a total which is shown. Raises ValueError for a negative count."""
    rows = tuple(
        Group((count,), people=None if people is None else (people[place],)) for place, count in enumerate(counts)
    )
    root = Group((sum(counts),), rows, people=None if all_people is None else (all_people,))
    safe = suppress_groups(root, min_cell=min_cell)
    return SafeCounts(tuple(member.total for member in safe.members), safe.total)


def suppress_table(
    rows: Sequence[Sequence[int]], *, people: Sequence[Sequence[int]] | None = None, min_cell: int = MIN_CELL
) -> SafeTable:
    """Counts of two dimensions whose row, column and overall totals are shown.

    >>> safe = suppress_table([[5, 40], [30, 60]])
    >>> [[cell.text for cell in row] for row in safe.cells]
    [['<11', '11+'], ['11+', '11+']]
    """
    width = len(rows[0]) if rows else 0
    if any(len(row) != width for row in rows):
        raise ValueError("rows of unequal length")
    groups = tuple(
        Group(tuple(row), people=None if people is None else tuple(people[place])) for place, row in enumerate(rows)
    )
    sums = tuple(sum(row[column] for row in rows) for column in range(width))
    safe = suppress_groups(Group(sums, groups), min_cell=min_cell)
    return SafeTable(
        tuple(member.cells for member in safe.members),
        tuple(member.total for member in safe.members),
        safe.cells,
        safe.total,
    )


def suppress_groups(root: Group, *, min_cell: int = MIN_CELL) -> SafeGroup:
    """A table whose rows are sums of other rows, to any depth: no hidden count can be computed from all the others.

    Raises ValueError for a negative count, rows of unequal length, or a row that is not the sum of its members.
    """
    network = CellNetwork(min_cell)
    nodes: dict[tuple[int, ...], int] = {}
    placed: dict[tuple[int, ...], list[int]] = {}
    _place(network, root, (), len(root.counts), nodes, placed)
    network.protect()
    return _safe(network, root, (), placed, min_cell)


def _place(
    network: CellNetwork,
    group: Group,
    path: tuple[int, ...],
    width: int,
    nodes: dict[tuple[int, ...], int],
    placed: dict[tuple[int, ...], list[int]],
) -> None:
    """Add a row's counts, its total (where there are several columns), and those of its members.

    A count lies between the sum over its own members (or, in a row without members, the row's sum) and the sum over the
    members of the group it is in. The row sums of groups follow from those of their members. Totals run the other way.
    """
    if len(group.counts) != width:
        raise ValueError("rows of unequal length")
    if group.members:
        for column, count in enumerate(group.counts):
            if sum(member.counts[column] for member in group.members if column < len(member.counts)) != count:
                raise ValueError("a row is not the sum of its members")

    def sum_node(at: tuple[int, ...], column: int) -> int:
        return nodes.setdefault((*at, -1 - column), len(nodes))

    ground = nodes.setdefault((), 0)
    penalty = (SUM_PENALTY if path else OVERALL_PENALTY) if group.members else 0.0
    numbers: list[int] = []
    total = sum(group.counts)
    for column in range(width + (width != 1)):
        last = column == width
        value = total if last else group.counts[column]
        people = group.all_people if last or (width == 1 and group.people is None) else None
        if not last and group.people is not None:
            people = group.people[column]
        hide = people is not None and 0 < people < network.min_cell
        own = sum_node(path, column) if group.members else sum_node(path, -1)
        above = sum_node(path[:-1], column) if path else ground
        if not group.members and width == 1:
            own = ground
        tail, head = (above, own) if last else (own, above)
        extra = SUM_PENALTY if last and not group.members else 0.0
        numbers.append(network.add(tail, head, value, penalty + extra, hide=hide))
    placed[path] = numbers
    for place, member in enumerate(group.members):
        _place(network, member, (*path, place), width, nodes, placed)


def _safe(
    network: CellNetwork, group: Group, path: tuple[int, ...], placed: dict[tuple[int, ...], list[int]], min_cell: int
) -> SafeGroup:
    arcs = [network.arcs[number] for number in placed[path]]
    cells = tuple(_cell(arc.value, arc.showing, min_cell) for arc in arcs)
    members = tuple(
        _safe(network, member, (*path, place), placed, min_cell) for place, member in enumerate(group.members)
    )
    return SafeGroup(cells[: len(group.counts)], cells[-1], members)


def _cell(count: int, showing: Showing, min_cell: int) -> Cell:
    match showing:
        case Showing.EXACT:
            return Cell(f"{count:,}", count)
        case Showing.SMALL:
            return Cell(f"<{min_cell}", None, showing)
        case Showing.LARGE:
            return Cell(f"{min_cell}+", None, showing)
        case Showing.WITHHELD:
            return Cell("withheld", None, showing)
