"""Things turned along their axis: however one lies, its view and its edges are the same."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.domains.imaging.preprocess.aligned import (
    COLUMNS,
    ROWS,
    UPSIDE_DOWN,
    aligned,
    edge_cells,
    edges_of,
    ground_difference,
)

SIDE = 160


def pin(turn: float) -> np.ndarray:
    """A dark pin of 70 × 4 pixels with a head of 14, on an even ground; the head points along the angle, in degrees."""
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    angle = np.deg2rad(turn)
    along = column * np.cos(angle) + row * np.sin(angle)
    across = row * np.cos(angle) - column * np.sin(angle)
    shaft = np.clip(35.5 - np.abs(along), 0, 1) * np.clip(2.5 - np.abs(across), 0, 1)
    head = np.clip(7.5 - np.hypot(along - 30, across), 0, 1)
    return np.repeat((0.6 - 0.4 * np.maximum(shaft, head))[:, :, None], 3, axis=2)


BOX = np.array([35, 35, 125, 125])


@pytest.mark.parametrize("turn", [30.0, 90.0, 180.0, 200.0, 315.0])
def test_the_view_is_the_same_however_the_thing_is_turned(turn: float) -> None:
    first, size = aligned(ground_difference(pin(0.0)), BOX)
    view, again = aligned(ground_difference(pin(turn)), BOX)
    assert first.shape == (ROWS, COLUMNS)
    assert np.abs(view - first).mean() < 0.01
    np.testing.assert_allclose(again, size, atol=0.01)
    assert size[0] == pytest.approx(72 / SIDE, abs=0.02)
    assert size[1] == pytest.approx(15 / SIDE, abs=0.02)


def test_the_wider_end_comes_first() -> None:
    for turn in (0.0, 180.0):
        view, _ = aligned(ground_difference(pin(turn)), BOX)
        thick = (view < -0.2).sum(axis=0)
        assert thick[: COLUMNS // 2].max() > 2 * thick[COLUMNS // 2 :].max()


def test_edges_of_another_ground_and_of_a_mirrored_thing() -> None:
    view, _ = aligned(ground_difference(pin(20.0)), BOX)
    lighter, _ = aligned(ground_difference(pin(20.0) + 0.2), BOX)
    np.testing.assert_allclose(lighter, view, atol=1e-4)
    other = view + 0.01 * np.random.default_rng(0).standard_normal(view.shape)  # so that no direction is exactly level
    np.testing.assert_allclose(edge_cells(other[::-1]), edge_cells(other)[UPSIDE_DOWN], atol=1e-5)
    assert np.linalg.norm(edge_cells(view)) == pytest.approx(1.0, abs=1e-5)


def test_an_even_picture_has_no_edges() -> None:
    values = edges_of(np.full((64, 64, 3), 0.5), np.array([0, 0, 64, 64]))
    assert np.isfinite(values).all()
    assert not values[2:].any()
