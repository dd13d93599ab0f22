"""What a picture looks like as a short vector, from which no picture can be made again: for distances of sets.

Two layers of fixed random filters with rectification and pooling between them; of each response the mean and the
spread in each quarter of the picture. Random networks tell sets of pictures apart about as well as trained ones do, and
are the same on every machine (Naeem et al. 2020, ICML; Jarrett et al. 2009, ICCV).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array

LAYERS = ((5, 1, 16, 8.0), (3, 16, 24, 4.0))
"""Side of a filter, channels before, channels after, and a gain that keeps responses near the size of grey values."""
N_FEATURES = 2 * 4 * sum(after for _, _, after, _ in LAYERS)
LEAST_SIDE = 12
SEED = 20_240_611
_BLOCK = 256


def appearance(images: Array) -> npt.NDArray[np.float64]:
    """Describe pictures.

    Parameters
    ----------
    images : (N, H, W) array
        0 to 1, at least 12 pixels along each side.

    Returns
    -------
    (N, F) float64
        F is ``N_FEATURES``.
    """
    rows = [_described(np.asarray(images[i : i + _BLOCK], np.float32)) for i in range(0, len(images), _BLOCK)]
    return np.concatenate(rows) if rows else np.zeros((0, N_FEATURES))


def _described(images: Array) -> npt.NDArray[np.float64]:
    first = _halved(_response(images[..., None], 0))
    parts = [part for x in (first, _response(first, 1)) for part in _quarters(x)]
    return np.concatenate(parts, axis=1)


def _response(x: Array, layer: int) -> Array:
    """Rectified response of the filters of a layer where they fit: (N, H, W, C) -> (N, H', W', K)."""
    side, _, _, gain = LAYERS[layer]
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    return np.asarray(gain * np.maximum(windows.reshape(*windows.shape[:3], -1) @ _filters(layer), 0.0))


def _halved(x: Array) -> Array:
    """Mean of each 2 × 2 field; an odd row at the end is left out."""
    n, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4)))


def _quarters(x: Array) -> list[Array]:
    """Mean and spread in each quarter, (N, K) each: (N, H, W, K) -> eight."""
    half = [s // 2 for s in x.shape[1:3]]
    rows, columns = ((slice(None, h), slice(h, None)) for h in half)
    quarters = [x[:, r, c].astype(np.float64) for r in rows for c in columns]
    return [m for q in quarters for m in (q.mean(axis=(1, 2)), q.std(axis=(1, 2)))]


@lru_cache(maxsize=len(LAYERS))
def _filters(layer: int) -> npt.NDArray[np.float32]:
    """Filters without a mean and of length 1, (C · side², K)."""
    side, before, after, _ = LAYERS[layer]
    drawn = np.random.default_rng([SEED, layer]).normal(size=(before * side * side, after))
    drawn -= drawn.mean(axis=0)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0), dtype=np.float32)


def frechet_distance(first: Array, second: Array) -> float:
    """Squared distance of two normal distributions that were fitted to features (Heusel et al. 2017, NeurIPS).

    Parameters
    ----------
    first, second : (N, F) and (M, F) float

    Returns
    -------
    float
        0 where mean and covariance are equal. It is larger for fewer items: compare it at equal numbers only.
    """
    means = [np.asarray(x, dtype=np.float64).mean(axis=0) for x in (first, second)]
    spreads = [np.atleast_2d(np.cov(np.asarray(x, dtype=np.float64), rowvar=False)) for x in (first, second)]
    # The trace of the root of a product A B is the sum of the roots of the eigenvalues of R B R, with R R = A.
    values, vectors = np.linalg.eigh(spreads[0])
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    both = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ spreads[1] @ root), 0.0)).sum()
    gap = np.square(means[0] - means[1]).sum() + np.trace(spreads[0]) + np.trace(spreads[1]) - 2 * both
    return float(max(gap, 0.0))
