"""Counting coded spans against gold: exact, overlapping and document level, with intervals and causes of error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

SEED = 20
ROUNDS = 2000
RIGHT, BOUNDARY, WRONG_CODE, BOTH = "right", "boundary", "wrong code", "boundary and code"
MISSED, SPURIOUS = "missed", "spurious"


@dataclass(frozen=True, slots=True, order=True)
class CodedSpan:
    """Half-open character offsets of a document and a code (None: without)."""

    start: int
    end: int
    code: str | None

    def meets(self, other: CodedSpan) -> bool:
        return self.start < other.end and other.start < self.end


Spans = Sequence[CodedSpan]
# Of one document: predictions right, predictions, gold found, gold.
Tally = tuple[int, int, int, int]


def _unique(spans: Spans) -> list[CodedSpan]:
    return sorted(set(spans), key=lambda span: (span.start, span.end, span.code or ""))


def exact(gold: Spans, predicted: Spans) -> Tally:
    """Same offsets, same code."""
    both = len(set(gold) & set(predicted))
    return both, len(set(predicted)), both, len(set(gold))


def overlapping(gold: Spans, predicted: Spans) -> Tally:
    """A span is right (found) when one of the other side shares a character and has its code."""
    return _meeting(gold, predicted, lambda one, other: one.code == other.code)


def overlapping_uncoded(gold: Spans, predicted: Spans) -> Tally:
    """A span is right (found) when one of the other side shares a character; codes are not looked at."""
    places = [[CodedSpan(span.start, span.end, None) for span in side] for side in (gold, predicted)]
    return _meeting(places[0], places[1], lambda one, other: True)


def exact_uncoded(gold: Spans, predicted: Spans) -> Tally:
    """Same offsets; codes are not looked at."""
    places = [[CodedSpan(span.start, span.end, None) for span in side] for side in (gold, predicted)]
    return exact(places[0], places[1])


def document(gold: Spans, predicted: Spans) -> Tally:
    """The sets of codes of the document."""
    wanted, found = {span.code for span in gold}, {span.code for span in predicted}
    return len(wanted & found), len(found), len(wanted & found), len(wanted)


def _meeting(gold: Spans, predicted: Spans, alike: Callable[[CodedSpan, CodedSpan], bool]) -> Tally:
    left, right = _unique(gold), _unique(predicted)
    found = sum(any(one.meets(other) and alike(one, other) for other in right) for one in left)
    good = sum(any(one.meets(other) and alike(one, other) for other in left) for one in right)
    return good, len(right), found, len(left)


@dataclass(frozen=True, slots=True)
class Figures:
    """Micro precision, recall and F1 with the 95 % percentile interval of F1 (documents drawn with replacement)."""

    predicted: int
    gold: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float

    def cells(self) -> list[object]:
        return [self.gold, self.predicted, self.precision, self.recall, self.f1, f"{self.low:.3f}-{self.high:.3f}"]


FIGURE_NAMES = ["gold", "predicted", "P", "R", "F1", "95 %"]


def figures(tallies: Sequence[Tally]) -> Figures:
    """Sum the tallies of documents; seeded bootstrap by document."""
    table = np.array(tallies, np.float64).reshape(-1, 4)
    total = table.sum(axis=0, keepdims=True)
    draws = np.random.default_rng(SEED).integers(0, max(len(table), 1), (ROUNDS, len(table)))
    scores = _scores(table[draws].sum(axis=1)) if len(table) else np.zeros((1, 3))
    low, high = np.percentile(scores[:, 2], [2.5, 97.5])
    precision, recall, f1 = _scores(total)[0]
    return Figures(
        int(total[0, 1]), int(total[0, 3]), float(precision), float(recall), float(f1), float(low), float(high)
    )


def _scores(sums: np.ndarray) -> np.ndarray:
    """[n, 4] sums to [n, 3] precision, recall, F1."""
    precision = sums[:, 0] / np.maximum(sums[:, 1], 1)
    recall = sums[:, 2] / np.maximum(sums[:, 3], 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return np.stack([precision, recall, f1], axis=1)


def best_match(span: CodedSpan, others: Spans, prefer: Callable[[CodedSpan], bool]) -> CodedSpan | None:
    """The span among `others` that answers to `span`: preferred codes first, then most shared characters."""
    met = [other for other in others if span.meets(other)]
    if not met:
        return None

    def rank(other: CodedSpan) -> tuple[bool, bool, int]:
        same = (other.start, other.end) == (span.start, span.end)
        return prefer(other), same, min(span.end, other.end) - max(span.start, other.start)

    return max(met, key=rank)


def cause(span: CodedSpan, answer: CodedSpan | None, *, coded: bool, nothing: str) -> str:
    """Why `span` is no exact match of its best answer; `nothing` names the lack of one (missed or spurious)."""
    if answer is None:
        return nothing
    same = (span.start, span.end) == (answer.start, answer.end)
    if not coded or span.code == answer.code:
        return RIGHT if same else BOUNDARY
    return WRONG_CODE if same else BOTH
