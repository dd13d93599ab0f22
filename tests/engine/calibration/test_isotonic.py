"""Isotonic calibration: equal to scikit-learn, by hand, labels, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from auscult.base.errors import DataError, ShapeError
from auscult.engine.calibration.isotonic import Isotonic, fit_isotonic, fit_isotonic_labels


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_equal_to_scikit_learn(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    score = np.round(rng.random(500), decimals)
    target = rng.random(500) < score**2
    reference = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, target)
    new = np.linspace(-0.2, 1.2, 701)
    np.testing.assert_allclose(fit_isotonic(score, target).apply(new), reference.predict(new), atol=1e-9)


def test_by_hand() -> None:
    # 0.2 and 0.3 violate and are pooled to 1/2; 0.4 is 1.
    fitted = fit_isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1]))
    assert fitted.scores == (0.1, 0.2, 0.3, 0.4)
    assert fitted.probabilities == (0.0, 0.5, 0.5, 1.0)
    np.testing.assert_allclose(fitted.apply(np.array([0.0, 0.15, 0.25, 9.0])), [0.0, 0.25, 0.5, 1.0])


def test_only_the_ends_of_a_flat_stretch_are_knots() -> None:
    fitted = fit_isotonic(np.arange(10.0), np.array([0] * 5 + [1] * 5))
    assert fitted.scores == (0.0, 4.0, 5.0, 9.0)


def test_equal_scores_are_one_knot() -> None:
    fitted = fit_isotonic(np.array([0.5, 0.5, 0.5, 0.5]), np.array([0, 1, 1, 1]))
    assert (fitted.scores, fitted.probabilities) == ((0.5,), (0.75,))


def test_labels_with_missing_targets_and_a_label_that_cannot_be_fitted() -> None:
    rng = np.random.default_rng(0)
    score = rng.random((200, 2))
    target = np.stack([rng.random(200) < score[:, 0], np.zeros(200)], axis=1)
    missing = np.zeros((200, 2), dtype=bool)
    missing[:100, 0] = True
    fitted = fit_isotonic_labels(score, target, missing=missing)
    assert fitted.labels[0] == fit_isotonic(score[100:, 0], target[100:, 0])
    assert fitted.labels[1] is None
    np.testing.assert_array_equal(fitted.apply(score)[:, 1], score[:, 1])


def test_refusals() -> None:
    with pytest.raises(DataError, match="expected both classes on validation, got 0 positives of 3"):
        fit_isotonic(np.arange(3.0), np.zeros(3))
    with pytest.raises(ShapeError, match="score: expected finite numbers, got 1 NaN"):
        fit_isotonic(np.array([np.nan, 1.0]), np.array([0, 1]))
    with pytest.raises(ShapeError, match=r"missing: expected shape \(2, 2\), got \(2, 1\)"):
        fit_isotonic_labels(np.ones((2, 2)), np.ones((2, 2)), missing=np.ones((2, 1), dtype=bool))
    with pytest.raises(DataError, match="expected the fields method, scores, probabilities"):
        Isotonic.from_dict({"scores": [0.2, 0.1], "probabilities": [0.0, 1.0]})
