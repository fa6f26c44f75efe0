"""Score negation and hedging on the E3C assertion rows; a measure-only corpus, so only figures are ever printed.

    python scripts/eval_e3c.py [--corpus e3c_assertion.jsonl] [--peer-python PATH]

GENERIC rows keep a positive polarity in sentences such as "not associated with", so negation is scored with and without
them. HEDGED is uncertain. Intervals: 95 %, bootstrap by case report, seeded.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from scoring import Axes, count, f1_interval, print_table, read_json_lines, shared_corpus, systems


@dataclass(frozen=True, slots=True)
class Row:
    """One disorder in its sentence; offsets are half-open characters of `text`."""

    document: str
    text: str
    start: int
    end: int
    negated: bool
    modality: str


def read_rows(corpus: str | None) -> list[Row]:
    """The located rows of the corpus."""
    rows: list[Row] = []
    for row in read_json_lines(shared_corpus("e3c_assertion.jsonl", corpus)):
        start, end = row["start"], row["end"]
        if isinstance(start, int) and isinstance(end, int):
            document, text, modality = str(row["doc_id"]), str(row["text"]), str(row["modality"])
            rows.append(Row(document, text, start, end, bool(row["negated"]), modality))
    return rows


def line(name: str, rows: Sequence[Row], gold: Sequence[bool], guess: Sequence[bool]) -> list[object]:
    """One line of the table: counts, P, R, F1 and its interval."""
    counts = count(gold, guess)
    low, high = f1_interval(gold, guess, [row.document for row in rows])
    scores = [counts.precision, counts.recall, counts.f1, f"{low:.3f}-{high:.3f}"]
    return [name, len(rows), sum(gold), counts.tp, counts.fp, counts.fn, *scores]


def table(name: str, rows: Sequence[Row], answers: Sequence[Axes]) -> None:
    """Negated with and without GENERIC rows, and uncertain."""
    lines: list[list[object]] = []
    for label, keep_generic in (("negated, with GENERIC", True), ("negated, without GENERIC", False)):
        pairs = [(r, a) for r, a in zip(rows, answers) if keep_generic or r.modality != "GENERIC"]
        guess = [axes.negation == "negated" for _, axes in pairs]
        lines.append(line(label, [r for r, _ in pairs], [r.negated for r, _ in pairs], guess))
    hedged = [row.modality == "HEDGED" for row in rows]
    lines.append(line("uncertain (HEDGED)", rows, hedged, [axes.certainty == "uncertain" for axes in answers]))
    print(f"## {name}\n")
    print_table(["class", "rows", "gold", "tp", "fp", "fn", "P", "R", "F1", "95 %"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="e3c_assertion.jsonl (default: below the shared folder)")
    parser.add_argument("--peer-python", help="interpreter with medspaCy and/or negspaCy")
    options = parser.parse_args()
    rows = read_rows(options.corpus)
    items = [(row.text, [(row.start, row.end)]) for row in rows]
    for name, predict in systems(options.peer_python).items():
        table(name, rows, [spans[0] for spans in predict(items)])


if __name__ == "__main__":
    main()
