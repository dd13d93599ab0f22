"""Value metrics: equal to numpy and scikit-learn, by column, intervals, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from auscult.base.errors import ShapeError
from auscult.engine.metrics import regression as ours


def test_equal_to_numpy_and_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    target, output = rng.normal(size=(101, 12)), rng.normal(size=(101, 12))
    error = output - target
    for found, expected in [
        (ours.mae(target, output), reference.mean_absolute_error(target, output)),
        (ours.rmse(target, output), np.sqrt(reference.mean_squared_error(target, output))),
        (ours.bias(target, output), error.mean()),
        (ours.mae(target, output, column=1), np.abs(error[:, 1]).mean()),
        (ours.median_rmse(target, output), np.median(np.sqrt((error**2).mean(axis=1)))),
        (ours.median_mae(target, output), np.median(np.abs(error).mean(axis=1))),
    ]:
        np.testing.assert_allclose(found, [expected], atol=1e-12)


def test_one_column_may_be_a_vector() -> None:
    np.testing.assert_allclose(ours.mae(np.array([1.0, 2.0]), np.array([2.0, 4.0])), [1.5])


def test_intervals_by_hand() -> None:
    target = np.array([[1.0, 5.0], [2.0, 9.0]])
    bounds = np.array([[[1.0, 2.0], [0.0, 4.0]], [[1.0, 3.0], [8.0, 10.0]]])
    np.testing.assert_allclose(ours.coverage(target, bounds), [3 / 4])
    np.testing.assert_allclose(ours.interval_width(target, bounds), [(1 + 4 + 2 + 2) / 4])


def test_an_unbounded_interval_covers_and_leaves_the_width_undefined() -> None:
    target, bounds = np.array([[3.0], [9.0]]), np.array([[[-np.inf, np.inf]], [[1.0, 3.0]]])
    np.testing.assert_allclose(ours.coverage(target, bounds), [0.5])
    weights = np.array([[1.0, 1.0], [0.0, 2.0]])
    np.testing.assert_array_equal(ours.interval_width(target, bounds, weights=weights), [np.nan, 2.0])


def test_refusals() -> None:
    ones = np.ones((3, 2))
    with pytest.raises(ShapeError, match=r"output: expected shape \(3, 2\), got \(3, 1\)"):
        ours.mae(ones, np.ones((3, 1)))
    with pytest.raises(ShapeError, match="output: expected finite numbers, got 1 NaN"):
        ours.rmse(ones, np.array([[1, 1], [1, np.nan], [1, 1]]))
    with pytest.raises(ShapeError, match="column: expected 0 to 1, got 2"):
        ours.mae(ones, ones, column=2)
    with pytest.raises(ShapeError, match=r"expected intervals \(N, H, 2\) without NaN, got \(3, 2\)"):
        ours.coverage(ones, ones)
    with pytest.raises(ShapeError, match="got 1 intervals of 1 turned round"):
        ours.coverage(np.ones((1, 1)), np.array([[[2.0, 1.0]]]))
