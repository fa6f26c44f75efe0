"""phenotext in the benchmark: build the artefact and the peers' terms, or extract evidence rows in process."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from bench_loop import Run, peak_rss_mb, read_texts, serve

BATCH = 256


def build(source: Path, artefact: Path, terms: Path) -> None:
    """Write the artefact of `source`, and for the peers those of its terms (code, term) that the artefact holds.

    Terms that the builder drops ("no", "left") are dropped for all. Acronyms that are English words ("WAS") are
    kept from the peers, which would match them in small letters too.
    """
    from phenotext.nlp.terminology import Terminology, build_terminology, read_source
    from phenotext.nlp.terminology.terminology import GROUP_UPPER_WORDLIKE
    from phenotext.nlp.tokens import key_words

    build_terminology([source], artefact)
    compiled = Terminology.open(artefact)

    def held(term: str) -> bool:
        words = compiled.vocabulary.ids(key_words(term))
        if not len(words):
            return False
        _, ends, groups = compiled.trie.longest(words, positions=np.zeros(1, np.int64))
        whole = len(ends) > 0 and int(ends[0]) == len(words)
        return whole and int(compiled.group_case[groups[0]]) != GROUP_UPPER_WORDLIKE

    rows = dict.fromkeys((term.code, " ".join(term.term.split())) for term in read_source(source).terms)
    terms.write_text("".join(f"{code}\t{term}\n" for code, term in rows if held(term)), encoding="utf-8")


def build_measured(source: Path, artefact: Path) -> None:
    """Build, then print wall and CPU seconds, peak memory and the counts as JSON."""
    began = time.perf_counter()
    from phenotext.nlp.terminology import build_terminology

    report = build_terminology([source], artefact)
    figures = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time(),
        "peak_mb": peak_rss_mb(),
        "strings": report.strings,
        "codes": report.codes,
    }
    print(json.dumps(figures))


def load(artefact: Path) -> Run:
    """Terms, sections, context and Arrow evidence rows over batches of notes."""
    from phenotext.nlp import Extractor
    from phenotext.nlp.evidence import evidence_batch

    extractor = Extractor.load(artefact)

    def run(texts: list[str]) -> int:
        return sum(
            evidence_batch(extractor, texts[first : first + BATCH]).num_rows for first in range(0, len(texts), BATCH)
        )

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artefact", type=Path, required=True)
    parser.add_argument("--source", type=Path, help="build the artefact from this; with --terms also the peers' terms")
    parser.add_argument("--terms", type=Path)
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--least", type=float, default=1.0, help="repeat a run until it took so many seconds")
    options = parser.parse_args()
    if options.source is not None:
        if options.terms is None:
            build_measured(options.source, options.artefact)
        else:
            build(options.source, options.artefact, options.terms)
        return
    packages = ("phenotext", "numpy", "pyarrow")
    serve(lambda: load(options.artefact), read_texts(options.notes), packages, warm_up=0, least_s=options.least)


if __name__ == "__main__":
    main()
