"""Score classifiers on transcribed reports by specialty: multi-label, folds disjoint by near-duplicates.

    python scripts/eval_specialties.py [--shared DIR] [--terminologies starter both] [--least 20] [--folds 5]
        [--seed 0] [--draws 500]

Labels are the specialties of the source's own filing that at least `--least` reports have. Intervals: 95 %, bootstrap
over groups of near-duplicates, seeded. The penalty is not searched here (one fit a label and fold).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from classifier_corpora import SHARED, TERMINOLOGIES, extractor_of, specialties, with_mentions, with_words
from classifier_figures import (
    SUMMARY_HEAD,
    RareWords,
    label_rows,
    machine,
    out_of_fold_scores,
    print_facts,
    print_markdown,
    summary_rows,
)

from phenotext.models.additive_model import C_GRID
from phenotext.models.concept_model import CONCEPT_C_GRID, ConceptModel
from phenotext.models.tfidf_model import TfidfModel

MARKED = "tfidf, denied words marked"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--terminologies", nargs="+", choices=TERMINOLOGIES, default=["starter", "both"])
    parser.add_argument("--least", type=int, default=20)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()

    corpus = specialties(options.shared, options.least)
    cut, groups = corpus.cut(options.folds, options.seed)
    common = (corpus.y, cut, options.seed)
    plain = with_words(corpus.data, marked=False)
    scores = [out_of_fold_scores("tfidf", lambda: TfidfModel(c_grid=C_GRID[:1]), plain, *common)]
    scores.append(
        out_of_fold_scores("tfidf, words of 2 patients", lambda: RareWords(c_grid=C_GRID[:1]), plain, *common)
    )
    for name in options.terminologies:
        data = with_mentions(corpus.data, extractor_of(name, options.shared))
        if name == options.terminologies[-1]:
            marked = with_words(data, marked=True)
            scores.insert(
                1, out_of_fold_scores(MARKED, lambda: TfidfModel(mark_denied=True, c_grid=C_GRID[:1]), marked, *common)
            )
        scores.append(
            out_of_fold_scores(f"concepts, {name}", lambda: ConceptModel(c_grid=CONCEPT_C_GRID[:1]), data, *common)
        )
    print_facts(
        {
            "reports": len(corpus.data),
            "near-duplicate groups": len(set(groups.tolist())),
            "specialties": len(corpus.labels),
            "folds": f"{cut.count} ({cut.sha256[:12]})",
            "seed": options.seed,
            "machine": machine(),
        }
    )
    rows = summary_rows(scores, corpus.y, groups, against="tfidf", seed=options.seed, draws=options.draws)
    print_markdown("Difference: to tfidf, paired.", SUMMARY_HEAD, rows)
    head = ("specialty", "positive", *(one.name for one in scores))
    print_markdown("AUPRC by specialty.", head, label_rows(scores, corpus.y, corpus.labels))


if __name__ == "__main__":
    main()
