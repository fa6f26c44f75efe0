"""Where the extractor's time goes, component by component, over batches of real notes.

    python scripts/profile_extract.py [--notes 2357] [--repeats 5] [--terminology T.ptx] [--markdown]

The functions in STEPS are replaced by timed ones while `evidence_batch` runs as always; a step has its own time,
without that of the steps it calls. "assembly" is the rest of `extract_batch` (offsets, result arrays). Milliseconds
per MB of characters, shares and what the step alone would do in MB/s: medians over repeats, CPU time of one thread,
warm (every token of the notes was seen before); "first pass" is the same in a fresh extractor. A step that is no
longer where STEPS says is an error. Prints figures, never note text.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from bench_extract import machine, read_notes, table

from phenotext.nlp import Extractor, context, evidence, extractor, recognize, token_batch, tokens
from phenotext.nlp.terminology import build_terminology

ROOT = Path(__file__).resolve().parent.parent
BATCH = 256
# step -> the module or class, and its attribute
STEPS: dict[str, tuple[Any, str]] = {
    "tokenize: cut the text": (token_batch, "cut"),
    "tokenize: new words": (tokens.SurfaceTable, "settle"),
    "tokenize: look up, arrays": (extractor, "tokenize"),
    "stream: sentences": (extractor, "build_stream"),
    "sections": (extractor, "find_sections"),
    "recognize: trie and case": (extractor, "recognize"),
    "recognize: order-free": (recognize, "_with_bags"),
    "context: cues": (context.ContextRules, "_find_cues"),
    "context: scopes and axes": (context.ContextRules, "apply"),
    "assertion": (extractor, "decide"),
    "assembly": (extractor.Extractor, "extract_batch"),
    "evidence: codes": (evidence, "_codes"),
    "evidence: cues": (evidence, "_triggers"),
    "evidence: other columns": (evidence, "evidence_of"),
}


class Clock:
    """CPU seconds of each step, without those of the steps inside it."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STEPS, 0.0)
        self._inside: list[float] = []

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            began = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                taken = time.thread_time() - began
                self.spent[step] += taken - self._inside.pop()
                if self._inside:
                    self._inside[-1] += taken

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Put the timed functions in their places, and the plain ones back at the end."""
        plain: list[tuple[Any, str, Any]] = []
        try:
            for step, (place, name) in STEPS.items():
                if name not in vars(place):
                    raise SystemExit(f"{place.__name__}.{name} ({step}) is gone: change STEPS in {Path(__file__).name}")
                plain.append((place, name, vars(place)[name]))
                setattr(place, name, self.timed(step, vars(place)[name]))
            yield
        finally:
            for place, name, function in plain:
                setattr(place, name, function)


def one_pass(ready: Extractor, notes: Sequence[str]) -> dict[str, float]:
    """CPU seconds by step over all notes, in batches."""
    clock = Clock()
    with clock.watching():
        for first in range(0, len(notes), BATCH):
            evidence.evidence_batch(ready, notes[first : first + BATCH])
    return clock.spent


def median_pass(passes: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each step."""
    return {step: statistics.median(spent[step] for spent in passes) for step in STEPS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--terminology", type=Path, help="compiled terminology (default: built from the open lexicon)")
    parser.add_argument("--notes", type=int, default=2357)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    notes = read_notes(options.shared)
    notes = notes[:: max(1, len(notes) // options.notes)][: options.notes]
    size = sum(map(len, notes)) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        artefact = options.terminology or Path(folder) / "lexicon.ptx"
        if options.terminology is None:
            source = options.shared / "data" / "terminology" / "lexicon_v2_gps_only.tsv"
            build_terminology([source], artefact)
        cold = median_pass([one_pass(Extractor.load(artefact), notes) for _ in range(options.repeats)])
        ready = Extractor.load(artefact)
        one_pass(ready, notes)
        warm = median_pass([one_pass(ready, notes) for _ in range(options.repeats)])
    rows = [["step", "ms/MB", "share", "MB/s alone", "first pass, ms/MB", "share"]]
    totals = sum(warm.values()), sum(cold.values())
    for step in (*STEPS, "all"):
        now, fresh = totals if step == "all" else (warm[step], cold[step])
        alone = f"{size / now:,.1f}" if now > 0 else ""
        cells = [f"{now * 1e3 / size:.1f}", f"{now / totals[0]:.0%}", alone]
        rows.append([step, *cells, f"{fresh * 1e3 / size:.1f}", f"{fresh / totals[1]:.0%}"])
    print(f"{date.today().isoformat()}; {machine()}")
    print(f"{len(notes)} MTSamples notes, {size:.2f} MB, {ready.terminology.n_terms:,} terms, batches of {BATCH}\n")
    table(rows, markdown=options.markdown)


if __name__ == "__main__":
    main()
