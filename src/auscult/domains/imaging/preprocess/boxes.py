"""Boxes: from a map of scores and sides to boxes, and without doubles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.engine.metrics.boxes import box_overlap

MOST = 20
"""Boxes of a picture at the most."""


def decoded(maps: Array, side: int, *, least: float, overlap: float) -> tuple[Array, Array, Array]:
    """Make the boxes of one picture.

    Parameters
    ----------
    maps : (K + 4, G, G) float
        For each field of the grid the score of each class, 0 to 1, and the distances of the left, upper, right and
        lower side from its centre in pixels of the network.
    side : int
        Pixels along each side of what the network sees.
    least : float
        Smallest score that is kept.
    overlap : float
        Boxes of one class that overlap more are one box.

    Returns
    -------
    box : (n, 4) float32
        x0, y0, x1, y1 in pixels of the network, the surest first.
    label : (n,) int64
    score : (n,) float32
    """
    n_classes, grid = len(maps) - 4, maps.shape[-1]
    score = maps[:n_classes].reshape(n_classes, -1)
    label, field = np.unravel_index(np.argsort(-score, axis=None, kind="stable")[: 10 * MOST], score.shape)
    sure = score[label, field]
    keep = sure >= least
    label, field, sure = label[keep], field[keep], sure[keep]
    centre = (np.stack([field % grid, field // grid], axis=1) + 0.5) * (side / grid)
    reach = maps[n_classes:].reshape(4, -1)[:, field].T
    box = np.clip(np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], axis=1), 0, side)
    chosen = without_doubles(box, label, overlap)[:MOST]
    return box[chosen].astype(np.float32), label[chosen].astype(np.int64), sure[chosen].astype(np.float32)


def without_doubles(box: Array, label: Array, overlap: float) -> npt.NDArray[np.int64]:
    """Leave out boxes that overlap a surer one of their class (non-maximum suppression).

    Parameters
    ----------
    box : (N, 4) array
        Corners, the surest box first.
    label : (N,) array
        Their classes.
    overlap : float
        Boxes of one class that overlap more are one box.

    Returns
    -------
    (n,) int64
        Rows that stay, in order.
    """
    both = box_overlap(box, box)
    kept: list[int] = []
    for row in range(len(box)):
        if not any(label[k] == label[row] and both[row, k] > overlap for k in kept):
            kept.append(row)
    return np.array(kept, dtype=np.int64)
