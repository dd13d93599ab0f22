"""Reliability curve: equal to scikit-learn's calibration curve, empty bins, the summary figures."""

from __future__ import annotations

import numpy as np
from sklearn.calibration import calibration_curve

from auscult.engine.calibration.reliability import reliability
from auscult.engine.metrics.probabilities import brier, ece


def test_equal_to_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(500)
    target = rng.random(500) < score
    found = reliability(target, score, n_bins=10, rule="width")
    share, confidence = calibration_curve(target, score, n_bins=10, strategy="uniform")
    np.testing.assert_allclose(found.share_right, share, atol=1e-12)
    np.testing.assert_allclose(found.confidence, confidence, atol=1e-12)
    assert found.n_items.sum() == 500


def test_the_figures_are_those_of_the_curve() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(300)
    target = rng.random(300) < score**2
    found = reliability(target, score)
    gaps = np.abs(found.share_right - found.confidence)
    np.testing.assert_allclose(found.ece, (gaps * found.n_items).sum() / 300)
    np.testing.assert_allclose([found.ece, found.brier], [ece(target, score)[0], brier(target, score)[0]])


def test_an_empty_bin_has_no_point() -> None:
    found = reliability(np.array([0, 1]), np.array([0.1, 0.9]), n_bins=3, rule="width")
    np.testing.assert_array_equal(found.n_items, [1, 0, 1])
    np.testing.assert_array_equal(found.share_right, [0.0, np.nan, 1.0])
