"""Calibration is monotone and right where it should be; thresholds keep what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.models.calibration import (
    METHODS,
    Calibration,
    CalibrationError,
    calibration_curve,
    expected_calibration_error,
    fit_calibration,
    sigmoid,
)
from phenotext.models.thresholds import (
    Cuts,
    Threshold,
    ThresholdError,
    by_ppv,
    by_specificity,
    by_workload,
    choose_threshold,
    decision_curve,
    wilson_lower,
)


def simulated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that are twice too large and shifted, the labels, and the true probabilities."""
    random = np.random.default_rng(seed)
    true = random.normal(-1.5, 1.2, n)
    return 2 * true + 1, (random.random(n) < sigmoid(true)).astype(float), sigmoid(true)


@given(
    st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=4, max_size=60),
    st.sampled_from(METHODS),
)
@settings(deadline=None)
def test_calibration_never_turns_the_order(rows: list[tuple[float, bool]], method: str) -> None:
    logit, y = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    if y.min() == y.max():
        with pytest.raises(CalibrationError, match="both labels"):
            fit_calibration(logit, y, method=method)
        return
    calibration = fit_calibration(logit, y, method=method)
    at = np.sort(np.concatenate([logit, np.linspace(-50, 50, 101)]))
    probability = calibration.probability(at)
    assert (np.diff(probability) >= 0).all()
    assert ((probability >= 0) & (probability <= 1)).all()
    assert Calibration.from_json(calibration.as_json()) == calibration


def test_platt_scaling_finds_the_true_line() -> None:
    logit, y, true = simulated(40_000, 1)
    fitted = fit_calibration(logit, y)
    assert fitted.slope == pytest.approx(0.5, abs=0.02)
    assert fitted.shift == pytest.approx(-0.5, abs=0.03)
    assert np.abs(fitted.probability(logit) - true).max() < 0.02
    assert expected_calibration_error(y, fitted.probability(logit)) < 0.01
    assert expected_calibration_error(y, sigmoid(logit)) > 0.05


def test_a_temperature_finds_the_scale() -> None:
    random = np.random.default_rng(2)
    true = random.normal(0, 1.5, 40_000)
    y = (random.random(40_000) < sigmoid(true)).astype(float)
    assert fit_calibration(3 * true, y, method="temperature").slope == pytest.approx(1 / 3, abs=0.01)


def test_weights_count_like_copies() -> None:
    logit, y, _ = simulated(300, 3)
    weight = np.ones(300)
    weight[:50] = 3
    copies = np.concatenate([np.arange(300), np.arange(50), np.arange(50)])
    one, other = (
        fit_calibration(logit, y, weight, method="temperature"),
        fit_calibration(logit[copies], y[copies], method="temperature"),
    )
    assert one.slope == pytest.approx(other.slope, rel=1e-6)


def test_few_positives_move_the_shift_only() -> None:
    logit, y = np.linspace(-3, 3, 100), np.zeros(100)
    y[-4:] = 1
    fitted = fit_calibration(logit, y)
    assert fitted.slope == 1.0
    assert fitted.probability(logit).mean() == pytest.approx(0.04, abs=0.02)


def test_faulty_calibrations_are_refused() -> None:
    with pytest.raises(CalibrationError, match="slope above 0"):
        Calibration("platt", -1.0, 0.0)
    with pytest.raises(CalibrationError, match="needs method, slope and shift"):
        Calibration.from_json({"method": "platt"})
    with pytest.raises(CalibrationError, match="not finite"):
        fit_calibration(np.array([0.0, np.inf]), np.array([0, 1]))
    with pytest.raises(CalibrationError, match="unknown"):
        fit_calibration(np.zeros(2), np.array([0, 1]), method="isotonic")


def test_the_curve_counts_every_row() -> None:
    logit, y, _ = simulated(500, 4)
    curve = calibration_curve(y, sigmoid(logit))
    assert sum(part["n"] for part in curve) == 500
    assert [part["predicted"] for part in curve] == sorted(part["predicted"] for part in curve)


