"""Windows: from stored or Hounsfield values to what a screen shows, 0 (black) to 1 (white)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from auscult.base.arrays import Array
from auscult.base.errors import ShapeError

Shape = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def windowed(values: Array, center: float, width: float, shape: Shape = "LINEAR") -> Array:
    """Map values through a window.

    Parameters
    ----------
    values : (H, W) array, or with any further axes
        In the unit of the window.
    center, width : float
        The window; a width of at least 1 for ``LINEAR``, above 0 for the others.
    shape : str
        The VOI LUT function.

    Returns
    -------
    (H, W) float32 in [0, 1]

    Raises
    ------
    ShapeError
        If the window has no width.

    Notes
    -----
    DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3.
    """
    least = 1.0 if shape == "LINEAR" else 0.0
    if not (np.isfinite(center) and np.isfinite(width)) or width < least or width <= 0:
        raise ShapeError(f"window: expected a width of at least {least:g}, got {width:g}; give center and width again")
    x = np.asarray(values, dtype=np.float32)
    if shape == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (x - center) / width, -60.0, 60.0))), dtype=np.float32)
    if shape == "LINEAR":
        if width == 1.0:
            return (x > center - 0.5).astype(np.float32)
        center, width = center - 0.5, width - 1.0
    scaled = x - np.float32(center)  # one copy, and everything else in it
    scaled /= np.float32(width)
    scaled += np.float32(0.5)
    return np.asarray(np.clip(scaled, 0.0, 1.0, out=scaled))
