"""Pooled intensity and texture of an image as a short vector: what a floor answers from.

Means and spreads on two coarse grids, percentiles, directions of the gradient (Dalal and Triggs 2005, CVPR), and how
often each local binary pattern occurs (Ojala et al. 2002, TPAMI 24:971, the ten uniform ones).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.grid import weights

GRIDS = (4, 7)
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
DIRECTIONS = 8
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def texture_features(image: Array) -> npt.NDArray[np.float32]:
    """Describe one image.

    Parameters
    ----------
    image : (H, W) array
        0 to 1.

    Returns
    -------
    (F,) float32
    """
    values = np.asarray(image, dtype=np.float32)
    both = np.stack([values, values * values])
    parts = [_pooled(both, n) for n in GRIDS]
    parts += [_percentiles(values), np.array([values.mean(), values.std()])]
    parts += [_directions(values), _patterns(values)]
    return np.concatenate([np.asarray(p, dtype=np.float32).ravel() for p in parts])


def _pooled(both: Array, n: int) -> Array:
    """Mean and spread in the fields of a grid, of a picture and its square (2, H, W)."""
    down, right = (weights(side, n) for side in both.shape[1:])
    mean, square = down @ both @ right.T
    return np.stack([mean, np.sqrt(np.maximum(square - mean * mean, 0.0))])


def _percentiles(values: Array) -> Array:
    """Percentiles with linear interpolation; ``np.percentile`` takes ten times as long for so few."""
    ordered = np.sort(values, axis=None).astype(np.float64)
    at = np.asarray(PERCENTILES) / 100.0 * (len(ordered) - 1)
    return np.interp(at, np.arange(len(ordered)), ordered)


def _directions(values: Array) -> Array:
    """Strength of the gradient by direction in each quarter, and over all; Sobel's filter, the border mirrored."""
    edge = np.pad(values, 1, mode="symmetric")
    down, right = edge[2:] - edge[:-2], edge[:, 2:] - edge[:, :-2]
    down = down[:, :-2] + 2.0 * down[:, 1:-1] + down[:, 2:]
    right = right[:-2] + 2.0 * right[1:-1] + right[2:]
    strength = np.hypot(down, right)
    angle = np.arctan2(down, right)
    angle[angle < 0] += np.float32(np.pi)  # an edge looks the same from both sides
    sector = (angle * np.float32(DIRECTIONS / np.pi)).astype(np.int64) % DIRECTIONS
    sector += _quarters(values.shape[0], values.shape[1])
    rows = np.bincount(sector.ravel(), strength.ravel(), 4 * DIRECTIONS) / (float(strength.sum()) + 1e-6)
    return np.concatenate([rows, [float(strength.mean())]])


@lru_cache(maxsize=64)
def _quarters(height: int, width: int) -> npt.NDArray[np.int64]:
    """The first place of each pixel's quarter among the directions, (H, W)."""
    lower, right = (np.arange(s) >= s // 2 for s in (height, width))
    return np.asarray(DIRECTIONS * (2 * lower[:, None] + right[None, :]), dtype=np.int64)


def _patterns(values: Array) -> Array:
    """Share of each uniform local binary pattern by its number of brighter neighbours; the last is any other."""
    centre = values[1:-1, 1:-1]
    code = np.zeros(centre.shape, dtype=np.uint8)
    for bit, (down, right) in enumerate(_AROUND):
        near = values[1 + down : values.shape[0] - 1 + down, 1 + right : values.shape[1] - 1 + right]
        code |= (near >= centre).view(np.uint8) << np.uint8(bit)
    counts = np.bincount(_uniform(), np.bincount(code.ravel(), minlength=256), 10)
    return counts / max(code.size, 1)


@lru_cache(maxsize=1)
def _uniform() -> npt.NDArray[np.int64]:
    """Class of each of the 256 patterns: bits set where they are one run on the circle, else 9."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.asarray(np.where(changes <= 2, bits.sum(axis=1), 9), dtype=np.int64)
