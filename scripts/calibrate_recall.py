"""Choose the threshold of recall mode: what each one gains on the tune sets and what it costs in speed.

    python scripts/calibrate_recall.py [--shared DIR] [--thresholds T ...] [--notes 300] [--json OUT]

Tune sets only: hpo_id68 with HPO (mention overlap with code, and document level, codes below HP:0000118) and
medcat_mtsamples with the disorders of the open lexicon (span overlap without code). "added" are the mentions that
recall mode adds, "right" those of them that meet a gold span (of their code, for HPO) that the dictionary alone did
not find. Speed: CPU time over MTSamples notes with the open lexicon, each phrase new once (first pass) and remembered
(warm). The best threshold is the one with the highest mean F1 of the two sets at mention level.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from bench_extract import read_notes
from code_maps import Hpo
from concept_systems import Document, lexicon_rows, read_documents
from scoring import REPOSITORY, print_table
from span_scoring import CodedSpan, Tally, document, figures, overlapping, overlapping_uncoded

from phenotext.nlp import Extractor
from phenotext.nlp.evidence import evidence_batch
from phenotext.nlp.recall import CandidateIndex
from phenotext.nlp.terminology import build_terminology
from phenotext.nlp.terminology.terminology import Terminology

THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
DISORDERS = {"disorder", ""}


def terminology_of(source: Path, folder: Path) -> Terminology:
    """Build the terminology of one source."""
    artefact = folder / f"{source.name}.ptx"
    build_terminology([source], artefact)
    return Terminology.open(artefact)


def predictions(extractor: Extractor, documents: Sequence[Document], codes: set[str] | None) -> list[list[CodedSpan]]:
    """Mentions of each document; with `codes` those of these codes."""
    return [
        [CodedSpan(m.start, m.end, m.code) for m in note.mentions if codes is None or m.code in codes]
        for note in extractor.pipe([d.text for d in documents])
    ]


def added(
    documents: Sequence[Document], before: list[list[CodedSpan]], after: list[list[CodedSpan]], *, coded: bool
) -> tuple[int, int]:
    """Mentions only `after` has, and how many of them meet gold that `before` missed."""
    count = right = 0
    for doc, old, new in zip(documents, before, after):
        missed = [g for g in doc.gold if not any(g.meets(o) and (not coded or g.code == o.code) for o in old)]
        for span in set(new) - set(old):
            count += 1
            right += any(span.meets(g) and (not coded or span.code == g.code) for g in missed)
    return count, right


def f1(tallies: list[Tally]) -> tuple[float, float, float]:
    """Precision, recall, F1."""
    found = figures(tallies)
    return found.precision, found.recall, found.f1


def speed(
    terminology: Terminology, index: CandidateIndex | None, threshold: float | None, notes: list[str]
) -> list[float]:
    """MB per CPU second, first pass and warm."""
    extractor = Extractor(terminology, recall=index, recall_threshold=threshold)
    size = sum(map(len, notes)) / 1e6
    rates: list[float] = []
    for _ in range(2):
        began = time.process_time()
        for first in range(0, len(notes), 256):
            evidence_batch(extractor, notes[first : first + 256])
        rates.append(size / (time.process_time() - began))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shared", type=Path, default=Path(os.environ.get("PHENOTEXT_SHARED", REPOSITORY.parent / "shared"))
    )
    parser.add_argument("--thresholds", type=float, nargs="+", default=list(THRESHOLDS))
    parser.add_argument("--notes", type=int, default=300, help="MTSamples notes for the speed; 0 leaves it out")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the table as JSON")
    options = parser.parse_args()
    corpora, sources = options.shared / "data" / "corpora", options.shared / "data" / "terminology"
    if not corpora.is_dir():
        raise SystemExit(f"no folder {corpora}; give the shared folder with --shared or PHENOTEXT_SHARED")
    warnings.simplefilter("ignore")  # the open lexicon has a few more aliases than the index wants
    hpo_file = sources / "hpo" / "hp.v2024-04-26.json.gz"
    hpo = Hpo.read(hpo_file)
    id68 = [
        Document(d.text, tuple(CodedSpan(s.start, s.end, hpo.current(s.code or "")) for s in d.gold))
        for d in read_documents(corpora / "hpo_id68.jsonl")
    ]
    id68 = [Document(d.text, tuple(s for s in d.gold if s.code in hpo.phenotypic)) for d in id68]
    medcat = read_documents(corpora / "medcat_mtsamples.jsonl")
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lexicon = lexicon_rows(sources / "lexicon_v2_gps_only.tsv", DISORDERS, folder / "disorders.tsv")
        of_hpo, of_lexicon = terminology_of(hpo_file, folder), terminology_of(lexicon, folder)
        indices = [CandidateIndex.build(of_hpo), CandidateIndex.build(of_lexicon)]
        print(f"aliases: HPO {len(indices[0]):,}, disorders {len(indices[1]):,}\n")
        notes = read_notes(options.shared)[: options.notes]
        base: list[list[list[CodedSpan]]] = []
        for threshold in (None, *options.thresholds):
            one, other = (
                predictions(
                    Extractor(terms, recall=None if threshold is None else index, recall_threshold=threshold),
                    docs,
                    codes,
                )
                for terms, index, docs, codes in (
                    (of_hpo, indices[0], id68, set(hpo.phenotypic)),
                    (of_lexicon, indices[1], medcat, None),
                )
            )
            if threshold is None:
                base = [one, other]
            hits = [added(id68, base[0], one, coded=True), added(medcat, base[1], other, coded=False)]
            scores = [
                f1([overlapping(d.gold, s) for d, s in zip(id68, one)]),
                f1([document(d.gold, s) for d, s in zip(id68, one)]),
                f1([overlapping_uncoded(d.gold, s) for d, s in zip(medcat, other)]),
            ]
            rates = speed(of_lexicon, None if threshold is None else indices[1], threshold, notes) if notes else [0, 0]
            cells = [f"{right} of {count}" for count, right in hits]
            rows.append(
                [
                    "off" if threshold is None else threshold,
                    " ".join(f"{value:.3f}" for value in scores[0]),
                    " ".join(f"{value:.3f}" for value in scores[1]),
                    cells[0],
                    " ".join(f"{value:.3f}" for value in scores[2]),
                    cells[1],
                    (scores[0][2] + scores[2][2]) / 2,
                    " / ".join(f"{rate:.2f}" for rate in rates),
                ]
            )
    header = ["threshold", "ID-68 mention P R F1", "ID-68 document P R F1", "right of added", "medcat P R F1"]
    print_table([*header, "right of added", "mean F1", "MB/CPU-s first / warm"], rows)
    best = max(rows[1:], key=lambda row: float(str(row[6])))
    print(f"Best mean F1 at {best[0]}.")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
