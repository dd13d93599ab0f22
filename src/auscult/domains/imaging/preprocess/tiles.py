"""A volume as overlapping tiles of one size, and one volume of what was found in them (sliding window)."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.errors import ShapeError
from auscult.engine.drivers.tiled import tile_box, tile_starts, tile_window

Shape = tuple[int, ...]


def tile_corners(shape: Shape, grid: Shape, overlap: float) -> list[Shape]:
    """Return the first voxel of each tile of a volume; a volume smaller than a tile has one along that axis."""
    sizes = [max(s, g) for s, g in zip(shape, grid, strict=True)]
    return list(product(*(tile_starts(s, g, overlap) for s, g in zip(sizes, grid, strict=True))))


def tiles_of(volume: Array, grid: Shape, overlap: float, *, fill: float = 0.0) -> Array:
    """Cut a volume into tiles.

    Parameters
    ----------
    volume : (D, H, W) array
        Any size.
    grid : tuple of int
        Voxels of a tile.
    overlap : float
        Share of a tile that the next one covers too, 0 to 0.9.
    fill : float
        What stands beyond the end of a volume that is smaller than a tile.

    Returns
    -------
    (T, *grid) array
    """
    short = [(0, max(g - s, 0)) for s, g in zip(volume.shape, grid, strict=True)]
    padded = np.pad(volume, short, constant_values=fill) if any(b for _, b in short) else volume
    return np.stack([padded[tile_box(c, grid)] for c in tile_corners(volume.shape, grid, overlap)])


def blended(found: Array, shape: Shape, overlap: float) -> npt.NDArray[np.float32]:
    """Put what was found in tiles together, weighted by a triangular window.

    Parameters
    ----------
    found : (T, K, *grid) array
        In the order of ``tiles_of``.
    shape : tuple of int
        The volume.
    overlap : float
        As in ``tiles_of``.

    Returns
    -------
    (K, D, H, W) float32

    Raises
    ------
    ShapeError
        If there are more or fewer tiles than such a volume has.
    """
    grid = found.shape[2:]
    corners = tile_corners(shape, grid, overlap)
    if len(corners) != len(found):
        raise ShapeError(f"tiles: expected {len(corners)} of a volume of shape {shape}, got {len(found)}")
    window = tile_window(grid)
    total = np.zeros((found.shape[1], *(max(s, g) for s, g in zip(shape, grid, strict=True))), dtype=np.float32)
    weight = np.zeros(total.shape[1:], dtype=np.float32)
    for corner, values in zip(corners, found, strict=True):
        box = tile_box(corner, grid)
        total[(slice(None), *box)] += values * window
        weight[box] += window
    total /= weight
    return total[(slice(None), *(slice(0, s) for s in shape))]
