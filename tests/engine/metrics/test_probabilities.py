"""Log loss, Brier score and calibration error: against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.metrics.probabilities import brier, confidence_bins, ece, log_loss


def test_equal_to_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    target, output = rng.integers(0, 3, 100), rng.dirichlet(np.ones(3), 100)
    np.testing.assert_allclose(log_loss(target, output), [reference.log_loss(target, output)], atol=1e-9)
    np.testing.assert_allclose(brier(target, output), [reference.brier_score_loss(target, output)], atol=1e-9)
    two, score = target > 0, output[:, 0]
    np.testing.assert_allclose(brier(two, score), [reference.brier_score_loss(two, score)], atol=1e-9)
    np.testing.assert_allclose(log_loss(two, score), [reference.log_loss(two, score)], atol=1e-9)


def test_ece_by_hand_in_bins_of_equal_width() -> None:
    # Low bin: 0.1 and 0.3 (mean 0.2), none true: gap 0.2. High: 0.6 and 0.8 (mean 0.7), one true: 0.2.
    target, output = np.array([0, 0, 0, 1]), np.array([0.1, 0.3, 0.6, 0.8])
    np.testing.assert_allclose(ece(target, output, n_bins=2, rule="width"), [0.2])


def test_ece_by_hand_in_bins_of_equal_mass() -> None:
    # Edge at the lower median 0.6. {0.5}: 0.5 off; {0.6, 0.8, 0.9}: mean 0.7667, all true: 0.2333.
    target, output = np.array([0, 1, 1, 1]), np.array([0.5, 0.6, 0.8, 0.9])
    bins = confidence_bins(target, output, n_bins=2)
    assert bins.edges.tolist() == [0.0, 0.6, 1.0]
    np.testing.assert_allclose(ece(target, output, n_bins=2), [(0.5 + 3 * (1 - 2.3 / 3)) / 4])


def test_bins_of_equal_mass_hold_equally_many() -> None:
    rng = np.random.default_rng(2)
    bins = confidence_bins(rng.integers(0, 2, 1500), rng.random(1500), n_bins=15)
    counts = np.bincount(bins.index)
    assert counts.sum() == 1500
    assert set(counts) <= {99, 100, 101}


def test_top_label_is_judged_where_all_classes_are_given() -> None:
    output = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(ece(np.array([0, 1]), output, n_bins=1), [abs(0.5 - 0.75)])
    np.testing.assert_allclose(ece(np.array([0, 1]), output, n_bins=1, positive=1), [abs(0.5 - 0.15)])


def test_ece_of_resamples_uses_the_bins_of_all_items() -> None:
    rng = np.random.default_rng(3)
    target, output = rng.integers(0, 2, 60), rng.random(60)
    weights = rng.integers(0, 3, (5, 60)).astype(np.float64)
    repeated = [np.repeat(np.arange(60), row.astype(int)) for row in weights]
    expected = [ece(target[i], output[i], rule="width")[0] for i in repeated]
    np.testing.assert_allclose(ece(target, output, weights=weights, rule="width"), expected, atol=1e-12)


def test_a_probability_of_zero_costs_a_finite_price() -> None:
    np.testing.assert_allclose(log_loss(np.array([0]), np.array([[0.0, 1.0]])), [-np.log(1e-7)])


def test_refusals() -> None:
    with pytest.raises(ShapeError, match=r"expected rows that sum to 1, got 1 of 1 rows"):
        brier(np.array([0]), np.array([[0.4, 0.4]]))
    with pytest.raises(ShapeError, match=r"expected probabilities in \[0, 1\], got 2 of 2 outside"):
        log_loss(np.array([0]), np.array([-0.5]) * 1.0)
    with pytest.raises(UsageError, match="'mass' or 'width', got 0"):
        ece(np.array([0]), np.array([0.5]), n_bins=0)
