"""Orientation, grid and spacing of volumes: there and back without a change."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.domains.imaging.preprocess.volume import framed, nearest, shape_at, standardised, turn_of, unframed

COMMON = np.array([[0, 0, -1.0], [0, -1.0, 0], [1.0, 0, 0]])
"""Columns are the directions of D, H and W in LPS: to the head, to the front, to the right."""


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_every_orientation_is_brought_to_one_and_back(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    """A volume whose axes are the common ones, exchanged and mirrored."""
    common = np.arange(24).reshape(2, 3, 4)
    affine = np.eye(4)
    affine[:3, :3] = COMMON[:, order] * signs
    stored = common.transpose(order)[tuple(slice(None, None, s) for s in signs)]
    turn = turn_of(affine)
    np.testing.assert_array_equal(turn.apply(stored), common)
    np.testing.assert_array_equal(turn.undo(common), stored)


def test_a_geometry_without_three_directions() -> None:
    affine = np.eye(4)
    affine[:3, 1] = affine[:3, 0]
    with pytest.raises(ShapeError, match="affine: expected three directions that span space"):
        turn_of(affine)


def test_a_frame_cuts_and_fills_around_the_middle() -> None:
    volume = np.arange(1, 6).reshape(5, 1, 1)
    assert framed(volume, (3, 1, 1)).ravel().tolist() == [2, 3, 4]
    assert framed(volume, (7, 1, 1)).ravel().tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert unframed(framed(volume, (3, 1, 1)), volume.shape).ravel().tolist() == [0, 2, 3, 4, 0]
    np.testing.assert_array_equal(unframed(framed(volume, (8, 2, 3)), volume.shape), volume)


def test_number_of_voxels_at_another_spacing() -> None:
    assert shape_at((10, 20, 30), np.array([2.0, 1.0, 0.5]), 1.0) == (20, 20, 15)
    assert shape_at((10, 20, 30), np.array([1.001, 1.0, 1.0]), 1.0) == (10, 20, 30)


def test_labels_are_never_mixed() -> None:
    mask = np.array([0, 2, 2, 0], dtype=np.uint8).reshape(4, 1, 1)
    assert nearest(mask, (8, 1, 1)).ravel().tolist() == [0, 0, 2, 2, 2, 2, 0, 0]
    assert nearest(mask, (2, 1, 1)).ravel().tolist() == [2, 0]  # centres 1 and 3 of the old ones


def test_intensities_are_brought_to_one_scale() -> None:
    volume = np.random.default_rng(0).normal(700.0, 30.0, (8, 9, 10))
    np.testing.assert_allclose(standardised(volume), standardised(4 * volume + 100), atol=1e-4)
    with pytest.raises(ShapeError, match="it is blank"):
        standardised(np.full((4, 4, 4), 7.0))
