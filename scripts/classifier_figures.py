"""Out-of-fold scores of several labels, and the markdown tables of their figures."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phenotext.models.additive_model import AdditiveModel
from phenotext.models.calibration import expected_calibration_error
from phenotext.models.design import Terms
from phenotext.models.evaluate import macro_auprc
from phenotext.models.near_duplicates import Folds
from phenotext.models.patients import PatientNotes
from phenotext.models.ranking import auroc, average_precision
from phenotext.models.resampling import Interval, intervals, paired_difference
from phenotext.models.tfidf_model import TfidfModel, word_terms
from phenotext.models.train import cross_calibrated


class RareWords(TfidfModel):
    """TF-IDF that keeps words of 2 patients: what the limit of 11 costs. Never saved, so no name leaves with it."""

    def learn_terms(self, data: PatientNotes) -> Terms:
        return word_terms(self.words(data)).seen_in(data, 2)


@dataclass(frozen=True, slots=True)
class Scores:
    """Out-of-fold logits and probabilities [n, labels] of one model, and how long it took."""

    name: str
    logits: np.ndarray
    probabilities: np.ndarray
    seconds: float


def out_of_fold_scores(
    name: str, make: Callable[[], AdditiveModel], data: PatientNotes, y: np.ndarray, cut: Folds, seed: int
) -> Scores:
    """Each fold's rows scored by models that were fitted on the other folds; matrices are shared by the labels."""
    started = time.perf_counter()
    logits = np.zeros(y.shape)
    for number in range(cut.count):
        inside, outside = cut.train(number), cut.test(number)
        train, test = data.subset(inside), data.subset(outside)
        model = make()
        design = model.prepare(train)
        for label in range(y.shape[1]):
            model.fit_design(design, y[inside, label], np.ones(len(inside)), seed)
            logits[outside, label] = model.logits(test)
    probabilities = np.column_stack([calibrated(logits[:, j], y[:, j], cut) for j in range(y.shape[1])])
    return Scores(name, logits, probabilities, time.perf_counter() - started)


def calibrated(logits: np.ndarray, y: np.ndarray, cut: Folds) -> np.ndarray:
    return cross_calibrated(logits, y, np.ones(len(y)), np.ones(len(y), bool), cut)


def summary_rows(
    scores: Sequence[Scores], y: np.ndarray, groups: np.ndarray, *, against: str, seed: int, draws: int
) -> list[list[str]]:
    """One row a model: macro AUPRC, its difference to `against`, macro AUROC, mean ECE, seconds."""
    by_name = {one.name: one for one in scores}
    base = macro_auprc(y, by_name[against].logits)
    table = []
    for one in scores:
        figure = macro_auprc(y, one.logits)
        own = intervals({"auprc": figure}, groups, seed=seed, draws=draws)["auprc"]
        apart = "-" if one.name == against else signed(paired_difference(figure, base, groups, seed=seed, draws=draws))
        areas = [auroc(y[:, j], one.logits[:, j]) for j in range(y.shape[1])]
        errors = [expected_calibration_error(y[:, j], one.probabilities[:, j]) for j in range(y.shape[1])]
        cells = [str(own), apart, f"{np.mean(areas):.3f}", f"{np.mean(errors):.4f}", f"{one.seconds:.0f}"]
        table.append([one.name, *cells])
    return table


SUMMARY_HEAD = ("model", "macro AUPRC", "difference", "macro AUROC", "mean ECE", "seconds")


def label_rows(scores: Sequence[Scores], y: np.ndarray, labels: Sequence[str]) -> list[list[str]]:
    """One row a label: its positives and the AUPRC of each model."""
    return [
        [name, str(int(y[:, j].sum())), *(f"{average_precision(y[:, j], one.logits[:, j]):.3f}" for one in scores)]
        for j, name in enumerate(labels)
    ]


def signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def print_markdown(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def machine() -> str:
    return f"{platform.machine()}, Python {platform.python_version()}"


def print_facts(facts: Mapping[str, object]) -> None:
    print("; ".join(f"{name}: {value}" for name, value in facts.items()))
