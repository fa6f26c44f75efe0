"""The array trie finds what a plain dictionary of word tuples finds."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp.trie import Trie, Vocabulary, pad, without_overlaps

SEQUENCES = st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=5), min_size=1, max_size=30)


def longest_by_hand(terms: set[tuple[int, ...]], words: list[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for start in range(len(words)):
        for length in range(1, 6):
            candidate = tuple(words[start : start + length])
            if len(candidate) == length and candidate in terms:
                found[start] = candidate
    return found


@given(SEQUENCES, st.lists(st.integers(-1, 6), max_size=60))
def test_longest_match(sequences: list[list[int]], words: list[int]) -> None:
    trie, groups = Trie.build(*pad(sequences), 7)
    starts, ends, found = trie.longest(np.array(words, np.int32))
    expected = longest_by_hand({tuple(s) for s in sequences}, words)
    assert {s: tuple(words[s:e]) for s, e in zip(starts.tolist(), ends.tolist())} == expected
    group_of = {tuple(s): g for s, g in zip(sequences, groups.tolist())}
    assert [group_of[tuple(words[s:e])] for s, e in zip(starts.tolist(), ends.tolist())] == found.tolist()


@given(SEQUENCES)
def test_equal_sequences_share_a_group(sequences: list[list[int]]) -> None:
    _, groups = Trie.build(*pad(sequences), 7)
    assert len(set(groups.tolist())) == len({tuple(s) for s in sequences})


def test_a_vetoed_match_gives_way_to_a_shorter_one() -> None:
    trie, groups = Trie.build(*pad([[1], [1, 2]]), 3)
    longer = groups[1]
    starts, ends, _ = trie.longest(np.array([1, 2], np.int32), lambda found, s, e: found != longer)
    assert (starts.tolist(), ends.tolist()) == ([0], [1])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=30))
def test_kept_matches_do_not_overlap_and_the_longest_is_among_them(spans: list[tuple[int, int]]) -> None:
    spans = sorted(dict(spans).items())
    starts = np.array([s for s, _ in spans], np.int64)
    ends = np.array([s + n for s, n in spans], np.int64)
    kept = without_overlaps(starts, ends)
    for one, other in itertools.pairwise(kept):
        assert ends[one] <= starts[other]
    if len(spans):
        assert (ends - starts)[kept].max() == (ends - starts).max()


@given(st.lists(st.tuples(st.integers(0, 25), st.integers(1, 9)), max_size=25))
def test_choice_equals_the_plain_greedy_one(spans: list[tuple[int, int]]) -> None:
    ordered = sorted(dict(spans).items())
    starts = np.array([s for s, _ in ordered], np.int64)
    ends = np.array([s + n for s, n in ordered], np.int64)
    taken: list[int] = []
    for i in sorted(range(len(ordered)), key=lambda m: (starts[m] - ends[m], starts[m])):
        if all(ends[i] <= starts[j] or starts[i] >= ends[j] for j in taken):
            taken.append(i)
    assert without_overlaps(starts, ends).tolist() == sorted(taken)


def test_vocabulary_knows_only_its_words() -> None:
    vocabulary = Vocabulary.build(["fever", "cough"])
    ids = vocabulary.ids(["cough", "rash", "", "fever"])
    assert ids[1] == ids[2] == -1
    assert sorted([ids[0], ids[3]]) == [0, 1]
