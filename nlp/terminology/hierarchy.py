"""The is-a hierarchy of a terminology: parents, children, ancestors, descendants and subsumption.

Parents and the whole closure are stored as sorted concept numbers, so that a test is a binary search and a set of
descendants a slice. Concepts are the numbers of `Terminology`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_NONE = np.empty(0, np.int32)
_PIECE = 20_000


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
        place = int(row.searchsorted(ancestor))
        return place < len(row) and int(row[place]) == ancestor

    def parents_of(self, concepts: np.ndarray) -> np.ndarray:
        """[k] int32, ascending: the parents of any of `concepts`."""
        return self._union(self._parent, concepts)

    def children_of(self, concepts: np.ndarray) -> np.ndarray:
        """[k] int32, ascending: the children of any of `concepts`."""
        return self._union(self._child, concepts)

    def ancestors_of(self, concepts: np.ndarray) -> np.ndarray:
        """[k] int32, ascending: the ancestors of any of `concepts`; one of them is there if it is another's."""
        return self._union(self._ancestor, concepts)

    def descendants_of(self, concepts: np.ndarray) -> np.ndarray:
        """[k] int32, ascending: the descendants of any of `concepts`; one of them is there if it is another's."""
        return self._union(self._descendant, concepts)

    def _union(self, rows: tuple[np.ndarray, np.ndarray] | None, concepts: np.ndarray) -> np.ndarray:
        if rows is None or not len(concepts):
            return _NONE
        if len(concepts) == 1:
            return _row(rows, int(concepts[0]))
        found = np.zeros(self.n_concepts, bool)
        # in pieces, because "everything below everything" has millions of pairs
        for begin in range(0, len(concepts), _PIECE):
            found[rows[1][row_places(rows[0], concepts[begin : begin + _PIECE])]] = True
        return np.flatnonzero(found).astype(np.int32)


def _rows(arrays: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray] | None:
    if f"isa_{name}_start" not in arrays:
        return None
    return arrays[f"isa_{name}_start"], arrays[f"isa_{name}"]


def _row(rows: tuple[np.ndarray, np.ndarray] | None, concept: int) -> np.ndarray:
    if rows is None:
        return _NONE
    return rows[1][rows[0][concept] : rows[0][concept + 1]]


def row_places(start: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Indices of the values of `rows`, one row after the other."""
    first = start[rows].astype(np.int64)
    length = start[np.asarray(rows, np.int64) + 1] - first
    before = np.cumsum(length) - length
    return np.repeat(first - before, length) + np.arange(int(length.sum()))
