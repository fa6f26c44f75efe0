"""From is-a edges to the arrays of a `Hierarchy`: parents, children and the transitive closure, level by level.

SNOMED CT has 360,000 concepts, half a million edges and five million (descendant, ancestor) pairs, so the work is done
for whole levels at once and pairs are single numbers, `descendant * n_concepts + ancestor`.
"""

from __future__ import annotations

import numpy as np

from .hierarchy import row_places


def pack_hierarchy(child: np.ndarray, parent: np.ndarray, n_concepts: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The arrays of a terminology file from is-a edges [k], and the numbers of the concepts that lie on a circle.

    Edges from a concept to itself, doubles, and the edges of a circle ("A is a B is a A", a fault of the source) are
    left out. An edge from one circle to another stays.
    """
    edges = np.unique(child.astype(np.int64) * max(n_concepts, 1) + parent.astype(np.int64))
    child, parent = np.divmod(edges, max(n_concepts, 1))
    child, parent = child[child != parent], parent[child != parent]
    levels = _levels(child, parent, n_concepts)
    circle = _circles(child, parent, levels, n_concepts)
    if circle.any():
        kept = (circle[child] == 0) | (circle[child] != circle[parent])
        child, parent = child[kept], parent[kept]
        levels = _levels(child, parent, n_concepts)
    parent_start, parents = compressed(child, parent, n_concepts)
    child_start, children = compressed(parent, child, n_concepts)
    ancestor_start, ancestors = _closure(parent_start, parents, levels)
    below = np.repeat(np.arange(n_concepts, dtype=np.int32), np.diff(ancestor_start))
    descendant_start, descendants = compressed(ancestors, below, n_concepts)
    return {
        "isa_parent_start": parent_start,
        "isa_parent": parents,
        "isa_child_start": child_start,
        "isa_child": children,
        "isa_ancestor_start": ancestor_start,
        "isa_ancestor": ancestors,
        "isa_descendant_start": descendant_start,
        "isa_descendant": descendants,
    }, np.flatnonzero(circle)


def compressed(row: np.ndarray, value: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Start [size + 1] int64 and values int32, ordered by row, then by value."""
    start = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=size), out=start[1:])
    keys = row.astype(np.int64) * max(size, 1)
    keys += value
    keys.sort()
    keys %= max(size, 1)
    return start, keys.astype(np.int32)


def _closure(parent_start: np.ndarray, parents: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start [n + 1] and ancestors of every concept. A concept's ancestors are its parents and theirs, so each level
    needs only the levels above it."""
    n = len(levels)
    order = np.argsort(levels, kind="stable")
    bounds = np.flatnonzero(np.diff(levels[order])) + 1
    # `held` has the pairs of the levels done, in the order of `order`; `first` and `length` say where a concept's are
    held = np.empty(max(16, 2 * len(parents)), np.int32)
    used = 0
    first, length = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for level in np.split(order, bounds)[1:] if n else []:
        above = parents[row_places(parent_start, level)].astype(np.int64)
        local = np.repeat(np.arange(len(level)), parent_start[level + 1] - parent_start[level])
        far = _ranges(first[above], length[above])
        keys = np.concatenate((local * n + above, np.repeat(local, length[above]) * n + held[far]))
        keys = _distinct(keys)
        count = np.bincount(keys // n, minlength=len(level))
        if used + len(keys) > len(held):
            held = np.concatenate((held[:used], np.empty(max(len(held), len(keys)), np.int32)))
        held[used : used + len(keys)] = keys % n
        length[level] = count
        first[level] = used + np.cumsum(count) - count
        used += len(keys)
    start = np.zeros(n + 1, np.int64)
    np.cumsum(length, out=start[1:])
    return start, held[_ranges(first, length)]


def _distinct(keys: np.ndarray) -> np.ndarray:
    """`keys` in ascending order, none twice."""
    keys.sort()
    new = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return keys[new]


def _ranges(first: np.ndarray, length: np.ndarray) -> np.ndarray:
    """first[0], first[0] + 1, ... first[0] + length[0] - 1, first[1], ..."""
    return np.repeat(first - (np.cumsum(length) - length), length) + np.arange(int(length.sum()))


def _levels(child: np.ndarray, parent: np.ndarray, size: int) -> np.ndarray:
    """[size]: 0 for concepts without parents, else one more than the deepest parent; -1 on and below a circle."""
    start, children = compressed(parent, child, size)
    waiting = np.bincount(child, minlength=size)
    levels = np.full(size, -1, np.int64)
    front = np.flatnonzero(waiting == 0)
    level = 0
    while len(front):
        levels[front] = level
        below, times = np.unique(children[row_places(start, front)], return_counts=True)
        waiting[below] -= times
        front = below[waiting[below] == 0]
        level += 1
    return levels


def _circles(child: np.ndarray, parent: np.ndarray, levels: np.ndarray, size: int) -> np.ndarray:
    """[size]: a number for each circle (a set of concepts that are each an ancestor of the other), 0 for the rest."""
    circle = np.zeros(size, np.int64)
    left = levels < 0
    if not left.any():
        return circle
    inner = left[child] & left[parent]
    # what hangs below the circles is peeled off from the leaves, so that only the knots are walked one by one
    up = _levels(parent[inner], child[inner], size)
    left &= up < 0
    inner = left[child] & left[parent]
    above: dict[int, list[int]] = {concept: [] for concept in np.flatnonzero(left).tolist()}
    for low, high in zip(child[inner].tolist(), parent[inner].tolist(), strict=True):
        above[low].append(high)
    for number, knot in enumerate(_knots(above), start=1):
        circle[knot] = number
    return circle


def _knots(above: dict[int, list[int]]) -> list[list[int]]:
    """Strongly connected components of more than one concept (Tarjan's algorithm, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    knots: list[list[int]] = []
    for root in above:
        if root in index:
            continue
        path = [(root, iter(above[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while path:
            concept, rest = path[-1]
            for upper in rest:
                if upper not in index:
                    index[upper] = low[upper] = len(index)
                    stack.append(upper)
                    on_stack.add(upper)
                    path.append((upper, iter(above[upper])))
                    break
                if upper in on_stack:
                    low[concept] = min(low[concept], index[upper])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[concept])
                if low[concept] == index[concept]:
                    knot = [stack.pop()]
                    while knot[-1] != concept:
                        knot.append(stack.pop())
                    on_stack.difference_update(knot)
                    if len(knot) > 1:
                        knots.append(knot)
    return knots
