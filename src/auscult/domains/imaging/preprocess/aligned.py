"""A long thing turned to lie along a row, and the directions of its edges there: what tells instruments apart.

The axis is the first principal component of the pixels that differ from the ground; the end that spreads wider, such as
the rings of a pair of scissors, comes first. Directions are pooled in cells (Dalal and Triggs 2005, CVPR). The scale is
that of the picture, so that two sizes of one thing stay two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.grid import resized

ROWS, COLUMNS = 80, 192
STEP = 260
"""A picture's side has so many steps of the aligned view."""
CELL_ROWS, CELL_COLUMNS, DIRECTIONS = 10, 16, 8
GROUND = 20
"""Fields along each side that the ground is estimated in."""
STANDS_OUT, LEAST = 0.25, 0.024
"""A pixel belongs to the thing if it differs from the ground by this share of the largest difference and by so much."""
MARGIN = 60
"""The box is widened by a side's part of so many."""
ROUNDING = 1e-4
"""An edge that is weaker, far below one of 255 grey levels, comes from rounding."""
FEW = 20
"""Pixels; where fewer stand out, the whole box is the thing."""
SIZES = 2
"""Length and width, which stand before the edges."""

UPSIDE_DOWN = (
    np.arange(ROWS // CELL_ROWS * (COLUMNS // CELL_COLUMNS) * DIRECTIONS)
    .reshape(ROWS // CELL_ROWS, COLUMNS // CELL_COLUMNS, DIRECTIONS)[::-1, :, ::-1]
    .ravel()
)
"""Order of the edges of a view that makes those of the view upside down."""

Floats = npt.NDArray[np.float32]


def ground_difference(image: Array) -> Floats:
    """Grey values less those of the ground, a median over wide neighbourhoods: (H, W, 3), 0 to 1 -> (H, W)."""
    grey = np.asarray(image, dtype=np.float32).mean(axis=2)
    fields = ndimage.median_filter(resized(grey, (GROUND, GROUND)), size=7, mode="nearest")
    return np.asarray(grey - resized(fields, grey.shape))


def aligned(difference: Array, box: Array) -> tuple[Floats, Floats]:
    """Turn what lies in a box along its longest axis.

    Parameters
    ----------
    difference : (H, W) array
        As `ground_difference` gives.
    box : (4,) array
        x0, y0, x1, y1 in pixels.

    Returns
    -------
    view : (80, 192) float32
        The thing in the middle, its wider end first; beyond the picture its border goes on.
    size : (2,) float32
        Length and width as shares of the picture's side.
    """
    side = max(difference.shape)
    at, middle = _pixels(difference, box)
    axis = np.linalg.eigh((at - middle).T @ (at - middle))[1][:, 1]
    along, across = (at - middle) @ axis, (at - middle) @ [-axis[1], axis[0]]
    low, high = np.percentile(along, (0.5, 99.5))
    half = (low + high) / 2
    if _spread(across[along < half]) < _spread(across[along > half]):
        axis, across, half = -axis, -across, -half
    step = side / STEP
    left, right = np.percentile(across, (1, 99))
    row, column = np.mgrid[:ROWS, :COLUMNS]
    u = (column - COLUMNS / 2) * step + half
    v = (row - ROWS / 2) * step + (left + right) / 2
    places = np.stack([middle[0] + u * axis[0] - v * axis[1], middle[1] + u * axis[1] + v * axis[0]])
    view = ndimage.map_coordinates(np.asarray(difference, dtype=np.float32), places, order=1, mode="nearest")
    return view, np.array([high - low, np.ptp(across)], dtype=np.float32) / side


def _pixels(difference: Array, box: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Rows and columns of the pixels that stand out in a box, (P, 2), and their mean; all of it where hardly any do."""
    height, width = difference.shape
    margin = max(3, max(height, width) // MARGIN)
    x0, y0, x1, y1 = (int(v) for v in box)
    rows = slice(max(0, y0 - margin), min(height, y1 + margin))
    columns = slice(max(0, x0 - margin), min(width, x1 + margin))
    crop = np.abs(ndimage.gaussian_filter(difference, 0.7)[rows, columns])
    found = np.argwhere(crop > max(STANDS_OUT * np.percentile(crop, 98), LEAST))
    if len(found) < FEW:
        found = np.argwhere(np.ones_like(crop, dtype=bool))
    at = np.asarray(found + np.array([rows.start, columns.start]), dtype=np.float64)
    return at, np.asarray(at.mean(axis=0))


def _spread(across: Array) -> float:
    return float(np.abs(across).mean()) if len(across) else 0.0


def edges_of(image: Array, box: Array) -> Floats:
    """Size and edges of what lies in a box, turned along its axis: (H, W, 3), 0 to 1, and (4,) -> (770,)."""
    view, size = aligned(ground_difference(image), box)
    return np.concatenate([size, edge_cells(view)])


def edge_cells(view: Array) -> Floats:
    """Strength of edges by direction in each cell of a view, of unit length: (80, 192) -> (768,)."""
    down, right = np.gradient(np.asarray(view, dtype=np.float32))
    angle = np.floor(np.arctan2(down, right) % np.pi / np.pi * DIRECTIONS).astype(np.int64) % DIRECTIONS
    row, column = np.indices(view.shape)
    cell = row // CELL_ROWS * (COLUMNS // CELL_COLUMNS) + column // CELL_COLUMNS
    strength = np.hypot(down, right).ravel()
    strength[strength < ROUNDING] = 0
    pooled = np.bincount((cell * DIRECTIONS + angle).ravel(), weights=strength, minlength=len(UPSIDE_DOWN))
    root = np.sqrt(pooled)
    return np.asarray(root / max(float(np.linalg.norm(root)), 1e-6), dtype=np.float32)