def test_workload_is_never_exceeded_and_ties_stay_together() -> None:
    y = np.array([1, 0, 1, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.8, 0.5, 0.5, 0.1])
    cuts = Cuts.of(y, p)
    for patients in range(1, 7):
        cut = by_workload(cuts, patients)
        assert cut.flagged == int((p >= cut.threshold).sum()) <= patients
    assert by_workload(cuts, 2).flagged == 1
    with pytest.raises(ThresholdError, match="share the highest"):
        by_workload(Cuts.of(y, np.full(6, 0.5)), 3)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=5, max_size=80), st.floats(0.05, 0.95))
@settings(deadline=None)
def test_a_cut_gives_what_it_says(rows: list[tuple[int, bool]], wanted: float) -> None:
    p, y = np.array([row[0] / 20 for row in rows]), np.array([float(row[1]) for row in rows])
    if y.min() == y.max():
        return
    for policy in ("ppv", "specificity", "net_benefit"):
        try:
            cut = choose_threshold(policy, wanted, y, p)
        except ThresholdError:
            continue
        flagged = p >= cut.threshold
        assert cut.flagged == flagged.sum()
        assert cut.ppv == pytest.approx(y[flagged].mean())
        assert cut.recall == pytest.approx(y[flagged].sum() / y.sum())
        assert cut.specificity == pytest.approx(1 - (1 - y)[flagged].sum() / (1 - y).sum())
        assert cut.ppv_lower <= cut.ppv
        assert Threshold.from_json(cut.as_json()) == cut
        if policy == "ppv":
            assert cut.ppv_lower >= wanted
        if policy == "specificity":
            assert cut.specificity >= wanted - 1e-9
        if policy == "net_benefit":
            odds = wanted / (1 - wanted)
            for other in np.unique(p):
                at = p >= other
                assert cut.net_benefit is not None
                assert cut.net_benefit >= (y[at].sum() - (1 - y)[at].sum() * odds) / len(y) - 1e-9


def test_the_lower_bound_holds_in_new_patients_where_the_point_estimate_does_not() -> None:
    kept = naive_kept = tried = 0
    for seed in range(60):
        logit, y, true = simulated(500, 100 + seed)
        cuts = Cuts.of(y, true)
        try:
            cut = by_ppv(cuts, 0.6)
        except ThresholdError:
            continue
        tried += 1
        _, fresh, p = simulated(20_000, 500 + seed)
        kept += bool(fresh[p >= cut.threshold].mean() >= 0.6)
        ppv = cuts.true / (cuts.true + cuts.false)
        naive = cuts.threshold[np.flatnonzero(ppv >= 0.6)[-1]]
        naive_kept += bool(fresh[p >= naive].mean() >= 0.6)
        assert len(logit) == 500
    assert tried >= 40
    assert kept / tried > 0.9 > naive_kept / tried


def test_wilson_bound_is_below_the_share_and_rises_with_numbers() -> None:
    assert wilson_lower(0, 0) == 0
    assert wilson_lower(8, 10) < wilson_lower(80, 100) < 0.8


def test_impossible_policies_say_why() -> None:
    y, p = np.array([0, 1, 0, 1]), np.array([0.9, 0.5, 0.4, 0.1])
    cuts = Cuts.of(y, p)
    with pytest.raises(ThresholdError, match="the best is"):
        by_ppv(cuts, 0.9)
    with pytest.raises(ThresholdError, match="negatives share the highest"):
        by_specificity(cuts, 0.99)
    with pytest.raises(ThresholdError, match="between 0 and 1"):
        by_specificity(cuts, 1.5)
    with pytest.raises(ThresholdError, match="unknown policy"):
        choose_threshold("gut", 1, y, p)
    with pytest.raises(ThresholdError, match="both labels"):
        Cuts.of(np.zeros(3), np.zeros(3))
    with pytest.raises(ThresholdError, match="needs policy"):
        Threshold.from_json({"policy": "ppv"})


def test_decision_curve_at_known_points() -> None:
    y, p = np.array([1, 0, 0, 0]), np.array([0.9, 0.6, 0.2, 0.1])
    one = decision_curve(y, p, np.array([0.5]))[0]
    assert one["model"] == pytest.approx((1 - 1) / 4)
    assert one["all"] == pytest.approx((1 - 3) / 4)
