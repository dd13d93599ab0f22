"""Boxes out of maps by hand, doubles, and what stands out on an even ground."""

from __future__ import annotations

import numpy as np

from auscult.domains.imaging.preprocess.boxes import decoded, without_doubles
from auscult.domains.imaging.preprocess.region import region, region_features
from auscult.domains.imaging.simulate.instruments import simulate_photograph


def test_maps_become_boxes_by_hand() -> None:
    """On 4 × 4 fields of 16 pixels, the field in row 1 and column 2 has its middle at x 40, y 24."""
    maps = np.zeros((2 + 4, 4, 4))
    maps[1, 1, 2], maps[0, 1, 2] = 0.9, 0.3
    maps[2:, 1, 2] = (10, 5, 30, 6)  # the right side would lie beyond the picture
    maps[1, 1, 3] = 0.6  # the field beside it finds nearly the same
    maps[2:, 1, 3] = (26, 5, 14, 6)
    box, label, score = decoded(maps, 64, least=0.1, overlap=0.6)
    np.testing.assert_allclose(box, [[30, 19, 64, 30], [30, 19, 64, 30]])
    assert label.tolist() == [1, 0]
    np.testing.assert_allclose(score, [0.9, 0.3], rtol=1e-6)
    nothing = decoded(maps, 64, least=0.95, overlap=0.6)
    assert [part.shape for part in nothing] == [(0, 4), (0,), (0,)]


def test_doubles_are_of_one_class_only() -> None:
    box = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 9], [20, 0, 30, 10]], float)
    assert without_doubles(box, np.array([0, 0, 1, 0]), 0.6).tolist() == [0, 2, 3]
    assert without_doubles(box[:0], np.zeros(0, int), 0.6).tolist() == []


def test_what_stands_out_is_the_drawn_thing() -> None:
    rng = np.random.default_rng(0)
    overlaps = []
    for _ in range(40):
        made = simulate_photograph(rng)
        if len(made.boxes) == 1:
            found, (_, *true) = region(made.image.astype(np.float32) / 255), made.boxes[0]
            low, high = np.maximum(found[:2], true[:2]), np.minimum(found[2:], true[2:])
            both = np.clip(high - low, 0, None).prod()
            overlaps.append(both / (np.prod(found[2:] - found[:2]) + np.prod(np.subtract(true[2:], true[:2])) - both))
    assert np.mean(np.array(overlaps) > 0.5) > 0.8
    flat = np.full((20, 30, 3), 0.5, np.float32)
    assert region(flat).tolist() == [0, 0, 30, 20]
    assert np.isfinite(region_features(flat, region(flat))).all()
