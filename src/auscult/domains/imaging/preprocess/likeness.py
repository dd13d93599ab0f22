"""Whether two pictures show the same: a perceptual hash, and pairs that share it, without comparing all with all."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.grid import resized

SIDE, KEPT = 32, 8
BANDS = 4
NEAR_BITS = BANDS - 1
"""Bits that may differ: two hashes with fewer differences than bands are equal in one band."""
ALIKE = 0.99
THUMB = 16
MAX_BUCKET = 200


def perceptual_hash(image: Array) -> int:
    """Return 64 bits of the coarse shape of a picture: signs of its low cosine waves about their median.

    Level, contrast, size and slight noise do not change it.

    Parameters
    ----------
    image : (H, W) array

    Notes
    -----
    Zauner 2010, Implementation and benchmarking of perceptual image hash functions, section 3.2.1.
    """
    small = resized(np.asarray(image, dtype=np.float32), (SIDE, SIDE)).astype(np.float64)
    waves = (_cosines() @ small @ _cosines().T).ravel()
    bits = waves > np.median(waves[1:])
    return int(np.packbits(bits).view(">u8")[0])


@lru_cache(maxsize=1)
def _cosines() -> npt.NDArray[np.float64]:
    """The first cosine waves, (8, 32)."""
    k, n = np.mgrid[0:KEPT, 0:SIDE]
    return np.asarray(np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE)))


def thumbnail(image: Array) -> npt.NDArray[np.float32]:
    """Return a picture on 16 × 16 pixels without level and contrast, (256,) with unit norm."""
    small = resized(np.asarray(image, dtype=np.float32), (THUMB, THUMB)).ravel()
    centred = small - small.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-6), dtype=np.float32)


def alike_pairs(hashes: npt.NDArray[np.uint64], thumbnails: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Find pairs whose hashes differ in at most three bits and whose thumbnails correlate by 0.99 or more.

    Parameters
    ----------
    hashes : (N,) uint64
        Of ``perceptual_hash``.
    thumbnails : (N, 256) float32
        Of ``thumbnail``.

    Returns
    -------
    list of (int, int)
        The smaller number first, in order.
    """
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        part = (hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        order = np.argsort(part, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            for a, b in combinations(sorted(bucket[:MAX_BUCKET].tolist()), 2):
                if int(hashes[a] ^ hashes[b]).bit_count() <= NEAR_BITS and thumbnails[a] @ thumbnails[b] >= ALIKE:
                    found.add((a, b))
    return sorted(found)
