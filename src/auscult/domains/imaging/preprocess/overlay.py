"""Pictures with something laid over them in colour: what carried an answer, or where a label lies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.grid import resized

FOR = np.array([0.84, 0.37, 0.0], dtype=np.float32)
AGAINST = np.array([0.0, 0.45, 0.70], dtype=np.float32)
"""Okabe and Ito 2008: told apart with every common colour vision."""
STRENGTH = 0.65
LABELS = ((0.84, 0.37, 0.0), (0.0, 0.62, 0.45), (0.34, 0.71, 0.91), (0.8, 0.47, 0.65), (0.9, 0.62, 0.0))


def with_saliency(image: Array, fall: Array, *, full: float) -> npt.NDArray[np.float32]:
    """Lay over a picture which part of it spoke for an answer (orange) and against it (blue).

    Parameters
    ----------
    image : (H, W) array
        0 to 1.
    fall : (F, F) array
        How much the probability falls without each field.
    full : float
        The fall that has full colour.

    Returns
    -------
    (H, W, 3) float32 in [0, 1]
    """
    grey = np.repeat(np.clip(np.asarray(image, dtype=np.float32), 0, 1)[..., None], 3, axis=2)
    field = resized(np.asarray(fall, dtype=np.float32), (image.shape[0], image.shape[1]))
    share = np.clip(np.abs(field) / max(full, 1e-6), 0, 1)[..., None] * STRENGTH
    return np.asarray(grey * (1 - share) + np.where(field[..., None] >= 0, FOR, AGAINST) * share, dtype=np.float32)


def with_labels(image: Array, mask: Array) -> npt.NDArray[np.float32]:
    """Lay labels over a slice in colours.

    Parameters
    ----------
    image : (H, W) array
        Any scale; its 1st to 99th percentile is shown.
    mask : (H, W) array of whole numbers
        0 shows the slice as it is.

    Returns
    -------
    (H, W, 3) float32 in [0, 1]
    """
    low, high = np.percentile(image, [1, 99])
    grey = np.clip((np.asarray(image, dtype=np.float32) - low) / max(high - low, 1e-6), 0, 1)
    colour = np.repeat(grey[..., None], 3, axis=2)
    for k in range(1, int(mask.max(initial=0)) + 1):
        inside = mask == k
        colour[inside] = 0.45 * colour[inside] + 0.55 * np.array(LABELS[(k - 1) % len(LABELS)], dtype=np.float32)
    return np.asarray(colour, dtype=np.float32)
