"""Images on another grid: cut to a square, resampled with a filter that suits the factor."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.errors import ShapeError

BAND = 8
"""New pixels that are made together from the old ones near them."""


def centre_square(image: Array) -> Array:
    """Return the largest centred square of an image (H, W), as a view."""
    side = min(image.shape)
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return image[top : top + side, left : left + side]


def padded_square(image: Array) -> Array:
    """Return an image (H, W) in the middle of the smallest square that holds it; the border is its darkest value."""
    side = max(image.shape)
    gaps = [((side - s) // 2, side - s - (side - s) // 2) for s in image.shape]
    return np.pad(image, gaps, constant_values=image.min()) if any(map(sum, gaps)) else image


def resized(image: Array, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Resample an image or volume to a new number of pixels along each axis.

    Parameters
    ----------
    image : (H, W) or (D, H, W) array
        Finite numbers.
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    (H', W') or (D', H', W') float32
        Each value is a triangle-weighted mean; the triangle is as wide as the new pixel where the grid gets coarser,
        so nothing is aliased, and linear interpolation where it gets finer.

    Raises
    ------
    ShapeError
        If the numbers of axes differ or an axis is empty.
    """
    if image.ndim != len(shape) or min(image.shape) < 1 or min(shape) < 1:
        raise ShapeError(f"image: expected {len(shape)} axes with at least 1 pixel each, got shape {image.shape}")
    out: npt.NDArray[np.float32] = np.asarray(image, dtype=np.float32)
    for axis, size in sorted(enumerate(shape), key=lambda a: a[1] / image.shape[a[0]]):
        if size != out.shape[axis]:
            first = np.moveaxis(out, axis, 0)
            made = _weighted(first.reshape(len(first), -1), size)
            out = np.moveaxis(made.reshape(size, *first.shape[1:]), 0, axis)
    return np.ascontiguousarray(out)


def _weighted(rows: npt.NDArray[np.float32], after: int) -> npt.NDArray[np.float32]:
    """Resample the first axis: (before, K) -> (after, K). Where most weights are 0, only the others are used."""
    before = len(rows)
    all_weights = weights(before, after)
    if before < 4 * BAND:
        return all_weights @ rows
    reach = max(before / after, 1.0)
    made = np.empty((after, rows.shape[1]), dtype=np.float32)
    for begin in range(0, after, BAND):
        end = min(begin + BAND, after)
        low = max(int((begin + 0.5) * before / after - reach - 1), 0)
        high = min(int((end - 0.5) * before / after + reach + 1), before)
        np.matmul(all_weights[begin:end, low:high], rows[low:high], out=made[begin:end])
    return made


@lru_cache(maxsize=64)
def weights(before: int, after: int) -> npt.NDArray[np.float32]:
    """Weights of ``before`` old pixels in each of ``after`` new ones, (after, before) float32; each row sums to 1."""
    scale = before / after
    reach = max(scale, 1.0)
    centre = (np.arange(after) + 0.5) * scale
    place = np.arange(before) + 0.5
    weight = np.maximum(1.0 - np.abs(place[None, :] - centre[:, None]) / reach, 0.0)
    made: npt.NDArray[np.float32] = np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float32)
    made.flags.writeable = False
    return made
