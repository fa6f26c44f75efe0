"""Figures of an evaluation against scikit-learn and by hand; intervals cover; small cells are not shown."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from phenotext.models.calibration import sigmoid
from phenotext.models.evaluate import (
    SMALL_CELL,
    EvaluationError,
    ScoredRows,
    compare,
    evaluate,
    macro_auprc,
    ppv_at_cut,
    ppv_at_prevalence,
    recall_at_specificity,
    subgroup_table,
    top_k,
)
from phenotext.models.ranking import Ranking, auroc, average_precision
from phenotext.models.resampling import intervals


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=60),
)
@settings(deadline=None)
def test_areas_equal_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    y = np.array([float(row[0]) for row in rows])
    score = np.array([row[1] / 10 for row in rows])
    weight = np.array([float(row[2]) for row in rows])
    used = weight > 0
    if not used.any() or y[used].min() == y[used].max():
        return
    assert average_precision(y, score, weight) == pytest.approx(
        average_precision_score(y[used], score[used], sample_weight=weight[used])
    )
    assert auroc(y, score, weight) == pytest.approx(roc_auc_score(y[used], score[used], sample_weight=weight[used]))


def test_areas_without_both_labels_are_not_numbers() -> None:
    assert np.isnan(average_precision(np.zeros(3), np.arange(3)))
    assert np.isnan(auroc(np.ones(3), np.arange(3)))
    with pytest.raises(ValueError, match="not a number"):
        Ranking.of(np.ones(2), np.array([0.1, np.nan]))


def test_top_k_shares_ties() -> None:
    rows = ScoredRows.of(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert top_k(rows, 1) == (1.0, 0.5)
    assert top_k(rows, 2) == pytest.approx((0.75, 0.75))
    assert top_k(rows, 3) == pytest.approx((2 / 3, 1.0))
    assert top_k(rows, 100) == pytest.approx((0.5, 1.0))


def test_recall_at_specificity_by_hand() -> None:
    rows = ScoredRows.of(np.array([1, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.2, 0.1]))
    assert recall_at_specificity(rows, 0.99) == 0.5
    assert recall_at_specificity(rows, 0.6) == 1.0


@given(st.floats(0.02, 0.98), st.integers(0, 10**6))
@settings(deadline=None, max_examples=40)
def test_ppv_at_the_samples_own_prevalence_is_its_ppv(cut: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    y = (random.random(80) < 0.4).astype(float)
    p = np.clip(random.normal(0.3 + 0.3 * y, 0.2), 0, 1)
    if not 0 < y.sum() < 80 or not (p >= cut).any():
        return
    rows = ScoredRows.of(y, p)
    assert ppv_at_cut(rows, cut, float(y.mean())) == pytest.approx(float(y[p >= cut].mean()))


def test_ppv_falls_with_prevalence() -> None:
    assert ppv_at_prevalence(0.8, 0.95, 0.3) > ppv_at_prevalence(0.8, 0.95, 0.01)
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        ppv_at_prevalence(0.8, 0.95, 1.0)


def simulated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    logit = random.normal(-1, 1.5, n)
    return (random.random(n) < sigmoid(logit)).astype(float), logit


def test_intervals_cover_the_truth() -> None:
    truth = auroc(*simulated(400_000, 0))
    covered = 0
    for seed in range(100):
        y, score = simulated(250, 1000 + seed)
        found = intervals({"auroc": Ranking.of(y, score).auroc}, np.arange(250), seed=seed, draws=200)["auroc"]
        covered += found.low <= truth <= found.high
    # 95 nominal; a right interval gives fewer than 87 or all 100 about once in 200 such tests
    assert 87 <= covered <= 100


def test_rows_of_one_person_widen_the_interval() -> None:
    y, score = simulated(100, 7)
    people = np.repeat(np.arange(100), 10)
    many = {"auroc": Ranking.of(np.repeat(y, 10), np.repeat(score, 10)).auroc}
    persons = intervals(many, people, seed=1, draws=300)["auroc"]
    rows = intervals(many, np.arange(1000), seed=1, draws=300)["auroc"]
    alone = intervals({"auroc": Ranking.of(y, score).auroc}, np.arange(100), seed=1, draws=300)["auroc"]
    assert persons.high - persons.low > 2 * (rows.high - rows.low)
    assert (persons.low, persons.high) == pytest.approx((alone.low, alone.high))


def test_the_paired_comparison_sees_a_small_true_gain() -> None:
    y, score = simulated(2000, 3)
    noisy = score + np.random.default_rng(4).normal(0, 0.7, 2000)
    gain = compare(y, score, noisy, np.arange(2000), seed=0, draws=300)
    assert gain.low > 0
    same = compare(y, score, score, np.arange(2000), seed=0, draws=50)
    assert (same.low, same.high) == (0, 0)
    own = intervals({"a": Ranking.of(y, score).average_precision}, np.arange(2000), seed=0, draws=300)["a"]
    assert gain.high - gain.low < own.high - own.low


def test_evaluation_repeats_itself_and_is_json() -> None:
    y, logit = simulated(400, 5)
    rows = ScoredRows.of(y, sigmoid(logit), np.arange(400) // 2)
    one, other = (evaluate(rows, seed=3, draws=60, threshold=0.5, prevalence=0.02) for _ in range(2))
    text = json.dumps(one.as_json(), allow_nan=False)
    assert text == json.dumps(other.as_json(), allow_nan=False)
    assert one.patients == 200
    assert one.prevalence == pytest.approx(y.mean())
    assert one.needed_to_screen[50] == pytest.approx(1 / one.figures["ppv@50"].value)
    assert one.ppv_at_prevalence is not None
    assert one.ppv_at_prevalence.value < y[sigmoid(logit) >= 0.5].mean()
    for figure in one.figures.values():
        assert figure.low <= figure.value <= figure.high
    assert text != json.dumps(evaluate(rows, seed=4, draws=60, threshold=0.5, prevalence=0.02).as_json())


def test_rows_drawn_for_review_unequally_are_weighted_back() -> None:
    random = np.random.default_rng(9)
    y, logit = simulated(60_000, 9)
    chance = np.where(logit > 0, 0.5, 0.05)
    drawn = random.random(60_000) < chance
    enriched = ScoredRows.of(y[drawn], sigmoid(logit[drawn]), None, chance[drawn])
    assert enriched.prevalence() == pytest.approx(y.mean(), abs=0.02)
    assert y[drawn].mean() > y.mean() + 0.1
    found = evaluate(enriched, seed=0, draws=2, workloads=())
    assert found.figures["auprc"].value == pytest.approx(average_precision(y, logit), abs=0.03)


def test_macro_auprc_is_the_mean_over_labels() -> None:
    y = np.column_stack([simulated(200, seed)[0] for seed in (1, 2)])
    scores = np.column_stack([simulated(200, seed)[1] for seed in (1, 2)])
    mean = np.mean([average_precision(y[:, j], scores[:, j]) for j in range(2)])
    assert macro_auprc(y, scores)(np.ones(200)) == pytest.approx(mean)


def test_small_cells_are_suppressed_and_cannot_be_worked_out() -> None:
    y, logit = simulated(600, 11)
    p = sigmoid(logit)
    sex = np.array(["f"] * 300 + ["m"] * 290 + ["x"] * 10)
    site = np.where(np.arange(600) < 580, np.where(np.arange(600) % 2, "a", "b"), "c")
    table = subgroup_table(ScoredRows.of(y, p), {"sex": sex.tolist(), "site": site.tolist()}, 0.5, seed=0, draws=40)
    shown = {(row.attribute, row.group): row for row in table}
    assert shown["sex", "x"].suppressed
    assert shown["sex", "m"].suppressed, "with f shown, x would follow from the total"
    assert shown["sex", "f"].n == 300
    for row in table:
        if row.suppressed:
            assert {row.n, row.positives, row.auroc, row.auprc, row.ppv, row.recall, row.calibration} == {None}
        else:
            at = np.flatnonzero((sex if row.attribute == "sex" else site) == row.group)
            flagged = p[at] >= 0.5
            assert row.ppv is not None
            assert row.ppv.value == pytest.approx(y[at][flagged].mean())
            assert row.recall is not None
            assert row.recall.value == pytest.approx(flagged[y[at] > 0].mean())
            assert row.positives is not None
            assert row.positives >= SMALL_CELL
    json.dumps([row.as_json() for row in table], allow_nan=False)


def test_a_group_with_few_positives_is_suppressed_too() -> None:
    y = np.zeros(200)
    y[:50] = 1
    y[150:155] = 1
    group = ["a"] * 150 + ["b"] * 50
    table = subgroup_table(ScoredRows.of(y, np.linspace(1, 0, 200)), {"g": group}, 0.5, seed=0, draws=5)
    assert [row.suppressed for row in table] == [True, True]


def test_faulty_scores_are_refused() -> None:
    with pytest.raises(EvaluationError, match="calibrate"):
        ScoredRows.of(np.array([0, 1]), np.array([0.1, 1.5]))
    with pytest.raises(EvaluationError, match="0 or 1"):
        ScoredRows.of(np.array([0, 2]), np.array([0.1, 0.5]))
    with pytest.raises(EvaluationError, match="both labels"):
        evaluate(ScoredRows.of(np.ones(3), np.full(3, 0.5)), seed=0)
