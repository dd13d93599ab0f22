"""Bootstrap: weights, intervals that ignore and count undefined resamples, pairs, memory-bounded parts."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.metrics import bootstrap
from auscult.engine.metrics.bootstrap import (
    bootstrap_weights,
    estimate,
    interval,
    paired_difference,
    value_by_unit,
)
from auscult.engine.metrics.classification import accuracy, sensitivity
from auscult.engine.metrics.regression import mae


def test_weights_are_counts_of_draws() -> None:
    weights = bootstrap_weights(30, 2000, np.random.default_rng(0))
    assert weights.shape == (2000, 30)
    assert (weights.sum(axis=1) == 30).all()
    # Binomial(30, 1/30): mean 1, variance 29/30.
    np.testing.assert_allclose(weights.mean(), 1.0)
    np.testing.assert_allclose(weights.var(), 29 / 30, atol=0.02)


def test_two_calls_give_the_rows_of_one() -> None:
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    whole = bootstrap_weights(13, 9, one)
    parts = [bootstrap_weights(13, 4, two), bootstrap_weights(13, 5, two)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_interval_ignores_and_counts_undefined() -> None:
    # Percentiles 2.5 and 97.5 of 0 … 100 are 2.5 and 97.5.
    values = np.concatenate([np.arange(101.0), [np.nan, np.nan]])
    np.testing.assert_allclose(interval(values), (2.5, 97.5, 2))
    np.testing.assert_allclose(interval(values, 0.5), (25.0, 75.0, 2))
    low, high, n_undefined = interval(np.full(4, np.nan))
    assert np.isnan([low, high]).all()
    assert n_undefined == 4


def test_interval_of_a_mean_is_that_of_theory() -> None:
    rng = np.random.default_rng(3)
    target = rng.exponential(size=400)
    found = estimate(mae, np.zeros(400), target, unit=np.arange(400), rng=rng, n_resamples=4000)
    half = 1.96 * target.std() / np.sqrt(400)
    np.testing.assert_allclose([found.low, found.high], [target.mean() - half, target.mean() + half], atol=0.01)
    np.testing.assert_allclose(found.value, target.mean())
    assert (found.n_units, found.n_resamples, found.n_undefined) == (400, 4000, 0)


def test_units_that_belong_together_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    subject = np.repeat(np.arange(20), 50)
    right = (rng.random(20)[subject] < 0.5).astype(int)
    by_subject = estimate(accuracy, np.ones(1000, int), right, unit=subject, rng=rng)
    by_item = estimate(accuracy, np.ones(1000, int), right, unit=np.arange(1000), rng=rng)
    assert by_subject.high - by_subject.low > 3 * (by_item.high - by_item.low)


def test_undefined_resamples_are_counted() -> None:
    target, output = np.array([1, 0, 0]), np.array([1, 0, 0])
    found = estimate(sensitivity, target, output, unit=np.arange(3), rng=np.random.default_rng(0), n_resamples=3000)
    # The one positive is left out with probability (2/3)**3.
    np.testing.assert_allclose(found.n_undefined / 3000, (2 / 3) ** 3, atol=0.03)
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    target, output = rng.integers(0, 2, 40), rng.integers(0, 2, 40)

    def found() -> bootstrap.Estimate:
        return estimate(accuracy, target, output, unit=np.arange(40), rng=np.random.default_rng(1))

    whole = found()
    monkeypatch.setattr(bootstrap, "HELD_WEIGHTS", 7 * 40)
    assert found() == whole


def test_a_pair_shares_its_resamples() -> None:
    rng = np.random.default_rng(6)
    target = rng.normal(size=100) * 10
    first, second = target + 2.0, target + 1.0
    found = paired_difference(mae, (target, first), (target, second), unit=np.arange(100), rng=rng, column=0)
    np.testing.assert_allclose([found.value, found.low, found.high], [1.0, 1.0, 1.0])


def test_value_by_unit() -> None:
    target, output, unit = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0]), np.array([0, 0, 0, 1])
    np.testing.assert_allclose(value_by_unit(accuracy, target, output, unit=unit), [2 / 3, 1.0])
    np.testing.assert_allclose(value_by_unit(sensitivity, target, output, unit=unit), [0.5, np.nan])


def test_refusals() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="at least 1 unit and 1 resample, got 0 and 5"):
        bootstrap_weights(0, 5, rng)
    with pytest.raises(UsageError, match="level: expected a number between 0 and 1, got 95"):
        interval(np.ones(3), 95)
    with pytest.raises(ShapeError, match=r"statistic: expected shape \(B,\), got \(3, 1\)"):
        interval(np.ones((3, 1)))
    with pytest.raises(ShapeError, match="every number from 0 to 3 to occur, got gaps"):
        estimate(accuracy, np.ones(2, int), np.ones(2, int), unit=np.array([0, 3]), rng=rng)
