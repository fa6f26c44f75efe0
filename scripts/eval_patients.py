"""Score classifiers on synthetic patients with many notes, one of which matters.

    python scripts/eval_patients.py [--shared DIR] [--terminology both] [--specialty NAME] [--patients 1500]
        [--prevalences 0.01 0.05 0.2] [--seed 0] [--draws 500]

A patient is `--notes` reports drawn from `mtsamples_distinct`. A positive patient has exactly one report of the target
specialty, a negative one none; the other reports are drawn from all other specialties. Reports are cut in two halves
first (near-duplicates together): patients of the training half never share a report with those of the test half. The
training half has prevalence 0.2, the test half each stated one: only negatives are added or left out. Labels are
those of patients; no model learns which note mattered. Intervals: 95 %, bootstrap over patients, seeded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from classifier_corpora import SHARED, TERMINOLOGIES, extractor_of, specialties, with_mentions, with_words
from classifier_figures import machine, print_facts, print_markdown, signed

from phenotext.models.additive_model import C_GRID, AdditiveModel
from phenotext.models.aggregation import BAG, NOTE_EM, NOTE_MAX
from phenotext.models.concept_model import CONCEPT_C_GRID, ConceptModel
from phenotext.models.evaluate import ScoredRows, compare, top_k
from phenotext.models.near_duplicates import make_folds
from phenotext.models.note_words import find_words
from phenotext.models.patients import PatientNotes, patient_notes
from phenotext.models.ranking import Ranking
from phenotext.models.resampling import intervals
from phenotext.models.tfidf_model import TfidfModel
from phenotext.models.train import row_groups

# Organ specialties: "Surgery" and "Consult" overlap them, so a target among those is unclear by itself.
TARGETS = ("Hematology - Oncology", "Nephrology", "Neurology")
TRUNCATED = 512
TRAINING_PREVALENCE = 0.2
NOTE_MAX_NAME = "tfidf, note-max"
MODELS: dict[str, Callable[[], AdditiveModel]] = {
    NOTE_MAX_NAME: lambda: TfidfModel(aggregations=(NOTE_MAX,), c_grid=C_GRID[:1]),
    "tfidf, bag of notes": lambda: TfidfModel(aggregations=(BAG,), c_grid=C_GRID[:1]),
    "tfidf, note-EM": lambda: TfidfModel(aggregations=(NOTE_EM,), c_grid=C_GRID[:1]),
    "concepts, note-max": lambda: ConceptModel(aggregations=(NOTE_MAX,), c_grid=CONCEPT_C_GRID[:1]),
    "concepts, bag of notes": lambda: ConceptModel(aggregations=(BAG,), c_grid=CONCEPT_C_GRID[:1]),
    "concepts, note-EM": lambda: ConceptModel(aggregations=(NOTE_EM,), c_grid=CONCEPT_C_GRID[:1]),
}
TRUNCATED_NAME = f"tfidf, first {TRUNCATED} words"


def compose(
    pool: PatientNotes, positive: np.ndarray, patients: int, prevalence: float, notes: int, seed: int
) -> tuple[PatientNotes, np.ndarray]:
    """Patients of `notes` reports of a pool, and y. Reports are drawn anew for each patient, never twice in one."""
    random = np.random.default_rng(seed)
    y = np.zeros(patients)
    y[: round(patients * prevalence)] = 1
    target, rest = np.flatnonzero(positive), np.flatnonzero(~positive)
    picks = []
    for label in y:
        pick = random.choice(rest, notes, replace=False)
        if label:
            pick[random.integers(notes)] = random.choice(target)
        picks.append(pick)
    order = np.concatenate(picks)
    starts = np.arange(patients + 1) * notes
    return (
        PatientNotes(
            row_id=np.arange(patients),
            subject_id=np.arange(patients),
            prediction_time=np.full(patients, np.datetime64("2000-01-01", "us")),
            note_start=starts,
            note_id=np.arange(len(order)),
            text=[str(pool.text[i]) for i in order.tolist()],
            mentions=None if pool.mentions is None else pool.mentions.subset(order),
            words=None if pool.words is None else pool.words.subset(order),
        ),
        y,
    )


def truncated(data: PatientNotes) -> PatientNotes:
    """One note a patient: the first TRUNCATED words of all notes joined, as an encoder with one window reads it."""
    texts = []
    for row in range(len(data)):
        words = " ".join(str(data.text[i]) for i in data.notes_of(row)).split()
        texts.append(" ".join(words[:TRUNCATED]))
    return patient_notes([(int(subject), [text]) for subject, text in zip(data.subject_id, texts)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--terminology", choices=TERMINOLOGIES, default="both")
    parser.add_argument("--specialties", nargs="+", default=list(TARGETS))
    parser.add_argument("--patients", type=int, default=1500)
    parser.add_argument("--notes", type=int, default=10)
    parser.add_argument("--prevalences", nargs="+", type=float, default=[0.01, 0.05, 0.2])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()

    corpus = specialties(options.shared, 20)
    data = with_words(with_mentions(corpus.data, extractor_of(options.terminology, options.shared)), marked=False)
    halves = make_folds(row_groups(data).group, corpus.y, 2, options.seed)
    print_facts(
        {
            "reports": len(data),
            "patients": f"{options.patients} to train, {options.patients} to test at each prevalence",
            "notes a patient": options.notes,
            "seed": options.seed,
            "machine": machine(),
        }
    )
    for name in options.specialties:
        if name not in corpus.labels:
            raise SystemExit(f"{name}: no such specialty; use one of {', '.join(corpus.labels)}")
        positive = corpus.y[:, corpus.labels.index(name)] > 0
        inside, outside = halves.train(0), halves.test(0)
        seeds = (options.seed + 1, options.seed + 2)
        train, y = compose(
            data.subset(inside), positive[inside], options.patients, TRAINING_PREVALENCE, options.notes, seeds[0]
        )
        fitted: dict[str, AdditiveModel] = {}
        seconds = {}
        for model_name, make in MODELS.items():
            started = time.perf_counter()
            fitted[model_name] = make().fit(train, y, np.ones(len(y)), options.seed)
            seconds[model_name] = time.perf_counter() - started
        started = time.perf_counter()
        short = truncated(train)
        fitted[TRUNCATED_NAME] = TfidfModel(c_grid=C_GRID[:1]).fit(
            short.with_words(find_words(short.text)), y, np.ones(len(y)), 0
        )
        seconds[TRUNCATED_NAME] = time.perf_counter() - started
        table = []
        for prevalence in options.prevalences:
            test, truth = compose(
                data.subset(outside), positive[outside], options.patients, prevalence, options.notes, seeds[1]
            )
            logits = {n: m.logits(truncated(test) if n == TRUNCATED_NAME else test) for n, m in fitted.items()}
            for model_name in (NOTE_MAX_NAME, *(n for n in fitted if n != NOTE_MAX_NAME)):
                z = logits[model_name]
                own = intervals(
                    {"auprc": Ranking.of(truth, z).average_precision},
                    test.subject_id,
                    seed=options.seed,
                    draws=options.draws,
                )["auprc"]
                k = int(truth.sum())
                ranked = np.argsort(np.argsort(z, kind="stable"), kind="stable") / max(len(z) - 1, 1)
                ppv = top_k(ScoredRows.of(truth, ranked), k)[0]
                apart = compare(
                    truth, z, logits[NOTE_MAX_NAME], test.subject_id, seed=options.seed, draws=options.draws
                )
                difference = "-" if model_name == NOTE_MAX_NAME else signed(apart)
                table.append(
                    [f"{prevalence:.0%}", model_name, str(own), difference, f"{ppv:.2f}", f"{seconds[model_name]:.0f}"]
                )
        head = ("prevalence", "model", "AUPRC", f"difference to {NOTE_MAX_NAME}", "PPV at k = positives", "fit, s")
        print_markdown(f"{name}: {int(positive.sum())} reports.", head, table)


if __name__ == "__main__":
    main()
