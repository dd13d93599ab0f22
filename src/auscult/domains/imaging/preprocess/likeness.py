"""Whether two pictures show the same: a perceptual hash, and pairs that share it, without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Index, RecordBatch
from auscult.domains.imaging.preprocess.grid import resized

SIDE, KEPT = 32, 8
BANDS = 4
NEAR_BITS = BANDS - 1
"""Bits that may differ: two hashes with fewer differences than bands are equal in one band."""
ALIKE = 0.99
THUMB = 16
MOST = 50
"""Pairs that are kept of one picture with later ones: a picture may be there a thousand times."""
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G, B in the brightness (ITU-R BT.601, which JPEG uses)."""


def grey_pictures(batch: RecordBatch) -> Iterator[Array]:
    """Yield the picture of each prepared record in grey, (H, W), 0 to 1; none where a batch holds something else.

    What was padded below and to the right of a photograph, as its ``extent`` tells, is cut away.
    """
    if not batch.has("image") or batch.field("image").axes not in ("HW", "HWC"):
        return
    column, extent = batch.columns["image"], batch.dense("extent") if batch.has("extent") else None
    for k, row in enumerate(column if isinstance(column, Ragged) else list(column)):
        image = row / np.float32(255) if row.dtype == np.uint8 else row
        if extent is not None:
            height, width = np.maximum(np.round(extent[k] * (max(image.shape[:2]) / extent[k].max())), 1).astype(int)
            image = image[:height, :width]
        yield image @ LUMINANCE if image.ndim == 3 else image


def alike_pictures(batches: Iterable[RecordBatch]) -> Index:
    """Find the pictures among prepared records that show nearly the same, whatever their level, contrast and size.

    Returns
    -------
    (P, 2) int64
        Pairs of record numbers, as ``alike_pairs`` gives them.
    """
    hashes: list[int] = []
    thumbnails: list[npt.NDArray[np.float32]] = []
    for batch in batches:
        for image in grey_pictures(batch):
            hashes.append(perceptual_hash(image))
            thumbnails.append(thumbnail(image))
    return alike_pairs(np.array(hashes, dtype=np.uint64), np.array(thumbnails, dtype=np.float32))


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


def alike_pairs(hashes: npt.NDArray[np.uint64], thumbnails: npt.NDArray[np.float32]) -> Index:
    """Find pairs whose hashes differ in at most three bits and whose thumbnails correlate by 0.99 or more.

    Parameters
    ----------
    hashes : (N,) uint64
        Of ``perceptual_hash``.
    thumbnails : (N, 256) float32
        Of ``thumbnail``.

    Returns
    -------
    (P, 2) int64
        The smaller number first, ascending and each once.
    """
    found = [np.zeros((0, 2), dtype=np.int64)]
    for band in range(BANDS):
        part = (hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        order = np.argsort(part, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            for k, first in enumerate(bucket[:-1]):
                near = np.bitwise_count(hashes[bucket[k + 1 :]] ^ hashes[first]) <= NEAR_BITS
                others = bucket[k + 1 :][near]
                others = others[thumbnails[others] @ thumbnails[first] >= ALIKE][:MOST]
                found.append(np.stack([np.full_like(others, first), others], axis=1))
    return np.unique(np.concatenate(found), axis=0)
