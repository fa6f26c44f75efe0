"""The is-a hierarchy: closure, several parents, faults of the source, and the same answers as a slow walk."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp.terminology.closure import pack_hierarchy
from phenotext.nlp.terminology.hierarchy import Hierarchy

Edges = list[tuple[int, int]]


def built(edges: Edges, n: int) -> tuple[Hierarchy, list[int]]:
    pairs = np.array(edges, np.int64).reshape(-1, 2)
    arrays, on_circle = pack_hierarchy(pairs[:, 0], pairs[:, 1], n)
    return Hierarchy(arrays, n), on_circle.tolist()


def reachable(edges: Edges, start: int) -> set[int]:
    """All that lies above `start`, by walking."""
    found: set[int] = set()
    todo = [start]
    while todo:
        concept = todo.pop()
        for child, parent in edges:
            if child == concept and parent not in found:
                found.add(parent)
                todo.append(parent)
    return found


def test_several_parents() -> None:
    # 3 is a kind of 1 and of 2, which are kinds of 0; 4 hangs below 3 and, needlessly, below 0
    hierarchy, on_circle = built([(1, 0), (2, 0), (3, 1), (3, 2), (4, 3), (4, 0), (3, 1)], 6)
    assert on_circle == []
    assert hierarchy.parents(3).tolist() == [1, 2]
    assert hierarchy.children(0).tolist() == [1, 2, 4]
    assert hierarchy.ancestors(4).tolist() == [0, 1, 2, 3]
    assert hierarchy.descendants(0).tolist() == [1, 2, 3, 4]
    assert hierarchy.ancestors(5).tolist() == hierarchy.descendants(5).tolist() == []
    assert (hierarchy.n_edges, hierarchy.n_pairs) == (6, 9)
    pairs = [(2, 4), (4, 4), (4, 2), (1, 2), (5, 0)]
    assert [hierarchy.subsumes(upper, lower) for upper, lower in pairs] == [True, True, False, False, False]


def test_unions() -> None:
    hierarchy, _ = built([(1, 0), (2, 0), (3, 1), (4, 2), (5, 4)], 6)
    both = np.array([1, 2], np.int32)
    assert hierarchy.descendants_of(both).tolist() == [3, 4, 5]
    assert hierarchy.children_of(both).tolist() == [3, 4]
    assert hierarchy.ancestors_of(np.array([2, 5], np.int32)).tolist() == [0, 2, 4]
    assert hierarchy.parents_of(np.array([3, 5], np.int32)).tolist() == [1, 4]
    assert hierarchy.descendants_of(both[:0]).tolist() == []


def test_a_circle_is_cut_and_named() -> None:
    # 1 -> 2 -> 3 -> 1 is a circle below 0; 4 hangs below it
    hierarchy, on_circle = built([(1, 0), (1, 2), (2, 3), (3, 1), (4, 3), (5, 5)], 6)
    assert on_circle == [1, 2, 3]
    assert hierarchy.ancestors(1).tolist() == [0]
    assert hierarchy.ancestors(2).tolist() == []
    assert hierarchy.ancestors(4).tolist() == [3]


def test_what_lies_between_two_circles_keeps_its_edges() -> None:
    hierarchy, on_circle = built([(0, 1), (1, 0), (2, 1), (3, 2), (3, 4), (4, 3)], 5)
    assert on_circle == [0, 1, 3, 4]
    assert hierarchy.ancestors(3).tolist() == [1, 2]
    assert hierarchy.ancestors(2).tolist() == [1]


def test_a_chain_deeper_than_recursion() -> None:
    n = 3_000
    hierarchy, _ = built([(i + 1, i) for i in range(n - 1)], n)
    assert hierarchy.n_pairs == n * (n - 1) // 2
    assert len(built([*((i + 1, i) for i in range(n - 1)), (0, n - 1)], n)[1]) == n


def test_nothing() -> None:
    empty, _ = built([], 0)
    assert empty.n_pairs == 0
    assert not Hierarchy({}, 3)
    assert Hierarchy({}, 3).ancestors(1).tolist() == Hierarchy({}, 3).descendants_of(np.array([1, 2])).tolist() == []
    assert Hierarchy({}, 3).subsumes(1, 1)


@given(
    st.integers(1, 14).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40))
    )
)
def test_equals_a_walk(case: tuple[int, Edges]) -> None:
    n, edges = case
    above = {concept: reachable(edges, concept) for concept in range(n)}
    circles = {c for c in range(n) if c in above[c] and (above[c] - {c}) & {d for d in range(n) if c in above[d]}}
    hierarchy, on_circle = built(edges, n)
    assert set(on_circle) == circles
    # an edge of a circle joins two concepts that are each above the other
    kept = [(c, p) for c, p in edges if c != p and not (p in above[c] and c in above[p])]
    for concept in range(n):
        expected = reachable(kept, concept)
        assert hierarchy.ancestors(concept).tolist() == sorted(expected)
        assert set(hierarchy.parents(concept).tolist()) == {p for c, p in kept if c == concept}
        assert hierarchy.descendants(concept).tolist() == [c for c in range(n) if concept in reachable(kept, c)]
        assert [a for a in range(n) if hierarchy.subsumes(a, concept)] == sorted(expected | {concept})


@pytest.mark.slow
def test_a_hierarchy_of_the_size_of_snomed() -> None:
    random = np.random.default_rng(1)
    n = 360_000
    child = np.arange(1, n)
    parent = (child * 0.7).astype(np.int64)  # a tree of some 35 levels
    extra = random.integers(1, n, 60_000)
    child, parent = np.concatenate((child, extra)), np.concatenate((parent, (extra * 0.7).astype(np.int64) // 2))
    began = time.perf_counter()
    arrays, _ = pack_hierarchy(child, parent, n)
    assert time.perf_counter() - began < 60
    hierarchy = Hierarchy(arrays, n)
    assert hierarchy.n_pairs > 5_000_000
    assert len(hierarchy.descendants(0)) == n - 1
