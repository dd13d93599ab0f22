"""Pooled intensity and texture of an image as a short vector: what a floor answers from.

Means and spreads on two coarse grids, percentiles, directions of the gradient (Dalal and Triggs 2005, CVPR), and how
often each local binary pattern occurs (Ojala et al. 2002, TPAMI 24:971, the ten uniform ones).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.grid import resized

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
    parts = [_pooled(values, n) for n in GRIDS]
    parts += [np.percentile(values, PERCENTILES), np.array([values.mean(), values.std()])]
    parts += [_directions(values), _patterns(values)]
    return np.concatenate([np.asarray(p, dtype=np.float32).ravel() for p in parts])


def _pooled(values: Array, n: int) -> Array:
    """Mean and spread in the fields of a grid."""
    mean = resized(values, (n, n))
    square = resized(values * values, (n, n))
    return np.stack([mean, np.sqrt(np.maximum(square - mean * mean, 0.0))])


def _directions(values: Array) -> Array:
    """Strength of the gradient by direction in each quarter, and over all."""
    down, right = ndimage.sobel(values, axis=0), ndimage.sobel(values, axis=1)
    strength = np.hypot(down, right)
    sector = np.floor((np.arctan2(down, right) % np.pi) / np.pi * DIRECTIONS).astype(np.int64) % DIRECTIONS
    half = [s // 2 for s in values.shape]
    quarters = [(slice(None, half[0]), slice(None, half[1])), (slice(None, half[0]), slice(half[1], None))]
    quarters += [(slice(half[0], None), slice(None, half[1])), (slice(half[0], None), slice(half[1], None))]
    total = float(strength.sum()) + 1e-6
    rows = [np.bincount(sector[q].ravel(), strength[q].ravel(), DIRECTIONS) / total for q in quarters]
    return np.concatenate([*rows, [float(strength.mean())]])


def _patterns(values: Array) -> Array:
    """Share of each uniform local binary pattern by its number of brighter neighbours; the last is any other."""
    centre = values[1:-1, 1:-1]
    code = np.zeros(centre.shape, dtype=np.int64)
    for bit, (down, right) in enumerate(_AROUND):
        near = values[1 + down : values.shape[0] - 1 + down, 1 + right : values.shape[1] - 1 + right]
        code += (near >= centre).astype(np.int64) << bit
    counts = np.bincount(_uniform()[code].ravel(), minlength=10)
    return counts / max(code.size, 1)


@lru_cache(maxsize=1)
def _uniform() -> npt.NDArray[np.int64]:
    """Class of each of the 256 patterns: bits set where they are one run on the circle, else 9."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.asarray(np.where(changes <= 2, bits.sum(axis=1), 9), dtype=np.int64)
