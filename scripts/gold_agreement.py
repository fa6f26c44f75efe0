"""Agreement of two passes over the same notes, before adjudication.

    python scripts/gold_agreement.py [LEFT RIGHT] [--json OUT] [--show]

LEFT and RIGHT are folders of mark-up (default: annotations/gold/passes/a and b). Spans: F1, symmetric in the two. On
mentions paired by overlap: code and axes, share of equal labels and Cohen's kappa. Intervals: notes drawn anew.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from make_gold import GOLD
from scoring import print_table
from span_pairs import interval_by_note, kappa, pairs, share_right
from span_scoring import CodedSpan, exact, exact_uncoded, figures, overlapping, overlapping_uncoded

from phenotext.annotations.gold_notes import AXES, GoldNote, read_gold_notes

SPAN_TASKS = {
    "span, exact": exact_uncoded,
    "span, overlap": overlapping_uncoded,
    "span and code, exact": exact,
    "span and code, overlap": overlapping,
}


@dataclass(frozen=True, slots=True)
class SpanAgreement:
    """F1 of one pass against the other (symmetric) with its 95 % interval."""

    f1: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Equal labels and Cohen's kappa on paired mentions, 95 % intervals; `differing` counts left / right."""

    n: int
    equal: float
    equal_interval: tuple[float, float]
    kappa: float
    kappa_interval: tuple[float, float]
    differing: dict[str, int]


def coded(note: GoldNote) -> list[CodedSpan]:
    return [CodedSpan(m.start, m.end, m.code) for m in note.mentions]


def agreement(
    left: Sequence[GoldNote], right: Sequence[GoldNote]
) -> tuple[dict[str, SpanAgreement], dict[str, LabelAgreement]]:
    """The figures by task. Raises ValueError where the passes do not have the same notes with the same text."""
    if [(n.note_id, n.text) for n in left] != [(n.note_id, n.text) for n in right]:
        raise ValueError("the passes differ in their notes or texts; both need the same notes, changed by mark-up only")
    spans: dict[str, SpanAgreement] = {}
    for task, tally in SPAN_TASKS.items():
        scored = figures([tally(coded(a), coded(b)) for a, b in zip(left, right)])
        spans[task] = SpanAgreement(scored.f1, scored.low, scored.high)
    matched = [(i, one, two) for i, (a, b) in enumerate(zip(left, right)) for one, two in pairs(a.mentions, b.mentions)]
    notes = np.array([i for i, _, _ in matched])
    labels: dict[str, LabelAgreement] = {}
    for task in ("code", *AXES):
        both = [(str(getattr(one, task)), str(getattr(two, task))) for _, one, two in matched]
        names = {name: k for k, name in enumerate(sorted({name for pair in both for name in pair}))}
        first, second = (np.array([names[pair[side]] for pair in both]) for side in (0, 1))
        labels[task] = LabelAgreement(
            len(both),
            share_right(first, second),
            interval_by_note(share_right, first, second, notes, len(left)),
            kappa(first, second),
            interval_by_note(kappa, first, second, notes, len(left)),
            dict(Counter(f"{one} / {two}" for one, two in both if one != two).most_common()),
        )
    return spans, labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("left", type=Path, nargs="?", default=GOLD / "passes" / "a")
    parser.add_argument("right", type=Path, nargs="?", default=GOLD / "passes" / "b")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--show", action="store_true", help="print which labels differ (codes, values; no text)")
    options = parser.parse_args()
    left = read_gold_notes(options.left, adjudicated=False)
    right = read_gold_notes(options.right, adjudicated=False)
    spans, labels = agreement(left, right)
    counts = [sum(len(note.mentions) for note in side) for side in (left, right)]
    print(f"{len(left)} notes, {counts[0]} and {counts[1]} mentions\n")
    print_table(["task", "F1", "95 %"], [[task, f.f1, f"{f.low:.3f}-{f.high:.3f}"] for task, f in spans.items()])
    rows: list[list[object]] = []
    for task, f in labels.items():
        intervals = [f"{low:.3f}-{high:.3f}" for low, high in (f.equal_interval, f.kappa_interval)]
        rows.append([task, f.n, f.equal, intervals[0], f.kappa, intervals[1]])
    print_table(["on paired mentions", "n", "equal", "95 %", "kappa", "95 %"], rows)
    for task, f in labels.items() if options.show else ():
        print(f"{task}: " + ", ".join(f"{names} ({n})" for names, n in f.differing.items()))
    if options.json:
        plain = {task: asdict(f) for found in (spans, labels) for task, f in found.items()}
        options.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
