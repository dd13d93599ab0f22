"""Metrics of generated items: the definition as loops, resamples, copies, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.metrics.generated import (
    auc_gain,
    copy_rate,
    kid,
    membership_auc,
    nearest_distances,
    share_of_real,
    trained_auc,
)


def plain_kid(real: np.ndarray, made: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(real), len(made)
    first = sum(kernel(real[i], real[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    second = sum(kernel(made[i], made[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    cross = sum(kernel(a, b) for a in real for b in made) / (n * m)
    return first + second - 2 * cross


def test_kid_equal_to_its_definition() -> None:
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(9, 4)), rng.normal(size=(7, 4)) + 1
    np.testing.assert_allclose(kid(real, made), [plain_kid(real, made)], atol=1e-9)


def test_kid_of_a_resample_of_distinct_items_is_that_of_the_part() -> None:
    rng = np.random.default_rng(1)
    real, made = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    weights = np.array([[1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]], float)
    found = kid(real, made, weights=weights)
    np.testing.assert_allclose(found[0], plain_kid(real[:3], made[2:]), atol=1e-9)
    assert np.isnan(found[1])


def test_kid_is_not_biased_by_resampling() -> None:
    rng = np.random.default_rng(2)
    real, made = rng.normal(size=(60, 3)), rng.normal(size=(60, 3))
    weights = np.concatenate([rng.multinomial(60, np.full(60, 1 / 60), 3000) for _ in "ab"], axis=1)
    resampled = kid(real, made, weights=weights)
    standard_error = resampled.std() / np.sqrt(len(resampled))
    assert abs(resampled.mean() - kid(real, made)[0]) < 5 * standard_error


def test_nearest_distances_by_hand() -> None:
    points, others = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [3.0, 4.0]])
    np.testing.assert_allclose(nearest_distances(points, others), [1.0, 0.0])


def test_a_generator_that_copies_is_found_out() -> None:
    rng = np.random.default_rng(3)
    train, held_out = rng.normal(size=(50, 5)), rng.normal(size=(50, 5))
    is_member = np.repeat([True, False], 50)
    distance = nearest_distances(np.concatenate([train, held_out]), train + 1e-3)
    np.testing.assert_allclose(membership_auc(is_member, distance), [1.0])


def test_what_trainings_are_worth_by_hand() -> None:
    """Two trainings of areas 1 and 3/4 on generated items, of 1 and 1/4 on real ones: mean 7/8 against 5/8."""
    label = np.array([0, 0, 1, 1])
    scores = {1.0: [0.1, 0.2, 0.3, 0.4], 0.75: [0.1, 0.3, 0.2, 0.4], 0.25: [0.4, 0.2, 0.1, 0.3]}

    def trained(*areas: float) -> np.ndarray:
        return np.stack([np.stack([1 - np.array(scores[a]), scores[a]], axis=1) for a in areas], axis=1)  # (N, R, K)

    made, real = trained(1.0, 0.75), trained(1.0, 0.25)
    both = np.stack([made, real], axis=1)
    np.testing.assert_allclose(trained_auc(label, made), [7 / 8])
    np.testing.assert_allclose(share_of_real(label, both), [7 / 5])
    np.testing.assert_allclose(auc_gain(label, both), [1 / 4])
    with pytest.raises(ShapeError, match=r"output: expected .*N, R, K"):
        trained_auc(label, made[:, 0])


def test_copy_rate_by_hand() -> None:
    source = [["the", "pump", "stopped", "at", "night"]]
    output = [["the", "pump", "stopped", "today"], ["at", "night"], ["stopped", "at", "night", "again"]]
    # Grams of three: (the pump stopped) copied, (pump stopped today) new; none; one copied, one new.
    np.testing.assert_allclose(copy_rate(source, output, n=3), [2 / 4])
    weights = np.array([[1.0, 1, 0], [0, 1, 0]])
    np.testing.assert_allclose(copy_rate(source, output, n=3, weights=weights), [1 / 2, np.nan])


def test_refusals() -> None:
    with pytest.raises(ShapeError, match=r"output: expected shape \(M, 4\), got \(3, 5\)"):
        kid(np.zeros((2, 4)), np.zeros((3, 5)))
    with pytest.raises(ShapeError, match="others: expected at least one item, got none"):
        nearest_distances(np.zeros((2, 4)), np.zeros((0, 4)))
    with pytest.raises(UsageError, match="n: expected 1 or more tokens, got 0"):
        copy_rate([["a"]], [["a"]], n=0)
