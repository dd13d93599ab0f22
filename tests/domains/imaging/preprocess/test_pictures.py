"""Windows, grids, texture and hidden fields; expected values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.domains.imaging.preprocess.grid import centre_square, padded_square, resized
from auscult.domains.imaging.preprocess.saliency import occlusion_map
from auscult.domains.imaging.preprocess.texture import texture_features
from auscult.domains.imaging.preprocess.window import windowed


def test_linear_window() -> None:
    """PS3.3 C.11.2.1.2, note: with centre 2048 and width 4096, 0 to 4095 are the ends."""
    np.testing.assert_allclose(windowed(np.array([0.0, 4095.0]), 2048, 4096), [0, 1])
    np.testing.assert_allclose(windowed(np.array([-1.0, 0.0, 1.0]), 0.5, 1), [0, 0, 1])
    np.testing.assert_allclose(windowed(np.array([0.0, 50, 100]), 50, 100, "LINEAR_EXACT"), [0, 0.5, 1])
    np.testing.assert_allclose(
        windowed(np.array([50.0, 75]), 50, 100, "SIGMOID"), [0.5, 1 / (1 + np.exp(-1))], rtol=1e-6
    )


@pytest.mark.parametrize("width", [0.0, -1.0, 0.5, float("nan")])
def test_a_window_needs_a_width(width: float) -> None:
    with pytest.raises(ShapeError, match="window: expected a width of at least 1"):
        windowed(np.zeros(3), 0, width)


def test_resized_by_whole_factors() -> None:
    image = np.arange(16.0).reshape(4, 4)
    np.testing.assert_array_equal(resized(image, (4, 4)), image)
    # a triangle of reach 2 around the middle of the first two: weights 1.5, 1.5, .5 of offsets .5, .5, 1.5 -> 3, 3, 1
    row = (3 * image[0] + 3 * image[1] + image[2]) / 7
    np.testing.assert_allclose(resized(image, (2, 4))[0], row, rtol=1e-6)
    np.testing.assert_allclose(resized(np.full((5, 7, 3), 2.5), (11, 2, 6)), 2.5, rtol=1e-6)


def test_resized_refuses_other_axes() -> None:
    with pytest.raises(ShapeError, match="image: expected 3 axes with at least 1 pixel each"):
        resized(np.zeros((4, 4)), (2, 2, 2))


def test_squares() -> None:
    image = np.arange(8.0).reshape(2, 4)
    np.testing.assert_array_equal(centre_square(image), [[1, 2], [5, 6]])
    np.testing.assert_array_equal(padded_square(image)[[0, 3]], 0.0)
    assert padded_square(image).shape == (4, 4)


def test_texture_of_a_flat_and_of_a_striped_picture() -> None:
    flat, stripes = np.full((28, 28), 0.25), np.tile([0.0, 0.0, 1.0, 1.0], (28, 7))
    a, b = texture_features(flat), texture_features(stripes)
    assert a.shape == b.shape
    assert np.isfinite(a).all()
    np.testing.assert_allclose(a[:16], 0.25, rtol=1e-6)  # means on the grid of 4 x 4
    np.testing.assert_allclose(a[16:32], 0.0, atol=1e-3)  # and their spreads
    assert a[-2] == 1.0  # all eight neighbours are as bright: the pattern of eight bits
    assert b[-11] > a[-11]  # gradient


def test_occlusion_finds_the_field_that_counts() -> None:
    image = np.zeros((28, 28), dtype=np.float32)
    image[5, 9] = 1.0  # field (1, 2)
    fall = occlusion_map(image, lambda x: x[:, 5, 9])
    assert np.unravel_index(fall.argmax(), fall.shape) == (1, 2)
    assert fall[0, 0] == 0.0
