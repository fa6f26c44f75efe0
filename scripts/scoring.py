"""Counting shared by the assertion evaluations: precision, recall, intervals, predictions, peers, tables."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from phenotext.nlp import Extractor

REPOSITORY = Path(__file__).resolve().parent.parent
DRIVER = Path(__file__).resolve().parent / "peers" / "medspacy_assert.py"
BATCH = 256
SEED = 20
# Peers that do not answer every axis; the others are not scored for them.
ANSWERED = {"negspacy": {"negation"}, "medspacy": {"negation", "certainty", "temporality", "experiencer"}}


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives of one class, and the figures that follow from them."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0


def count(gold: Sequence[bool], predicted: Sequence[bool]) -> Counts:
    """Count one class over rows; both sequences have one flag a row."""
    if len(gold) != len(predicted):
        raise ValueError(f"count: {len(gold)} gold rows but {len(predicted)} predictions; give one a row")
    pairs = list(zip(gold, predicted))
    return Counts(
        sum(g and p for g, p in pairs), sum(p and not g for g, p in pairs), sum(g and not p for g, p in pairs)
    )


def f1_interval(
    gold: Sequence[bool], predicted: Sequence[bool], groups: Sequence[object], *, rounds: int = 2000
) -> tuple[float, float]:
    """95 % percentile interval of F1, drawing whole groups (reports, documents) with replacement; seeded."""
    names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    if not names:
        return 0.0, 0.0
    index = np.array([names[group] for group in groups])
    truth, guess = np.asarray(gold, bool), np.asarray(predicted, bool)
    tables = [truth & guess, ~truth & guess, truth & ~guess]
    tp, fp, fn = (np.bincount(index, weights=table, minlength=len(names)) for table in tables)
    draws = np.random.default_rng(SEED).integers(0, len(names), (rounds, len(names)))
    hits, misses = tp[draws].sum(axis=1), (fp + fn)[draws].sum(axis=1)
    scores = 2 * hits / np.maximum(2 * hits + misses, 1)
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Axes:
    """What a system says of one span; `rules` names the cues behind it (empty for peers)."""

    negation: str = "affirmed"
    certainty: str = "certain"
    temporality: str = "recent"
    experiencer: str = "patient"
    assertion: str = "present"
    rules: tuple[str, ...] = ()


# One item a text: the text and its (start, end) spans.
Item = tuple[str, list[tuple[int, int]]]
Predictor = Callable[[Sequence[Item]], list[list[Axes]]]


def schema_assertion(axes: Axes) -> str:
    """The assertion for systems that give axes only: the schema's order without chronic flag and resolution cue."""
    if axes.experiencer != "patient":
        return "absent" if axes.negation == "negated" else axes.experiencer
    if axes.temporality == "hypothetical":
        return "hypothetical"
    if axes.negation == "negated":
        return "absent"
    if axes.certainty == "uncertain":
        return "possible"
    return "historical" if axes.temporality == "historical" else "present"


def phenotext_predictor(extractor: Extractor | None = None) -> Predictor:
    """This package's extractor on given spans."""
    ready = extractor or Extractor()

    def predict(items: Sequence[Item]) -> list[list[Axes]]:
        found: list[list[Axes]] = []
        for first in range(0, len(items), BATCH):
            part = items[first : first + BATCH]
            spans = [[(start, end, None) for start, end in spans] for _, spans in part]
            for note in ready.notes(ready.extract_batch([text for text, _ in part], spans)):
                found.append(
                    [
                        Axes(
                            m.negation,
                            m.certainty,
                            m.temporality,
                            m.experiencer,
                            m.assertion,
                            tuple(cue.rule for cue in m.cues),
                        )
                        for m in note.mentions
                    ]
                )
        return found

    return predict


def peer_predictor(python: str, engine: str) -> Predictor:
    """A peer (`medspacy` or `negspacy`) in an interpreter of its own, over JSON lines.

    The peer's stderr is thrown away: some peers log note text.
    """

    def predict(items: Sequence[Item]) -> list[list[Axes]]:
        lines = "".join(json.dumps({"text": text, "spans": spans}) + "\n" for text, spans in items)
        done = subprocess.run(
            [python, str(DRIVER), "--engine", engine], input=lines.encode(), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
        if done.returncode or len(answers) != len(items):
            raise RuntimeError(
                f"{engine}: {python} {DRIVER.name} ended with {done.returncode} after {len(answers)} of {len(items)}"
                f" texts; check that {engine} imports in that interpreter"
            )
        found = [[Axes(**span) for span in answer["spans"]] for answer in answers]
        return [[replace(axes, assertion=schema_assertion(axes)) for axes in row] for row in found]

    return predict


def can_import(python: str, module: str) -> bool:
    """Whether `module` imports in the interpreter `python`."""
    command = [python, "-c", f"import {module}"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def systems(peer_python: str | None) -> dict[str, Predictor]:
    """phenotext, and with `peer_python` the peers that import there."""
    chosen: dict[str, Predictor] = {"phenotext": phenotext_predictor()}
    for engine, module in (("medspacy", "medspacy"), ("negspacy", "negspacy.negation")):
        if peer_python is None:
            continue
        if can_import(peer_python, module):
            chosen[engine] = peer_predictor(peer_python, engine)
        else:
            print(f"({engine} does not import in that interpreter: left out)")
    return chosen


def shared_corpus(name: str, given: str | None) -> Path:
    """The path of a corpus: `given`, or below $PHENOTEXT_SHARED, or below ../shared beside the repository."""
    root = Path(os.environ.get("PHENOTEXT_SHARED", REPOSITORY.parent / "shared"))
    path = Path(given) if given else root / "data" / "corpora" / name
    if not path.is_file():
        raise SystemExit(f"{path.name}: not found; give --corpus PATH or set PHENOTEXT_SHARED to the shared folder")
    return path


def read_json_lines(path: Path) -> list[dict[str, object]]:
    """All rows of a JSON lines file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table, floats with three decimals."""
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *cells]) for i in range(len(header))]
    for row in [list(header), ["-" * width for width in widths], *cells]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    print()
