"""The is-a hierarchy of a terminology: parents, children, ancestors, descendants and subsumption.

Parents and the whole closure are stored as sorted concept numbers, so that a test is a binary search and a set of
descendants a slice. Concepts are the numbers of `Terminology`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_NONE = np.empty(0, np.int32)


class Hierarchy:
    """Who is a kind of whom. Empty where the sources gave no is-a relations: every concept is then its own only kin."""

    __slots__ = ("_ancestor", "_child", "_descendant", "_parent", "n_concepts")

    def __init__(self, arrays: Mapping[str, np.ndarray], n_concepts: int) -> None:
        self.n_concepts = n_concepts
        self._parent = _rows(arrays, "parent")
        self._child = _rows(arrays, "child")
        self._ancestor = _rows(arrays, "ancestor")
        self._descendant = _rows(arrays, "descendant")

    def __bool__(self) -> bool:
        return self._parent is not None

    @property
    def n_edges(self) -> int:
        """Direct is-a relations."""
        return 0 if self._parent is None else len(self._parent[1])

    @property
    def n_pairs(self) -> int:
        """(descendant, ancestor) pairs, a concept and itself not counted."""
        return 0 if self._ancestor is None else len(self._ancestor[1])

    def parents(self, concept: int) -> np.ndarray:
        """[k] int32, ascending."""
        return _row(self._parent, concept)

    def children(self, concept: int) -> np.ndarray:
        """[k] int32, ascending."""
        return _row(self._child, concept)

    def ancestors(self, concept: int) -> np.ndarray:
        """[k] int32, ascending; without the concept itself."""
        return _row(self._ancestor, concept)

    def descendants(self, concept: int) -> np.ndarray:
        """[k] int32, ascending; without the concept itself."""
        return _row(self._descendant, concept)

    def subsumes(self, ancestor: int, concept: int) -> bool:
        """Whether `concept` is `ancestor` or a kind of it."""
        if ancestor == concept:
            return True
        row = self.ancestors(concept)
        place = int(np.searchsorted(row, ancestor))
        return place < len(row) and int(row[place]) == ancestor


def _rows(arrays: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray] | None:
    if f"isa_{name}_start" not in arrays:
        return None
    return arrays[f"isa_{name}_start"], arrays[f"isa_{name}"]


def _row(rows: tuple[np.ndarray, np.ndarray] | None, concept: int) -> np.ndarray:
    if rows is None:
        return _NONE
    return rows[1][rows[0][concept] : rows[0][concept + 1]]


def pack_hierarchy(child: np.ndarray, parent: np.ndarray, n_concepts: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The arrays of a terminology file from is-a edges, and the numbers of the concepts that lie on a circle.

    Edges from a concept to itself, doubles, and edges between concepts on a circle ("A is a B is a A", a fault of the
    source) are left out.
    """
    edges = np.unique(np.stack((child, parent), axis=1).astype(np.int64), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    order, on_circle = _topological(edges, n_concepts)
    if len(on_circle):
        circle = np.zeros(n_concepts, bool)
        circle[on_circle] = True
        edges = edges[~(circle[edges[:, 0]] & circle[edges[:, 1]])]
        order, _ = _topological(edges, n_concepts)
    parent_start, parents = _compressed(edges[:, 0], edges[:, 1], n_concepts)
    child_start, children = _compressed(edges[:, 1], edges[:, 0], n_concepts)
    rows: list[np.ndarray] = [_NONE] * n_concepts
    for concept in order.tolist():
        own = parents[parent_start[concept] : parent_start[concept + 1]]
        if len(own) == 1:
            above = rows[own[0]]
            place = int(np.searchsorted(above, own[0]))
            rows[concept] = np.concatenate((above[:place], own, above[place:]))
        elif len(own):
            rows[concept] = np.unique(np.concatenate((own, *(rows[p] for p in own.tolist()))))
    lengths = np.array([len(row) for row in rows], np.int64)
    ancestors = np.concatenate(rows) if n_concepts else _NONE
    ancestor_start = np.zeros(n_concepts + 1, np.int64)
    np.cumsum(lengths, out=ancestor_start[1:])
    descendant_start, descendants = _compressed(ancestors, np.repeat(np.arange(n_concepts), lengths), n_concepts)
    return {
        "isa_parent_start": parent_start,
        "isa_parent": parents,
        "isa_child_start": child_start,
        "isa_child": children,
        "isa_ancestor_start": ancestor_start,
        "isa_ancestor": ancestors.astype(np.int32),
        "isa_descendant_start": descendant_start,
        "isa_descendant": descendants,
    }, on_circle


def _compressed(row: np.ndarray, value: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Start [size + 1] and values ordered by row, then by value."""
    order = np.lexsort((value, row))
    start = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=size), out=start[1:])
    return start, value[order].astype(np.int32)


def _topological(edges: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Concepts so that parents come before children, and those that no such order holds (on or below a circle)."""
    start, children = _compressed(edges[:, 1], edges[:, 0], size)
    waiting = np.bincount(edges[:, 0], minlength=size)
    front = np.flatnonzero(waiting == 0)
    ordered = [front]
    while len(front):
        below = np.concatenate([children[start[c] : start[c + 1]] for c in front.tolist()] or [_NONE])
        np.subtract.at(waiting, below, 1)
        front = np.unique(below[waiting[below] == 0])
        ordered.append(front)
    placed = np.concatenate(ordered)
    left = np.setdiff1d(np.arange(size), placed)
    return placed, _on_circle(edges, left)


def _on_circle(edges: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Of concepts on or below circles, those on one: what only hangs below is peeled off from the leaves."""
    while len(left):
        inner = edges[np.isin(edges[:, 0], left) & np.isin(edges[:, 1], left)]
        kept = np.intersect1d(left, inner[:, 1])
        if len(kept) == len(left):
            return left
        left = kept
    return left
