"""No hidden count can be computed from what is shown: checked by linear programming, a method of its own."""

from __future__ import annotations

from math import inf
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.pipelines.report.cell_network import Showing
from phenotext.pipelines.report.small_cells import (
    Cell,
    Group,
    SafeGroup,
    one_count,
    part_of,
    suppress,
    suppress_groups,
    suppress_table,
)

Variable = tuple[Cell, int]
Sum = tuple[list[int], int]


def _bounds(cell: Cell, min_cell: int) -> tuple[float, float]:
    """What the text of a cell tells its reader."""
    if cell.value is not None:
        return cell.value, cell.value
    if cell.text == f"<{min_cell}":
        return 1, min_cell - 1
    if cell.text == f"{min_cell}+":
        return min_cell, inf
    assert cell.text == "withheld"
    return 0, inf


def _system(group: Group, safe: SafeGroup) -> tuple[list[Variable], list[Sum]]:
    """All counts of a table and every sum among them: (parts, whole) as places in the list."""
    variables: list[Variable] = []
    sums: list[Sum] = []

    def walk(group: Group, safe: SafeGroup) -> list[int]:
        assert len(safe.cells) == len(group.counts)
        row: list[int] = []
        for cell, count in zip(safe.cells, group.counts, strict=True):
            row.append(len(variables))
            variables.append((cell, count))
        if len(row) > 1:
            row.append(len(variables))
            variables.append((safe.total, sum(group.counts)))
            sums.append((row[:-1], row[-1]))
        below = [walk(member, shown) for member, shown in zip(group.members, safe.members, strict=True)]
        if below:
            sums.extend(([part[place] for part in below], row[place]) for place in range(len(row)))
        return row

    walk(group, safe)
    return variables, sums


def _assert_safe(group: Group, safe: SafeGroup, min_cell: int) -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="linear programming is scipy's")
    variables, sums = _system(group, safe)
    bounds = [_bounds(cell, min_cell) for cell, _ in variables]
    equations: list[list[float]] = []
    for parts, whole in sums:
        equation = [0.0] * len(variables)
        for part in parts:
            equation[part] += 1
        equation[whole] -= 1
        equations.append(equation)
    for place, (cell, count) in enumerate(variables):
        low, high = bounds[place]
        assert low <= count <= high  # what is told is true
        if 0 < count < min_cell:
            assert not cell.shown
        if cell.shown:
            continue
        ends: list[float] = []
        for sign in (1, -1):
            goal = [0.0] * len(variables)
            goal[place] = sign
            found = optimize.linprog(
                goal,
                A_eq=equations or None,
                b_eq=[0.0] * len(equations) or None,
                bounds=[(low, None if high == inf else high) for low, high in bounds],
            )
            ends.append(inf if found.status == 3 else cast(float, found.x[place]))
            assert found.status in (0, 3)
        assert ends[1] - ends[0] > 0.5  # sums of whole numbers: the ends of a range are whole numbers too


counts = st.one_of(st.integers(0, 3), st.integers(0, 14), st.integers(9, 40))


@settings(max_examples=150, deadline=None)
@given(st.lists(counts, min_size=1, max_size=7), st.sampled_from([3, 11]))
def test_one_dimension(values: list[int], min_cell: int) -> None:
    group = Group((sum(values),), tuple(Group((value,)) for value in values))
    safe = suppress_groups(group, min_cell=min_cell)
    _assert_safe(group, safe, min_cell)
    again = suppress(values, min_cell=min_cell)
    assert again.cells == tuple(member.total for member in safe.members)
    assert again.total == safe.total


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4), st.integers(2, 4), st.sampled_from([3, 11]), st.data())
def test_two_dimensions(height: int, width: int, min_cell: int, data: st.DataObject) -> None:
    rows = data.draw(
        st.lists(st.lists(counts, min_size=width, max_size=width), min_size=height, max_size=height), label="rows"
    )
    group = _grouped([Group(tuple(row)) for row in rows])
    _assert_safe(group, suppress_groups(group, min_cell=min_cell), min_cell)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3), st.data())
