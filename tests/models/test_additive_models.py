"""The kinds `tfidf` and `concepts`: what they learn, that contributions sum to the logit, that a fit repeats itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from phenotext.models.additive_model import AdditiveModel
from phenotext.models.aggregation import AGGREGATIONS, BAG, NOTE_EM, NOTE_MAX
from phenotext.models.concept_model import ConceptModel
from phenotext.models.note_mentions import find_mentions
from phenotext.models.patient_model import MIN_PATIENTS, ModelDataError, NotFittedError, PatientModel
from phenotext.models.patients import PatientNotes, patient_notes
from phenotext.models.ranking import auroc, average_precision
from phenotext.models.tfidf_model import TfidfModel
from phenotext.nlp import Extractor

from .invented_patients import gout_patients

Make = Callable[[Extractor, str], AdditiveModel]
ONE = (10.0,)
KINDS: dict[str, Make] = {
    "tfidf": lambda extractor, way: TfidfModel(aggregations=(way,), c_grid=ONE),
    "tfidf marked": lambda extractor, way: TfidfModel(extractor, mark_denied=True, aggregations=(way,), c_grid=ONE),
    "concepts": lambda extractor, way: ConceptModel(extractor, aggregations=(way,), c_grid=ONE),
    "concepts codes": lambda extractor, way: ConceptModel(
        extractor, strings=False, sections=False, aggregations=(way,)
    ),
}


@pytest.fixture(scope="module")
def gout() -> tuple[PatientNotes, np.ndarray]:
    return gout_patients(90, seed=1, notes=3)


def fitted(make: Make, extractor: Extractor, way: str, gout: tuple[PatientNotes, np.ndarray]) -> AdditiveModel:
    data, y = gout
    return make(extractor, way).fit(data, y, np.ones(len(y)), 0)


@pytest.mark.parametrize("way", AGGREGATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_contributions_sum_to_the_logit(
    extractor: Extractor, gout: tuple[PatientNotes, np.ndarray], kind: str, way: str
) -> None:
    model = fitted(KINDS[kind], extractor, way, gout)
    data = gout[0]
    logits = model.logits(data)
    ids = set(data.note_id.tolist())
    for row in (0, 1, 40):
        parts = model.contributions(data, row)
        assert sum(part.value for part in parts) + model.intercept == pytest.approx(logits[row], abs=1e-9)
        assert [abs(p.value) for p in parts] == sorted((abs(p.value) for p in parts), reverse=True)
        own = {int(data.note_id[i]): data.text[i] for i in data.notes_of(row)}
        for part in parts:
            assert part.note_id in ids
            assert part.note_id in own
            assert part.start is not None
            assert part.end is not None
            assert 0 <= part.start < part.end <= len(own[part.note_id])


@pytest.mark.parametrize("kind", KINDS)
def test_weights_survive_saving_and_a_second_fit_is_equal(
    extractor: Extractor, gout: tuple[PatientNotes, np.ndarray], kind: str
) -> None:
    model, again = (fitted(KINDS[kind], extractor, NOTE_EM, gout) for _ in range(2))
    (arrays, meta), (other, other_meta) = model.arrays(), again.arrays()
    assert json.dumps(meta, sort_keys=True) == json.dumps(other_meta, sort_keys=True)
    assert {k: v.tobytes() for k, v in arrays.items()} == {k: v.tobytes() for k, v in other.items()}
    restored = type(model).from_arrays(arrays, json.loads(json.dumps(meta)))
    restored.extractor = extractor
    assert (restored.logits(gout[0]) == model.logits(gout[0])).all()
    assert isinstance(model, PatientModel)


def test_concepts_and_marked_words_know_denial_and_plain_words_do_not(extractor: Extractor) -> None:
    # "gout" stands in the notes of those who have it and of those who deny it
    data, y = gout_patients(210, seed=4)
    test, truth = gout_patients(120, seed=5)
    for kind in ("tfidf marked", "concepts", "concepts codes"):
        model = fitted(KINDS[kind], extractor, BAG, (data, y))
        assert average_precision(truth, model.logits(test)) > 0.99
    concepts = fitted(KINDS["concepts codes"], extractor, BAG, (data, y))
    top = int(np.argmax(concepts.logits(test)))
    first = concepts.contributions(test, top)[0]
    note = next(test.text[i] for i in test.notes_of(top) if int(test.note_id[i]) == first.note_id)
    assert note[first.start : first.end] == "gout"


def test_learning_which_note_matters_beats_counting_all(extractor: Extractor) -> None:
    data, y = gout_patients(150, seed=6, notes=10)
    positive = [i for row in np.flatnonzero(y).tolist() for i in data.notes_of(row)]
    alone = patient_notes([(i, [data.text[i]]) for i in positive])
    matters = np.array(["has gout" in text for text in alone.text])
    apart = {}
    for way in (NOTE_MAX, NOTE_EM):
        logits = fitted(KINDS["tfidf"], extractor, way, (data, y)).logits(alone)
        apart[way] = logits[matters].mean() - logits[~matters].max()
    assert apart[NOTE_EM] > apart[NOTE_MAX] + 1


def test_inner_folds_choose_and_record_it() -> None:
    data, y = gout_patients(165, seed=1, notes=2)
    model = TfidfModel(c_grid=(10.0, 0.001)).fit(data, y, np.ones(len(y)), 0)
    tried = {(part["aggregation"], part["c"]): part["average_precision"] for part in model.inner}
    assert {way for way, _ in tried} == set(AGGREGATIONS)
    best = max(AGGREGATIONS, key=lambda way: tried[way, 10.0])
    assert model.aggregation == best
    assert model.c == max((10.0, 0.001), key=lambda c: tried[best, c])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(MIN_PATIENTS, 14))
def test_rare_words_never_enter(seed: int, least: int) -> None:
    random = np.random.default_rng(seed)
    names = [f"name{i}" for i in range(12)]
    holders = {name: random.choice(60, size=int(random.integers(1, 30)), replace=False) for name in names}
    texts = [["cough today"] for _ in range(60)]
    for name, people in holders.items():
        for person in people.tolist():
            # written often by few people, it still is the word of few people
            texts[person].append(f"{name} {name} and {name}")
    data = patient_notes([(i, notes) for i, notes in enumerate(texts)])
    model = TfidfModel(min_patients=least, aggregations=(BAG,), c_grid=(1.0,))
    y = np.arange(60) % 2
    model.fit(data, y, np.ones(60), 0)
    kept = {word for term in model.names for word in term.split()}
    for name, people in holders.items():
        assert (name in kept) == (len(people) >= least)


def test_one_person_with_many_rows_is_one_person() -> None:
    data = patient_notes([(7 if i < 30 else i, [f"cough {'zebra' if i < 30 else ''}"]) for i in range(60)])
    model = TfidfModel(c_grid=(1.0,)).fit(data, np.arange(60) % 2, np.ones(60), 0)
    assert "cough" in model.names
    assert not [name for name in model.names if "zebra" in name]


def test_the_limit_cannot_be_lowered() -> None:
    with pytest.raises(ValueError, match="names of patients"):
        TfidfModel(min_patients=MIN_PATIENTS - 1)


def test_strings_of_mentions_obey_the_limit(extractor: Extractor) -> None:
    texts = ["Has gout."] * 10 + ["Has GOUT ."] * 2 + ["Has asthma."] * 10 + ["No asthma."] * 20
    data = patient_notes([(i, [text]) for i, text in enumerate(texts)])
    model = ConceptModel(extractor).fit(data, (np.arange(42) < 12).astype(float), np.ones(42), 0)
    strings = {name.split("=")[1] for name in model.names if "=" in name}
    assert strings == {"gout", "asthma"}
    assert not [name for name in model.names if name.endswith("=asthma") and "//" not in name]


def test_another_terminology_or_extraction_is_refused(extractor: Extractor) -> None:
    data, y = gout_patients(60, seed=2)
    model = ConceptModel(extractor).fit(data, y, np.ones(60), 0)
    nested = Extractor(nested=True)
    with pytest.raises(ModelDataError, match="nested=False"):
        model.logits(data.with_mentions(find_mentions(nested, data.text)))
    model.terminology = "0" * 64
    with pytest.raises(ModelDataError, match="open that terminology"):
        model.logits(data)


def features_data(n: int = 90) -> tuple[PatientNotes, np.ndarray]:
    random = np.random.default_rng(0)
    table = random.poisson(0.4, (n, 6)).astype(float)
    y = (table[:, 2] > 0).astype(float)
    blank = patient_notes([(i, []) for i in range(n)])
    columns = {name: getattr(blank, name) for name in PatientNotes.__slots__}
    names = tuple(f"note_snomed_{i}_present_any_count" for i in range(6))
    return PatientNotes(**{**columns, "features": sparse.csr_matrix(table), "feature_names": names}), y


@pytest.mark.parametrize("learners", [("linear",), ("linear", "trees")])
def test_features_of_a_run_are_learned_and_explained(learners: tuple[str, ...]) -> None:
    if "trees" in learners:
        pytest.importorskip("xgboost")
    data, y = features_data(300)
    model = ConceptModel(learners=learners).fit(data, y, np.ones(len(y)), 0)
    logits = model.logits(data)
    assert auroc(y, logits) > 0.99
    row = int(np.argmax(logits))
    parts = model.contributions(data, row)
    assert parts[0].covariate == "note_snomed_2_present_any_count"
    assert sum(part.value for part in parts) + model.intercept == pytest.approx(logits[row], abs=1e-5)
    arrays, meta = model.arrays()
    assert (ConceptModel.from_arrays(arrays, meta).logits(data) == logits).all()


def test_trees_are_chosen_where_they_rank_better_and_explain_themselves() -> None:
    pytest.importorskip("xgboost")
    data, _ = features_data(600)
    assert data.features is not None
    table = np.asarray(data.features.todense())
    y = ((table[:, 0] > 0) ^ (table[:, 1] > 0)).astype(float)  # no regression ranks this
    model = ConceptModel(learners=("linear", "trees")).fit(data, y, np.ones(len(y)), 0)
    assert model.trees is not None
    logits = model.logits(data)
    parts = model.contributions(data, 5)
    assert {part.method for part in parts} == {"tree_shap"}
    assert sum(part.value for part in parts) + model.intercept == pytest.approx(logits[5], abs=1e-5)
    arrays, meta = model.arrays()
    again = ConceptModel(learners=("linear", "trees")).fit(data, y, np.ones(len(y)), 0).arrays()[0]
    assert arrays["trees"].tobytes() == again["trees"].tobytes()
    assert (ConceptModel.from_arrays(arrays, meta).logits(data) == logits).all()


def test_a_feature_absent_from_a_run_counts_as_zero() -> None:
    data, y = features_data()
    model = ConceptModel().fit(data, y, np.ones(len(y)), 0)
    assert data.features is not None
    columns = {name: getattr(data, name) for name in PatientNotes.__slots__}
    fewer = PatientNotes(
        **{
            **columns,
            "features": data.features[:, [2, 0]],
            "feature_names": (data.feature_names[2], data.feature_names[0]),
        }
    )
    zeroed = PatientNotes(
        **{**columns, "features": sparse.csr_matrix(data.features.multiply(np.array([1, 0, 1, 0, 0, 0])))}
    )
    assert model.logits(fewer) == pytest.approx(model.logits(zeroed), abs=1e-12)


def test_a_row_without_notes_gets_the_intercept(extractor: Extractor, gout: tuple[PatientNotes, np.ndarray]) -> None:
    for way in AGGREGATIONS:
        model = fitted(KINDS["tfidf"], extractor, way, gout)
        empty = patient_notes([(1, []), (2, [""])])
        assert model.logits(empty) == pytest.approx([model.intercept] * 2)
        assert model.contributions(empty, 0) == []


def test_faulty_training_data_is_refused(gout: tuple[PatientNotes, np.ndarray]) -> None:
    data, y = gout
    ones = np.ones(len(y))
    with pytest.raises(NotFittedError):
        TfidfModel().logits(data)
    with pytest.raises(ModelDataError, match="both labels"):
        TfidfModel().fit(data, np.zeros(len(y)), ones, 0)
    with pytest.raises(ModelDataError, match="0 or 1"):
        TfidfModel().fit(data, y * 2, ones, 0)
    with pytest.raises(ModelDataError, match="not negative"):
        TfidfModel().fit(data, y, -ones, 0)
    with pytest.raises(ModelDataError, match="give one a row"):
        TfidfModel().fit(data, y[1:], ones, 0)
    with pytest.raises(ModelDataError, match="needs an extractor"):
        TfidfModel(mark_denied=True).fit(data, y, ones, 0)
    with pytest.raises(ModelDataError, match="no term"):
        TfidfModel().fit(data.subset([0, 1]), np.array([0, 1]), np.ones(2), 0)


def test_damaged_weights_are_refused(gout: tuple[PatientNotes, np.ndarray]) -> None:
    data, y = gout
    arrays, meta = TfidfModel(aggregations=(BAG,)).fit(data, y, np.ones(len(y)), 0).arrays()
    with pytest.raises(ModelDataError, match="not finite"):
        TfidfModel.from_arrays({**arrays, "intercept": np.array([np.nan])}, meta)
    with pytest.raises(ModelDataError, match="differ in number"):
        TfidfModel.from_arrays({**arrays, "idf": arrays["idf"][1:]}, meta)
    with pytest.raises(ModelDataError, match="no tfidf model"):
        TfidfModel.from_arrays(arrays, {**meta, "format": 2})


def test_simple_kinds_need_no_torch() -> None:
    code = (
        "import sys, phenotext.models.train, phenotext.models.tfidf_model, phenotext.models.concept_model;"
        "print(sorted({'torch', 'transformers', 'xgboost', 'spacy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"
