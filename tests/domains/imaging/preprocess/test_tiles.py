"""Tiles: a volume that is cut and put together again is the same."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.domains.imaging.preprocess.tiles import blended, tile_corners, tiles_of


@pytest.mark.parametrize("shape", [(5, 6, 7), (3, 9, 4), (12, 4, 5), (2, 2, 2)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_there_and_back(shape: tuple[int, int, int], overlap: float) -> None:
    volume = np.random.default_rng(0).random(shape)
    tiles = tiles_of(volume, (4, 4, 4), overlap)
    back = blended(np.stack([tiles, 1 - tiles], axis=1), shape, overlap)
    np.testing.assert_allclose(back, [volume, 1 - volume], atol=1e-6)


def test_where_tiles_begin_and_what_fills_a_small_volume() -> None:
    assert tile_corners((10, 4, 3), (4, 4, 4), 0.5) == [(0, 0, 0), (2, 0, 0), (4, 0, 0), (6, 0, 0)]
    assert tiles_of(np.ones((1, 1, 1)), (1, 1, 2), 0.0, fill=-3.0).ravel().tolist() == [1, -3]


def test_a_tile_too_few() -> None:
    with pytest.raises(ShapeError, match=r"tiles: expected 4 of a volume of shape \(10, 4, 3\), got 3"):
        blended(np.zeros((3, 1, 4, 4, 4)), (10, 4, 3), 0.5)