def test_rows_within_rows(width: int, data: st.DataObject) -> None:
    """Providers within sites: a site's row is the sum of its providers' and a part of the overall row."""
    row = st.lists(counts, min_size=width, max_size=width).map(lambda values: Group(tuple(values)))
    sites = data.draw(st.lists(st.lists(row, min_size=1, max_size=3), min_size=1, max_size=3), label="sites")
    group = _grouped([_grouped(site) for site in sites])
    _assert_safe(group, suppress_groups(group), 11)


def _grouped(members: list[Group]) -> Group:
    width = len(members[0].counts)
    return Group(tuple(sum(member.counts[place] for member in members) for place in range(width)), tuple(members))


def test_the_check_itself_finds_a_leak() -> None:
    group = _grouped([Group((5,)), Group((20,))])
    leaking = SafeGroup(
        (Cell("25", 25),),
        Cell("25", 25),
        tuple(
            SafeGroup((cell,), cell) for cell in (Cell("<11", None, Showing.SMALL), Cell("11+", None, Showing.LARGE))
        ),
    )
    _assert_safe(group, leaking, 11)
    leaking = SafeGroup(
        (Cell("25", 25),),
        Cell("25", 25),
        tuple(SafeGroup((cell,), cell) for cell in (Cell("<11", None, Showing.SMALL), Cell("20", 20))),
    )
    with pytest.raises(AssertionError):
        _assert_safe(group, leaking, 11)


def _texts(cells: tuple[Cell, ...]) -> list[str]:
    return [cell.text for cell in cells]


def test_known_tables() -> None:
    assert _texts(suppress([5, 20, 300]).cells) == ["<11", "11+", "300"]
    assert _texts(suppress([0, 11, 300]).cells) == ["0", "11", "300"]
    assert _texts(suppress([5, 6, 300]).cells) == ["<11", "<11", "300"]
    assert _texts(suppress([4]).cells) == ["<11"]
    assert suppress([4]).total.text == "<11"
    # both could only be 10, and both could only be 1: hiding them as "<11" would tell them
    assert _texts(suppress([10, 10, 30]).cells) == ["<11", "<11", "11+"]
    twelve = suppress([1] * 12)
    assert set(_texts(twelve.cells)) == {"<11", "withheld"}
    assert twelve.total.text == "12"
    safe = suppress_table([[5, 40, 50], [30, 60, 70], [80, 90, 100]])
    hidden = sum(not cell.shown for row in safe.cells for cell in row)
    assert hidden == 4
    assert safe.cells[0][0].text == "<11"
    assert safe.total.text == "525"
    assert all(cell.shown for cell in (*safe.row_totals, *safe.column_totals))


def test_counts_of_few_people_are_hidden() -> None:
    safe = suppress([25, 300, 400], people=[3, 50, 60])
    assert _texts(safe.cells) == ["11+", "11+", "400"]
    assert one_count(25, people=3).text == "11+"
    assert one_count(25, people=11).text == "25"
    assert one_count(4).text == "<11"
    assert one_count(0).text == "0"
    assert part_of(38, 42).text == "11+"
    assert part_of(42, 42).text == "42"


def test_switched_off() -> None:
    safe = suppress_table([[1, 2], [3, 0]], min_cell=1)
    assert [_texts(row) for row in safe.cells] == [["1", "2"], ["3", "0"]]
    assert one_count(1, 1, people=1).value == 1


def test_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        suppress([3, -1])
    with pytest.raises(ValueError, match="negative"):
        one_count(-1)
    with pytest.raises(ValueError, match="unequal"):
        suppress_table([[1, 2], [3]])
    with pytest.raises(ValueError, match="sum of its members"):
        suppress_groups(Group((5,), (Group((2,)), Group((2,)))))


def test_empty() -> None:
    assert suppress([]).total.text == "0"
    assert suppress_table([]).cells == ()
