"""The training protocol, end to end on invented notes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from phenotext.models.additive_model import AdditiveModel
from phenotext.models.aggregation import BAG
from phenotext.models.concept_model import ConceptModel
from phenotext.models.design import Terms
from phenotext.models.labels import KINDS, LabelError, Labels
from phenotext.models.near_duplicates import SplitError
from phenotext.models.note_mentions import find_mentions
from phenotext.models.patient_model import ModelDataError
from phenotext.models.patients import PatientNotes, patient_notes
from phenotext.models.tfidf_model import TfidfModel
from phenotext.models.train import Training, TrainingRows, row_groups, train
from phenotext.nlp import Extractor

from .invented_patients import gout_patients


def tfidf() -> AdditiveModel:
    return TfidfModel(aggregations=(BAG,), c_grid=(1.0,))


def blind_words() -> AdditiveModel:
    class Blind(TfidfModel):
        def learn_terms(self, data: PatientNotes) -> Terms:
            found = super().learn_terms(data)
            return found.on([name for name in found.names if "gout" not in name and "has" not in name])

    return Blind(aggregations=(BAG,), c_grid=(1.0,))


def concepts() -> AdditiveModel:
    return ConceptModel(aggregations=(BAG,), c_grid=(3.0,))


KINDS_TRAINED = {"tfidf": tfidf, "concepts": concepts}


@pytest.fixture(scope="module")
def rows(extractor: Extractor) -> TrainingRows:
    data, y = gout_patients(180, seed=21)
    data = data.with_mentions(find_mentions(extractor, data.text))
    return TrainingRows.of(data, Labels.of(data.row_id[::-1], y[::-1].astype(int)))


@pytest.fixture(scope="module")
def training(rows: TrainingRows) -> Training:
    return train(rows, KINDS_TRAINED, seed=5, draws=100)


def test_end_to_end(rows: TrainingRows, training: Training) -> None:
    best = training.candidates["concepts"]
    assert best.evaluation.figures["auprc"].value > 0.97
    assert best.evaluation.positives == 60
    assert best.evaluation.ece < 0.1
    # the stored model and calibration give what was evaluated, on patients that are new
    test, y = gout_patients(90, seed=22)
    model = best.model
    assert isinstance(model, ConceptModel)
    model.extractor = Extractor()
    probability = best.calibration.probability(model.logits(test))
    assert probability[y == 1].min() > probability[y == 0].max()
    assert ((probability - y) ** 2).mean() < 0.05
    assert training.behind_best[training.best].value == 0
    assert all(interval.value >= 0 for interval in training.behind_best.values())


def test_the_simplest_kind_that_is_not_worse_is_recommended(rows: TrainingRows, training: Training) -> None:
    worse = {name for name, interval in training.behind_best.items() if interval.low > 0}
    assert training.recommended == next(name for name in KINDS_TRAINED if name not in worse)
    # words of the weather say nothing of gout, so a simple kind that reads only them must lose
    blind = train(rows, {"blind": blind_words, "concepts": concepts}, seed=5, draws=100)
    assert blind.recommended == blind.best == "concepts"
    assert blind.behind_best["blind"].low > 0
    twins = train(rows, {"first": concepts, "second": concepts}, seed=5, draws=20)
    assert twins.recommended == "first"


def test_the_same_seed_gives_the_same_bytes(rows: TrainingRows, training: Training) -> None:
    again = train(rows, KINDS_TRAINED, seed=5, draws=100)
    assert json.dumps(training.as_json(), allow_nan=False) == json.dumps(again.as_json(), allow_nan=False)
    for name, candidate in training.candidates.items():
        arrays, other = candidate.model.arrays()[0], again.candidates[name].model.arrays()[0]
        assert {k: v.tobytes() for k, v in arrays.items()} == {k: v.tobytes() for k, v in other.items()}
        assert candidate.calibration == again.candidates[name].calibration
    assert train(rows, {"tfidf": tfidf}, seed=6, draws=5).folds.sha256 != training.folds.sha256


def test_nobody_is_scored_by_a_model_that_saw_them(rows: TrainingRows) -> None:
    seen: list[set[int]] = []

    class Spy(TfidfModel):
        def fit(self, data, y, weight, seed):
            self.people = set(data.subject_id.tolist())
            seen.append(self.people)
            return super().fit(data, y, weight, seed)

        def logits(self, data):
            assert not self.people & set(data.subject_id.tolist())
            return super().logits(data)

    result = train(rows, {"spy": lambda: Spy(aggregations=(BAG,), c_grid=(1.0,))}, seed=5, draws=5)
    assert len(seen) == result.folds.count + 1
    assert seen[-1] == set(rows.data.subject_id.tolist())


def test_labels_that_say_nothing_find_nothing(rows: TrainingRows) -> None:
    # with labels drawn by lot an honest protocol stays at prevalence
    random = np.random.default_rng(0)
    y = random.permutation(rows.y)
    shuffled = TrainingRows(rows.data, y, rows.weight, rows.trusted, rows.inclusion_probability)
    figure = train(shuffled, {"concepts": concepts}, seed=5, draws=50).candidates["concepts"].evaluation
    assert 0.35 < figure.figures["auroc"].value < 0.65
    assert figure.figures["auprc"].value < 0.5


def test_silver_labels_train_and_are_not_evaluated(rows: TrainingRows) -> None:
    kind = np.full(180, KINDS.index("gold"), np.int8)
    kind[:60] = KINDS.index("silver")
    labels = Labels.of(rows.data.row_id, rows.y.astype(int))
    mixed = Labels(labels.row_id, labels.value, labels.weight, kind, labels.reviewer, labels.inclusion_probability)
    result = train(TrainingRows.of(rows.data, mixed), {"concepts": concepts}, seed=5, draws=5)
    assert result.candidates["concepts"].evaluation.n == 120


def test_notes_shared_by_patients_stay_in_one_fold() -> None:
    data, y = gout_patients(120, seed=30)
    texts = [data.text[i] if i % 10 else data.text[i] + " Addendum." for i in range(120)]
    texts[7] = texts[60] = " ".join(f"copied sentence number {i}" for i in range(40))
    doubled = patient_notes([(i, [text]) for i, text in enumerate(texts)])
    groups = row_groups(doubled)
    assert groups.group[7] == groups.group[60]
    result = train(TrainingRows.of(doubled, Labels.of(doubled.row_id, y.astype(int))), {"t": tfidf}, seed=1, draws=5)
    assert result.folds.fold[7] == result.folds.fold[60]


def test_too_little_to_learn_from_is_refused(rows: TrainingRows) -> None:
    few = np.concatenate([np.flatnonzero(rows.y == 1)[:9], np.flatnonzero(rows.y == 0)])
    labels = Labels.of(rows.data.row_id[few], rows.y[few].astype(int))
    with pytest.raises(ModelDataError, match="9 positive"):
        train(TrainingRows.of(rows.data, labels), KINDS_TRAINED, seed=0)
    with pytest.raises(SplitError, match="folds"):
        train(rows, KINDS_TRAINED, seed=0, folds=1)
    with pytest.raises(ModelDataError, match="no kind"):
        train(rows, {}, seed=0)
    with pytest.raises(LabelError, match="not in the cohort"):
        TrainingRows.of(rows.data, Labels.of([10**9], [1]))
