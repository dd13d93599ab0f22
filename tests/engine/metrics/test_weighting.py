"""Units and weights: defaults, refusals, exact medians and means."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.metrics.weighting import (
    mean_defined,
    ratio,
    resolve_units,
    sum_by_unit,
    weighted_means,
    weighted_medians,
    weighted_sums,
)


def test_defaults_are_every_item_once() -> None:
    unit, weights = resolve_units(3, None, None)
    assert unit.tolist() == [0, 1, 2]
    assert weights.tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("n_items", "unit", "weights", "words"),
    [
        (0, None, None, "expected at least one, got none"),
        (3, np.array([0, 1]), None, r"unit: expected shape \(3\), got \(2,\)"),
        (2, np.array([0.0, 1.0]), None, "unit: expected whole numbers, got float64"),
        (2, np.array([0, 5]), np.ones((1, 2)), "unit: expected 0 to 1 .*, got 0 to 5"),
        (2, np.array([-1, 0]), np.ones((1, 2)), "got -1 to 0"),
        (2, None, np.ones(2), r"weights: expected shape \(B, S\), got \(2,\)"),
        (2, None, np.array([[1.0, -1.0]]), "expected counts of 0 or more"),
        (2, None, np.array([[1.0, np.nan]]), "expected counts of 0 or more"),
    ],
)
def test_refusals_say_what_was_expected(
    n_items: int, unit: np.ndarray | None, weights: np.ndarray | None, words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        resolve_units(n_items, unit, weights)


def test_sums_equal_a_loop() -> None:
    rng = np.random.default_rng(0)
    values, unit = rng.normal(size=(50, 3)), rng.integers(0, 7, 50)
    weights = rng.integers(0, 4, (11, 7)).astype(np.float32)
    expected = [[(values[:, f] * row[unit]).sum() for f in range(3)] for row in weights]
    np.testing.assert_allclose(weighted_sums(sum_by_unit(values, unit, 7), weights), expected, atol=1e-9)


def test_median_of_repeated_items_is_that_of_numpy() -> None:
    rng = np.random.default_rng(1)
    values, unit = np.round(rng.normal(size=41), 1), rng.integers(0, 6, 41)
    weights = rng.integers(0, 3, (200, 6)).astype(np.float64)
    weights[0] = 0.0
    found = weighted_medians(values, unit, weights)
    assert np.isnan(found[0])
    for row, value in zip(weights[1:], found[1:], strict=True):
        repeated = np.repeat(values, row[unit].astype(int))
        np.testing.assert_allclose(value, np.median(repeated) if len(repeated) else np.nan, atol=1e-12)


def test_means_leave_out_what_is_undefined() -> None:
    values = np.array([[1.0], [np.nan], [3.0]])
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    found = weighted_means(values, np.arange(3), weights)[:, 0]
    np.testing.assert_allclose(found, [2.0, 5.0 / 3.0, np.nan])


def test_ratio_and_mean_of_nothing_are_nan() -> None:
    np.testing.assert_array_equal(ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])), [0.5, np.nan])
    np.testing.assert_array_equal(mean_defined(np.array([[1.0, np.nan], [np.nan, np.nan]])), [1.0, np.nan])
