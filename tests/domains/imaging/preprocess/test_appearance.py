"""Features of appearance: of one picture whatever lies beside it, and distances of sets by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.domains.imaging.preprocess.appearance import LEAST_SIDE, N_FEATURES, appearance, frechet_distance


def test_a_picture_is_described_alone_and_in_a_batch_alike() -> None:
    images = np.random.default_rng(0).random((300, 28, 28)).astype(np.float32)
    whole = appearance(images)
    assert whole.shape == (300, N_FEATURES)
    np.testing.assert_allclose(appearance(images[270:271]), whole[270:271], rtol=1e-5)
    assert appearance(images[:0]).shape == (0, N_FEATURES)
    assert appearance(images[:2, :LEAST_SIDE, :LEAST_SIDE]).shape == (2, N_FEATURES)


def test_a_flat_picture_has_no_response_and_blur_lowers_it() -> None:
    sharp = np.random.default_rng(1).random((4, 32, 32)).astype(np.float32)
    blurred = (sharp + np.roll(sharp, 1, axis=2)) / 2
    assert np.abs(appearance(np.full((1, 20, 20), 0.4, np.float32))).max() < 1e-4
    assert appearance(blurred).mean() < appearance(sharp).mean()


def test_frechet_distance_by_hand() -> None:
    """Of normal distributions with diagonal spreads: |m1 - m2|² plus the sum of (s1 - s2)² of the deviations."""
    one = np.array([[-1.0, 0], [1, 0], [0, -2], [0, 2]]) * np.sqrt(3 / 2)  # variances 1 and 4, no covariance
    other = one * [3.0, 1.0] + [1.0, 2.0]  # variances 9 and 4
    assert frechet_distance(one, other) == pytest.approx(1 + 4 + (3 - 1) ** 2)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
