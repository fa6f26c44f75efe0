"""Where the extractor's time goes, component by component: each function timed in order over batches of real notes.

    python scripts/profile_extract.py [--notes 2357] [--repeats 5] [--terminology T.ptx] [--markdown]

The steps are those of `Extractor.extract_batch` and `evidence_of`, called one after the other with the same arguments;
"assembly" is what `extract_batch` does besides (offsets, result arrays): the whole call less its steps. Milliseconds per MB
of characters and shares: medians over repeats, CPU time of one thread, warm (every token of the notes was seen before);
"first pass" is the same in a fresh extractor, with the warm "assembly". Prints figures, never note text.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
from bench_extract import machine, read_notes, table
from phenotext.nlp import Extractor
from phenotext.nlp.assertion import decide
from phenotext.nlp.context import MentionWords
from phenotext.nlp.evidence import evidence_of
from phenotext.nlp.recognize import recognize
from phenotext.nlp.sections import find_sections
from phenotext.nlp.stream import build_stream
from phenotext.nlp.terminology import build_terminology
from phenotext.nlp.tokens import split, tokenize

ROOT = Path(__file__).resolve().parent.parent
BATCH = 256
STEPS = (
    "tokenize: cut the text", "tokenize: look up, arrays", "stream", "recognize", "sections", "context: cues",
    "context: scopes and axes", "assertion", "assembly", "evidence columns",
)  # fmt: skip
Result = TypeVar("Result")


Seconds = dict[str, float]


def timed(function: Callable[..., Result], *arguments: object) -> tuple[Result, float]:
    """What `function` returns, and the CPU seconds of this thread that it took."""
    began = time.thread_time()
    result = function(*arguments)
    return result, time.thread_time() - began


def profile_batch(extractor: Extractor, texts: Sequence[str], spent: Seconds) -> None:
    """Add the seconds of every step on one batch. "assembly" is left out: it needs the whole call on known tokens."""
    surfaces, rules = extractor._surfaces, extractor._context
    _, cutting = timed(lambda: [split(text) for text in texts])
    tokens, tokenizing = timed(tokenize, texts, surfaces)
    stream, streaming = timed(build_stream, tokens, surfaces)
    (first, last, _, concept), recognizing = timed(recognize, extractor.terminology, stream)
    sections, sectioning = timed(find_sections, stream, tokens, extractor.heading_table)
    mentions = MentionWords(first, last, overlapping=False)
    _, finding = timed(rules._find_cues, stream, sections, mentions)
    context, applying = timed(rules.apply, stream, sections, mentions)
    _, deciding = timed(decide, context, np.append(extractor.terminology.chronic, False)[concept])
    result = extractor.extract_batch(texts)
    _, writing = timed(evidence_of, extractor, result)
    seconds = (cutting, tokenizing - cutting, streaming, recognizing, sectioning, finding, applying - finding, deciding)
    for step, taken in zip((*STEPS[:8], STEPS[9]), (*seconds, writing)):
        spent[step] += taken


def one_pass(extractor: Extractor, notes: Sequence[str], *, warm: bool) -> Seconds:
    """CPU seconds by step over all notes, in batches."""
    spent = dict.fromkeys(STEPS, 0.0)
    whole = 0.0
    for first in range(0, len(notes), BATCH):
        batch = notes[first : first + BATCH]
        profile_batch(extractor, batch, spent)
        if warm:
            whole += timed(extractor.extract_batch, batch)[1]
    if warm:
        spent[STEPS[8]] = max(0.0, whole - sum(spent[step] for step in STEPS[:8]))
    return spent


def median_pass(passes: Sequence[Seconds]) -> Seconds:
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
        extractor = Extractor.load(artefact)
        cold = median_pass([one_pass(Extractor.load(artefact), notes, warm=False) for _ in range(options.repeats)])
        one_pass(extractor, notes, warm=True)
        warm = median_pass([one_pass(extractor, notes, warm=True) for _ in range(options.repeats)])
    cold[STEPS[8]] = warm[STEPS[8]]
    rows: list[list[str]] = [["step", "ms/MB", "share", "MB/s alone", "first pass, ms/MB", "share"]]
    totals = sum(warm.values()), sum(cold.values())
    for step in (*STEPS, "all"):
        seconds = totals if step == "all" else (warm[step], cold[step])
        cells = [
            f"{seconds[0] * 1e3 / size:.1f}",
            f"{seconds[0] / totals[0]:.0%}",
            f"{size / max(seconds[0], 1e-9):,.1f}",
        ]
        rows.append([step, *cells, f"{seconds[1] * 1e3 / size:.1f}", f"{seconds[1] / totals[1]:.0%}"])
    print(f"{date.today().isoformat()}; {machine()}")
    print(f"{len(notes)} MTSamples notes, {size:.2f} MB, {extractor.terminology.n_terms:,} terms, batches of {BATCH}\n")
    table(rows, markdown=options.markdown)


if __name__ == "__main__":
    main()
