"""Score classifiers on chest X-ray reports, where negation decides: 13 findings, indication text removed.

    python scripts/eval_openi.py [--shared DIR] [--terminologies starter lexicon_v2 both] [--folds 5] [--seed 0]
        [--draws 1000] [--trees]

`openi_cxr` is measure-only: models trained here are thrown away with the process, and only figures are printed. Folds
keep near-duplicate reports together. Intervals: 95 %, bootstrap over groups of near-duplicates, seeded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from classifier_corpora import SHARED, TERMINOLOGIES, extractor_of, openi, with_mentions, with_words
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

from phenotext.models.concept_model import ConceptModel
from phenotext.models.tfidf_model import TfidfModel

MARKED = "tfidf, denied words marked"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--terminologies", nargs="+", choices=TERMINOLOGIES, default=list(TERMINOLOGIES))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--trees", action="store_true", help="let inner folds choose XGBoost for concepts")
    options = parser.parse_args()

    corpus = openi(options.shared)
    cut, groups = corpus.cut(options.folds, options.seed)
    common = (corpus.y, cut, options.seed)
    plain = with_words(corpus.data, marked=False)
    scores = [out_of_fold_scores("tfidf", TfidfModel, plain, *common)]
    scores.append(out_of_fold_scores("tfidf, words of 2 patients", RareWords, plain, *common))
    for name in options.terminologies:
        data = with_mentions(corpus.data, extractor_of(name, options.shared))
        if name == options.terminologies[-1]:
            marked = with_words(data, marked=True)
            scores.insert(1, out_of_fold_scores(MARKED, lambda: TfidfModel(mark_denied=True), marked, *common))
            name_rare = f"{MARKED}, words of 2 patients"
            scores.append(out_of_fold_scores(name_rare, lambda: RareWords(mark_denied=True), marked, *common))
            scores.append(
                out_of_fold_scores(f"concepts, {name}, codes only", lambda: ConceptModel(strings=False), data, *common)
            )
        scores.append(out_of_fold_scores(f"concepts, {name}", ConceptModel, data, *common))
        if options.trees:
            scores.append(
                out_of_fold_scores(
                    f"concepts with trees, {name}", lambda: ConceptModel(learners=("linear", "trees")), data, *common
                )
            )
    print_facts(
        {
            "reports": len(corpus.data),
            "near-duplicate groups": len(set(groups.tolist())),
            "folds": f"{cut.count} ({cut.sha256[:12]})",
            "seed": options.seed,
            "machine": machine(),
        }
    )
    rows = summary_rows(scores, corpus.y, groups, against=MARKED, seed=options.seed, draws=options.draws)
    print_markdown(f"Difference: to {MARKED}, paired.", SUMMARY_HEAD, rows)
    head = ("finding", "positive", *(one.name for one in scores))
    print_markdown("AUPRC by finding.", head, label_rows(scores, corpus.y, corpus.labels))


if __name__ == "__main__":
    main()
