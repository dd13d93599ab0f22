"""Conformal sets and intervals: the rank by hand, coverage on new items, groups, too few items."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auscult.base.errors import DataError, ShapeError, UsageError
from auscult.engine.calibration.conformal import (
    class_strangeness,
    conformal_quantile,
    fit_conformal_intervals,
    fit_conformal_sets,
)


def test_quantile_by_hand() -> None:
    scores = np.array([5.0, 1, 4, 2, 3, 9, 8, 7, 6])
    assert conformal_quantile(scores, 0.9) == 9.0  # rank ceil(10 * 0.9) = 9
    assert conformal_quantile(scores, 0.5) == 5.0
    assert conformal_quantile(scores, 0.91) == math.inf
    assert conformal_quantile(np.array([]), 0.5) == math.inf


def test_strangeness_by_hand() -> None:
    probabilities = np.array([[0.2, 0.5, 0.3]])
    np.testing.assert_allclose(class_strangeness(probabilities, "lac"), [[0.8, 0.5, 0.7]])
    np.testing.assert_allclose(class_strangeness(probabilities, "before"), [[0.8, 0.0, 0.5]])


def classes(rng: np.random.Generator, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    true = rng.dirichlet(np.full(5, 0.6), n_items)
    target = (rng.random((n_items, 1)) > np.cumsum(true, axis=1)).sum(axis=1)
    sharp = true**1.7 + 1e-6
    return sharp / sharp.sum(axis=1, keepdims=True), np.minimum(target, 4)


@pytest.mark.parametrize("kind", ["lac", "before"])
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_sets_cover_new_items(kind: str, coverage: float) -> None:
    rng = np.random.default_rng(0)
    fitted = fit_conformal_sets(*classes(rng, 4000), coverage=coverage, kind=kind)
    probabilities, target = classes(rng, 4000)
    covered = fitted.apply(probabilities)[np.arange(4000), target].mean()
    assert covered > coverage - 0.02
    assert covered < coverage + 0.02


def test_a_set_is_no_larger_than_it_needs_and_holds_the_most_probable_class() -> None:
    rng = np.random.default_rng(1)
    target = rng.integers(0, 3, 400)
    sure = np.where(np.eye(3)[target] > 0, 0.98, 0.01)
    fitted = fit_conformal_sets(sure, target, coverage=0.9)
    assert fitted.apply(sure).sum(axis=1).tolist() == [1] * 400
    fitted = fit_conformal_sets(*classes(rng, 500), coverage=0.2)
    assert fitted.apply(np.array([[0.9, 0.025, 0.025, 0.025, 0.025]])).tolist() == [[True] + [False] * 4]


def test_intervals_cover_each_column_and_adapt_to_a_scale() -> None:
    rng = np.random.default_rng(2)

    def draw(n_items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scale = np.exp(rng.normal(size=(n_items, 2))) * [1.0, 5.0]
        output = rng.normal(size=(n_items, 2))
        return output + scale * rng.normal(size=(n_items, 2)), output, scale

    target, output, scale = draw(3000)
    plain = fit_conformal_intervals(target, output, coverage=0.9)
    scaled = fit_conformal_intervals(target, output, coverage=0.9, scale=scale)
    target, output, scale = draw(3000)
    for bounds in (plain.apply(output), scaled.apply(output, scale=scale)):
        covered = ((bounds[..., 0] <= target) & (target <= bounds[..., 1])).mean(axis=0)
        np.testing.assert_allclose(covered, 0.9, atol=0.025)
    # 95th percentile of |normal| is what the radius in scales must be: 1.645 for 90 %.
    np.testing.assert_allclose(scaled.radii[0], 1.645, rtol=0.05)


def test_groups_have_their_own_coverage_and_a_small_group_is_unbounded() -> None:
    rng = np.random.default_rng(3)
    group = np.concatenate([np.zeros(500, int), np.ones(500, int), np.full(3, 2)])
    target = rng.normal(size=(1003, 1)) * np.array([1.0, 10.0, 1.0])[group][:, None]
    fitted = fit_conformal_intervals(target, np.zeros((1003, 1)), coverage=0.9, group=group)
    near, far, few = (row[0] for row in fitted.radii)
    assert far > 5 * near
    assert few is None
    bounds = fitted.apply(np.zeros((2, 1)), group=np.array([0, 2]))
    np.testing.assert_allclose(bounds[:, 0], [[-near, near], [-np.inf, np.inf]])


def test_sets_of_a_small_group_hold_every_class() -> None:
    probabilities, target = classes(np.random.default_rng(4), 52)
    group = np.array([0] * 50 + [1] * 2)
    fitted = fit_conformal_sets(probabilities, target, group=group)
    assert fitted.limits[1] is None
    assert fitted.apply(probabilities[:1], group=np.array([1])).all()


def test_refusals() -> None:
    ones = np.ones((4, 2))
    with pytest.raises(UsageError, match="coverage: expected a number between 0 and 1, got 90"):
        fit_conformal_intervals(ones, ones, coverage=90)
    with pytest.raises(DataError, match="scale: expected positive numbers, got 8 others"):
        fit_conformal_intervals(ones, ones, scale=ones * 0)
    fitted = fit_conformal_intervals(ones, ones, coverage=0.5)
    with pytest.raises(UsageError, match="scale: expected none, as when the intervals were fitted, got one"):
        fitted.apply(ones, scale=ones)
    with pytest.raises(ShapeError, match=r"output: expected shape \(N, 2\), got \(4, 3\)"):
        fitted.apply(np.ones((4, 3)))
    with pytest.raises(ShapeError, match="group: expected classes 0 to 0, got 1 of 4 outside"):
        fitted.apply(ones, group=np.array([0, 0, 0, 1]))
    with pytest.raises(DataError, match="group: expected one for each of 4 items, got 2"):
        fitted.apply(ones, group=np.array([0, 0]))
    with pytest.raises(DataError, match="target: expected one for each of 2 items, got 1"):
        fit_conformal_sets(np.eye(2), np.array([0]))
