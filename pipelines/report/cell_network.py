"""Counts bound by sums as a network: which hidden count could be computed from the others, and what to hide with it.

Every count is an arc, every sum a node where as much flows in as out. A hidden count is known only by its range. It can
be computed exactly if no other flow within the ranges gives it another value. Flows of whole numbers differ by whole
cycles, so it is safe if one cycle through it can change by one: the check is exact, not a bound (Cox, "Network models
for complementary cell suppression", JASA 1995). The cheapest such cycle is what is hidden.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import Enum
from math import inf

# Weights of hiding: inner counts by their size; sums of others only where no inner count does; ranges from 0 last.
SUM_PENALTY = 1e9
OVERALL_PENALTY = 1e15
WITHHELD_PENALTY = 1e12


class Showing(Enum):
    """How much of a count is told."""

    EXACT = "exact"
    SMALL = "small"
    """from 1 to min_cell - 1"""
    LARGE = "large"
    """min_cell or more"""
    WITHHELD = "withheld"
    """nothing: 0 or more"""


@dataclass(slots=True)
class Arc:
    """One count between two sums."""

    tail: int
    head: int
    value: int
    penalty: float
    showing: Showing = Showing.EXACT


class CellNetwork:
    """Counts and the sums between them; `protect` hides what gives a hidden count away."""

    def __init__(self, min_cell: int) -> None:
        self.min_cell = min_cell
        self.arcs: list[Arc] = []
        self._at: dict[int, list[int]] = {}

    def add(self, tail: int, head: int, value: int, penalty: float = 0.0, *, hide: bool = False) -> int:
        """Add a count that leaves the sum `tail` and enters `head`; gives its number. `hide`: too few people."""
        if value < 0:
            raise ValueError("a count is negative")
        number = len(self.arcs)
        arc = Arc(tail, head, value, penalty)
        if 0 < value < self.min_cell:
            arc.showing = Showing.SMALL
        elif hide and value:
            arc.showing = Showing.LARGE
        self.arcs.append(arc)
        for node in (tail, head):
            self._at.setdefault(node, []).append(number)
        return number

    def bounds(self, arc: Arc) -> tuple[float, float]:
        """The range that a reader is told for a count, both ends included."""
        match arc.showing:
            case Showing.EXACT:
                return arc.value, arc.value
            case Showing.SMALL:
                return 1, self.min_cell - 1
            case Showing.LARGE:
                return self.min_cell, inf
            case Showing.WITHHELD:
                return 0, inf

    def protect(self) -> None:
        """Hide more counts until no hidden one has a single possible value."""
        safe: set[int] = set()
        for number, arc in enumerate(self.arcs):
            if arc.showing is Showing.EXACT or number in safe:
                continue
            # hiding more only widens what is possible, so a count that is safe stays safe
            cycle = self._cheapest_cycle(number, hide_more=True)
            if cycle is None:
                raise AssertionError("a network without a cycle: every count must stand in two sums")
            for member, showing in cycle.items():
                self.arcs[member].showing = showing
                safe.add(member)

    def exposed(self) -> list[int]:
        """Numbers of hidden counts that have a single possible value."""
        return [
            number
            for number, arc in enumerate(self.arcs)
            if arc.showing is not Showing.EXACT and self._cheapest_cycle(number, hide_more=False) is None
        ]

    def _cheapest_cycle(self, number: int, *, hide_more: bool) -> dict[int, Showing] | None:
        """A cycle through a count that can change by one: its counts with what is told of them then."""
        best: tuple[float, dict[int, Showing]] | None = None
        for up in (True, False):
            own = self._step(number, up, hide_more=hide_more)
            if own is None:
                continue
            arc = self.arcs[number]
            start, goal = (arc.head, arc.tail) if up else (arc.tail, arc.head)
            found = self._path(start, goal, number, hide_more=hide_more)
            if found is not None and (best is None or found[0] + own[0] < best[0]):
                best = found[0] + own[0], {**found[1], number: own[1]}
        return best[1] if best else None

    def _path(self, start: int, goal: int, without: int, *, hide_more: bool) -> tuple[float, dict[int, Showing]] | None:
        """The cheapest way for a change of one to travel between two sums (Dijkstra)."""
        cost = {start: 0.0}
        came: dict[int, tuple[int, int, Showing]] = {}
        queue = [(0.0, start)]
        while queue:
            spent, node = heapq.heappop(queue)
            if node == goal:
                members: dict[int, Showing] = {}
                while node != start:
                    node, number, showing = came[node]
                    members[number] = showing
                return spent, members
            if spent > cost[node]:
                continue
            for number in self._at[node]:
                arc = self.arcs[number]
                if number == without or arc.tail == arc.head:
                    continue
                up = arc.tail == node
                step = self._step(number, up, hide_more=hide_more)
                if step is None:
                    continue
                other = arc.head if up else arc.tail
                if spent + step[0] < cost.get(other, inf):
                    cost[other] = spent + step[0]
                    came[other] = (node, number, step[1])
                    heapq.heappush(queue, (cost[other], other))
        return None

    def _step(self, number: int, up: bool, *, hide_more: bool) -> tuple[float, Showing] | None:
        """What it costs that a count may be one more or one less, and what is told of it then; None: it cannot."""
        arc = self.arcs[number]
        if arc.showing is not Showing.EXACT:
            low, high = self.bounds(arc)
            if arc.value < high if up else arc.value > low:
                return 0.0, arc.showing
        elif hide_more and arc.value >= self.min_cell and (up or arc.value > self.min_cell):
            return 1.0 + arc.value + arc.penalty, Showing.LARGE
        if hide_more and (up or arc.value > 0):
            return WITHHELD_PENALTY + arc.value + arc.penalty, Showing.WITHHELD
        return None
