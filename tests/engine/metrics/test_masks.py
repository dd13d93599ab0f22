"""Mask metrics by hand: Dice by label and volume, distances between surfaces in mm."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError
from auscult.engine.metrics.masks import dice, mean_surface_distance, surface_distance, volume_dice

FIRST = np.array([[0, 1, 1], [0, 2, 0]])
FIRST_FOUND = np.array([[0, 1, 0], [2, 2, 0]])
SECOND = np.array([[0, 0], [1, 0]])


def test_dice_by_hand() -> None:
    # Volume 1: label 1 shares 1 of 2 + 1, label 2 1 of 1 + 2. Volume 2: label 1 missed, label 2 nowhere.
    found = volume_dice([FIRST, SECOND], [FIRST_FOUND, np.zeros((2, 2), int)], labels=(1, 2))
    np.testing.assert_allclose(found, [[2 / 3, 2 / 3], [0.0, np.nan]])
    np.testing.assert_allclose(
        dice([FIRST, SECOND], [FIRST_FOUND, np.zeros((2, 2), int)], labels=(1, 2)), [(1 / 3 + 2 / 3) / 2]
    )


def test_a_shifted_plane_is_as_far_as_the_spacing_says() -> None:
    target, output = np.zeros((6, 5, 5), dtype=bool), np.zeros((6, 5, 5), dtype=bool)
    target[1], output[3] = True, True
    distance = surface_distance(target, output, spacing_mm=(1.5, 1.0, 1.0))
    np.testing.assert_allclose(distance, [3.0, 3.0])


def test_distances_by_hand() -> None:
    # Surfaces {0, 1} and {1, 5} on a line: one way 1, 0; the other 0, 4. Mean 5/4; 95 % of (0, 4) is 3.8.
    target, output = np.zeros(7, dtype=bool), np.zeros(7, dtype=bool)
    target[[0, 1]], output[[1, 5]] = True, True
    distance = surface_distance(target, output, spacing_mm=(1.0,))
    np.testing.assert_allclose(distance, [5 / 4, 3.8])


def test_only_the_surface_counts_and_equal_masks_touch() -> None:
    ball = np.zeros((9, 9, 9), dtype=bool)
    ball[2:7, 2:7, 2:7] = True
    assert surface_distance(ball, ball, spacing_mm=(1, 1, 1)) == (0.0, 0.0)
    hollow = ball.copy()
    hollow[4, 4, 4] = False
    # The hole of one voxel has 6 inner surface voxels, each 1 mm inside the outer surface.
    mean_mm, _ = surface_distance(ball, hollow, spacing_mm=(1, 1, 1))
    n_outer = 5**3 - 3**3
    np.testing.assert_allclose(mean_mm, 6 * 1.0 / (2 * n_outer + 6))


def test_an_empty_mask_has_no_distance_and_is_left_out_of_the_mean() -> None:
    empty = np.zeros((3, 3), dtype=int)
    full = np.eye(3, dtype=int)
    assert np.isnan(surface_distance(empty == 1, full == 1, spacing_mm=(1, 1))).all()
    spacing = [(1.0, 1.0)] * 2
    np.testing.assert_allclose(mean_surface_distance([full, full], [full, empty], spacing_mm=spacing), [0.0])


def test_refusals() -> None:
    with pytest.raises(ShapeError, match=r"output volume: expected shape \(2, 3\), got \(2, 2\)"):
        dice([FIRST], [SECOND])
    with pytest.raises(ShapeError, match="expected 1 volumes as in the target, got 2"):
        dice([FIRST], [FIRST, FIRST])
    with pytest.raises(ShapeError, match="mask: expected whole numbers, got int64 and float64"):
        dice([FIRST], [FIRST * 0.5])
    with pytest.raises(ShapeError, match="spacing_mm: expected 2 positive numbers, got 3"):
        surface_distance(FIRST == 1, FIRST == 1, spacing_mm=(1, 1, 1))
    with pytest.raises(ShapeError, match="expected booleans of one label"):
        surface_distance(FIRST, FIRST, spacing_mm=(1, 1))
    with pytest.raises(ShapeError, match=r"as many outputs and spacings as targets \(1\), got 1 and 2"):
        mean_surface_distance([FIRST], [FIRST], spacing_mm=[(1, 1), (1, 1)])
