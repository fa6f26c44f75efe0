"""Near-duplicate groups and splits: nobody, and no copied note, on two sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.models.near_duplicates import (
    SplitError,
    check_disjoint,
    jaccard,
    make_folds,
    near_duplicate_groups,
    person_groups,
    shingles,
    stable_split,
)

WORDS = [f"word{i}" for i in range(400)]


def invented(random: np.random.Generator, length: int = 80) -> list[str]:
    return [str(word) for word in random.choice(WORDS, length)]


def test_edited_copies_are_found_and_others_are_not() -> None:
    random = np.random.default_rng(3)
    texts, truth = [], []
    for i in range(40):
        words = invented(random)
        texts.append(" ".join(words))
        truth.append(i)
        if i % 2:
            edited = list(words)
            edited[int(random.integers(80))] = "changed"
            texts.append(" ".join(edited).upper().replace(" ", "  "))
            truth.append(i)
    groups = near_duplicate_groups(texts)
    same = np.asarray(truth)[:, None] == np.asarray(truth)
    assert ((groups[:, None] == groups) == same).all()


def test_every_similar_pair_is_in_one_group() -> None:
    # against the exact similarity of all pairs, over copies with more and more edits
    random = np.random.default_rng(8)
    texts = []
    for _ in range(12):
        words = invented(random)
        for edits in (0, 1, 2, 3):
            edited = list(words)
            for place in random.choice(80, edits, replace=False):
                edited[place] = "other"
            texts.append(" ".join(edited))
    sets = [shingles(text) for text in texts]
    groups = near_duplicate_groups(texts, similarity=0.7)
    similar = [
        (i, j)
        for i in range(len(sets))
        for j in range(i)
        if jaccard(sets[i], sets[j]) >= 0.7 and groups[i] != groups[j]
    ]
    assert not similar


def test_texts_without_words_stay_alone() -> None:
    assert near_duplicate_groups(["", "...", "", "a b"]).tolist() == [0, 1, 2, 3]


def test_groups_do_not_depend_on_letters_case_or_order_of_texts() -> None:
    texts = ["a b c d e f g h", "x", "A B C, D E F G H", "y"]
    forward = near_duplicate_groups(texts)
    backward = near_duplicate_groups(texts[::-1])[::-1]
    assert ((forward[:, None] == forward) == (backward[:, None] == backward)).all()


def test_people_with_a_copied_note_are_together() -> None:
    subject = np.array([5, 6, 5, 7, 8, 9, 10, *range(20, 60)])
    note_row = np.array([0, 1, 2, 3, 4])
    note_group = np.array([0, 1, 2, 1, 3])  # patients 6 and 7 share note group 1
    found = person_groups(subject, note_row, note_group)
    assert found.group[0] == found.group[2]
    assert found.group[1] == found.group[3]
    assert len(set(found.group.tolist())) == len(set(subject.tolist())) - 1
    assert found.stock == 0


def test_stock_notes_do_not_chain_everybody() -> None:
    n = 100
    note_row = np.concatenate([np.arange(n), np.arange(n)])
    note_group = np.concatenate([np.zeros(n, int), 1 + np.arange(n) // 2])  # one stock note, and pairs that share one
    found = person_groups(np.arange(n), note_row, note_group)
    assert found.stock == 1
    assert len(set(found.group.tolist())) == 50


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9), st.booleans()), min_size=30, max_size=90),
    st.integers(2, 4),
    st.integers(0, 5),
)
def test_folds_keep_people_and_copies_on_one_side(rows: list[tuple[int, int, bool]], count: int, seed: int) -> None:
    subject = np.array([row[0] for row in rows])
    found = person_groups(subject, np.arange(len(rows)), np.array([row[1] for row in rows]))
    y = np.array([float(row[2]) for row in rows])
    if len(set(found.group.tolist())) < count:
        with pytest.raises(SplitError, match="groups of patients"):
            make_folds(found.group, y, count, seed)
        return
    folds = make_folds(found.group, y, count, seed)
    check_disjoint(folds.fold, subject, found.group)
    together = np.sort(np.concatenate([folds.test(i) for i in range(count)]))
    assert together.tolist() == list(range(len(rows)))
    for i in range(count):
        assert not set(folds.train(i).tolist()) & set(folds.test(i).tolist())
    again = make_folds(found.group, y, count, seed)
    assert again.sha256 == folds.sha256
    assert (again.fold == folds.fold).all()


def test_positives_are_spread_evenly() -> None:
    y = np.zeros(200)
    y[:20] = 1
    folds = make_folds(np.arange(200), y, 5, 0)
    assert [int(y[folds.test(i)].sum()) for i in range(5)] == [4] * 5
    assert [len(folds.test(i)) for i in range(5)] == [40] * 5


@given(st.sets(st.integers(0, 10**9), min_size=2, max_size=60), st.sets(st.integers(0, 10**9), max_size=20))
def test_a_frozen_split_does_not_move_when_patients_join(people: set[int], more: set[int]) -> None:
    now = np.array(sorted(people))
    later = np.array(sorted(people | more))
    before = dict(zip(now.tolist(), stable_split(np.arange(len(now)), now, (0.7, 0.3)).tolist()))
    after = dict(zip(later.tolist(), stable_split(np.arange(len(later)), later, (0.7, 0.3)).tolist()))
    assert all(after[person] == part for person, part in before.items())


def test_shares_of_a_frozen_split_are_near_what_was_asked() -> None:
    people = np.arange(4000)
    part = stable_split(people, people, (0.6, 0.2, 0.2))
    assert np.bincount(part) / 4000 == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
    with pytest.raises(SplitError, match="sum to 1"):
        stable_split(people, people, (0.6, 0.2))


def test_a_leaking_split_is_refused() -> None:
    with pytest.raises(SplitError, match="patient"):
        check_disjoint(np.array([0, 1]), np.array([4, 4]), np.array([0, 1]))
    with pytest.raises(SplitError, match="near-duplicate"):
        check_disjoint(np.array([0, 1]), np.array([4, 5]), np.array([2, 2]))
