"""Volumes in one orientation, on one grid, and back: what a network sees and where its answer belongs.

Axes are (D, H, W). The common orientation is that of a NIfTI file in RAS order read from its last axis: D grows to the
head, H to the front, W to the right of the patient. Coordinates are LPS (see ``readers.dicom_geometry``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.errors import ShapeError
from auscult.domains.imaging.preprocess.grid import resized

Floats = npt.NDArray[np.float64]
SAME_SPACING = 0.01
"""Relative difference of spacings below which nothing is resampled."""
_GOAL = np.array([[0, 0, 1.0], [0, -1.0, 0], [-1.0, 0, 0]])
"""Directions of D, H and W in patient coordinates: to the head, to the front, to the right."""


@dataclass(frozen=True)
class Turn:
    """How the axes of a volume are exchanged and mirrored.

    Parameters
    ----------
    order : tuple of int
        Old axis of each new one.
    mirrored : tuple of bool
        Whether each new axis runs backwards.
    """

    order: tuple[int, int, int]
    mirrored: tuple[bool, bool, bool]

    def apply(self, volume: Array) -> Array:
        """Return the volume (D, H, W) in the common orientation, as a view."""
        turned = volume.transpose(self.order)
        return turned[tuple(slice(None, None, -1 if m else 1) for m in self.mirrored)]

    def undo(self, volume: Array) -> Array:
        """Return a volume (D, H, W) in the orientation that it came in, as a view."""
        straight = volume[tuple(slice(None, None, -1 if m else 1) for m in self.mirrored)]
        return straight.transpose(np.argsort(self.order))


def turn_of(affine: Floats) -> Turn:
    """Find how a volume gets to the common orientation.

    Parameters
    ----------
    affine : (4, 4) float64
        From voxel indices (d, h, w) to patient coordinates in mm (LPS).

    Raises
    ------
    ShapeError
        If the matrix gives no direction for an axis.
    """
    matrix = np.asarray(affine, dtype=np.float64)[:3, :3]
    length = np.linalg.norm(matrix, axis=0)
    if not np.isfinite(matrix).all() or (length <= 0).any() or abs(np.linalg.det(matrix / length)) < 0.1:
        raise ShapeError("affine: expected three directions that span space, got others; the geometry is damaged")
    along = _GOAL @ (matrix / length)  # (new, old)
    left = np.abs(along)
    order = [0, 0, 0]
    for _ in range(3):
        new, old = np.unravel_index(int(left.argmax()), left.shape)
        order[int(new)] = int(old)
        left[new, :] = left[:, old] = -1.0
    mirrored = [bool(along[new, old] < 0) for new, old in enumerate(order)]
    return Turn((order[0], order[1], order[2]), (mirrored[0], mirrored[1], mirrored[2]))


def spacing_of(affine: Floats) -> Floats:
    """Distance of neighbours along (d, h, w) in mm: (4, 4) -> (3,)."""
    return np.asarray(np.linalg.norm(np.asarray(affine, dtype=np.float64)[:3, :3], axis=0))


def shape_at(shape: tuple[int, ...], spacing_mm: Floats, wanted_mm: float) -> tuple[int, ...]:
    """Return the number of voxels that a volume has at another, isotropic spacing; its own where it is that already."""
    if np.allclose(spacing_mm, wanted_mm, rtol=SAME_SPACING):
        return tuple(shape)
    return tuple(max(1, round(n * s / wanted_mm)) for n, s in zip(shape, spacing_mm, strict=True))


def framed(volume: Array, grid: tuple[int, ...], *, fill: float = 0.0) -> Array:
    """Put a volume into the middle of a grid: (D, H, W) -> grid; what reaches beyond is cut, the rest is filled."""
    out = np.full(grid, fill, dtype=volume.dtype)
    inside, outside = _middle(volume.shape, grid)
    out[outside] = volume[inside]
    return out


def unframed(volume: Array, shape: tuple[int, ...], *, fill: float = 0.0) -> Array:
    """Take a volume back out of the grid that ``framed`` put it into; what was cut is filled: grid -> (D, H, W)."""
    out = np.full(shape, fill, dtype=volume.dtype)
    inside, outside = _middle(shape, volume.shape)
    out[inside] = volume[outside]
    return out


def _middle(shape: tuple[int, ...], grid: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the common middle lies in a volume and in a grid."""
    inside, outside = [], []
    for n, g in zip(shape, grid, strict=True):
        size = min(n, g)
        a, b = (n - size) // 2, (g - size) // 2
        inside.append(slice(a, a + size))
        outside.append(slice(b, b + size))
    return tuple(inside), tuple(outside)


def standardised(volume: Array) -> npt.NDArray[np.float32]:
    """Bring intensities without a unit to mean 0 and spread 1 of the values from the 1st to the 99th percentile.

    Parameters
    ----------
    volume : (D, H, W) array

    Returns
    -------
    (D, H, W) float32 in [-5, 5]

    Raises
    ------
    ShapeError
        If the volume has one value everywhere.
    """
    values = np.asarray(volume, dtype=np.float32)
    low, high = np.percentile(values, [1, 99])
    usual = values[(values >= low) & (values <= high)]
    spread = float(usual.std())
    if spread < 1e-6 * max(1.0, abs(float(usual.mean()))):
        raise ShapeError("image: expected a volume with structure, got one value nearly everywhere; it is blank")
    return np.asarray(np.clip((values - usual.mean()) / spread, -5.0, 5.0), dtype=np.float32)


def nearest(mask: Array, shape: tuple[int, ...]) -> Array:
    """Resample a mask (D, H, W) to another number of voxels by taking the nearest."""
    if mask.shape == shape:
        return mask
    at = [
        np.minimum(((np.arange(n) + 0.5) * m / n).astype(np.int64), m - 1)
        for n, m in zip(shape, mask.shape, strict=True)
    ]
    return mask[np.ix_(*at)]


def resampled(volume: Array, shape: tuple[int, ...]) -> Array:
    """Resample intensities (D, H, W) to another number of voxels; the same volume where that is its own."""
    return volume if volume.shape == shape else resized(volume, shape)
