"""Thresholds: each rule against every possible threshold, by hand, labels, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from auscult.base.errors import DataError, UsageError
from auscult.engine.calibration.base import between
from auscult.engine.calibration.threshold import fit_label_thresholds, fit_threshold


def simulated(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.random(150) < 0.3
    return target, np.round(rng.normal(size=150) + target, 1)


def youden(target: np.ndarray, called: np.ndarray) -> float:
    return float(called[target].mean() - called[~target].mean())


@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_is_better(seed: int) -> None:
    target, score = simulated(seed)
    for rule, worth in (("youden", youden), ("f1", reference.f1_score)):
        chosen = worth(target, fit_threshold(target, score, rule=rule).apply(score))
        best = max(worth(target, score >= value) for value in np.unique(score))
        np.testing.assert_allclose(chosen, best)


@pytest.mark.parametrize("level", [0.5, 0.9, 1.0])
def test_sensitivity_at_least_is_the_highest_that_keeps_it(level: float) -> None:
    target, score = simulated(9)
    fitted = fit_threshold(target, score, rule="sensitivity_at_least", level=level)
    assert fitted.apply(score)[target].mean() >= level
    higher = score[score >= fitted.value].min()
    assert (score[target] > higher).mean() < level


def test_by_hand_half_way_below_the_lowest_called() -> None:
    fitted = fit_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.6, 0.9]))
    np.testing.assert_allclose(fitted.value, 0.5)
    assert (fitted.rule, fitted.level) == ("youden", None)


def test_everything_called_keeps_the_lowest_score() -> None:
    fitted = fit_threshold(np.array([1, 0]), np.array([0.2, 0.7]), rule="sensitivity_at_least", level=1.0)
    assert fitted.value == 0.2


def test_between_neighbouring_floats_keeps_the_upper_one() -> None:
    below = 1.0
    kept = float(np.nextafter(below, 2.0))
    assert below < between(below, kept) <= kept


def test_fixed_looks_at_nothing() -> None:
    fitted = fit_threshold(np.zeros(2), np.array([0.1, 0.2]), rule="fixed", level=0.3)
    assert (fitted.value, fitted.level) == (0.3, 0.3)


def test_labels_get_their_own_and_half_where_there_is_no_positive() -> None:
    target, score = simulated(3)
    both = np.stack([target, np.zeros(150)], axis=1)
    missing = np.zeros((150, 2), dtype=bool)
    missing[:50, 0] = True
    fitted = fit_label_thresholds(both, np.stack([score, score], axis=1), missing=missing)
    assert fitted.labels[0] == fit_threshold(target[50:], score[50:], rule="f1")
    assert (fitted.labels[1].rule, fitted.values[1]) == ("fixed", 0.5)
    called = fitted.apply(np.stack([score, score], axis=1))
    np.testing.assert_array_equal(called[:, 1], score >= 0.5)


def test_refusals() -> None:
    target, score = simulated(0)
    with pytest.raises(UsageError, match="unknown threshold rule 'yuden'; did you mean 'youden'"):
        fit_threshold(target, score, rule="yuden")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"expected a number for 'fixed' .* got None for 'fixed'"):
        fit_threshold(target, score, rule="fixed")
    with pytest.raises(UsageError, match=r"none for the others, got 0\.5 for 'f1'"):
        fit_threshold(target, score, rule="f1", level=0.5)
    with pytest.raises(UsageError, match="expected a sensitivity above 0 and at most 1, got 95"):
        fit_threshold(target, score, rule="sensitivity_at_least", level=95)
    with pytest.raises(DataError, match="expected a positive on validation, got none of 150; use 'fixed'"):
        fit_threshold(np.zeros(150), score)
