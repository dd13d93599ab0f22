"""What stands out on an even ground, as a box, and what it looks like: what the floor of detection answers from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.grid import resized
from auscult.domains.imaging.preprocess.texture import texture_features

EDGE_SHARE = 0.25
"""A border is where the gradient is at least this share of the picture's steepest one."""
JOIN = 3
CROP = 32


def region(image: Array) -> npt.NDArray[np.float32]:
    """Return the box of the largest thing with borders, x0, y0, x1, y1 in pixels; the whole picture where none has.

    Parameters
    ----------
    image : (H, W, 3) array
        0 to 1.
    """
    grey = ndimage.gaussian_filter(image.mean(axis=2), 1.0)
    steep = np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1))
    borders = (
        ndimage.binary_dilation(steep > EDGE_SHARE * steep.max(), iterations=JOIN) if steep.max() > 0 else steep > 0
    )
    marked, n = ndimage.label(borders)
    if not n:
        return np.array([0, 0, image.shape[1], image.shape[0]], dtype=np.float32)
    sizes = np.bincount(marked.ravel())
    rows, columns = ndimage.find_objects(marked)[int(sizes[1:].argmax())]
    shrink = min(JOIN, (rows.stop - rows.start - 1) // 2, (columns.stop - columns.start - 1) // 2)
    box = [columns.start + shrink, rows.start + shrink, columns.stop - shrink, rows.stop - shrink]
    return np.array(box, dtype=np.float32)


def region_features(image: Array, box: Array) -> npt.NDArray[np.float32]:
    """Describe what lies in a box: its size and shape, its colour against the ground, its texture, (F,)."""
    x0, y0, x1, y1 = (int(v) for v in box)
    crop = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    width, height = (x1 - x0) / image.shape[1], (y1 - y0) / image.shape[0]
    shape = [width, height, np.hypot(width, height), width / max(height, 1e-3)]
    colour = [*(np.percentile(crop, 10, axis=(0, 1))), *(crop.mean(axis=(0, 1)) - np.median(image, axis=(0, 1)))]
    texture = texture_features(resized(crop.mean(axis=2), (CROP, CROP)))
    return np.concatenate([shape, colour, texture]).astype(np.float32)
