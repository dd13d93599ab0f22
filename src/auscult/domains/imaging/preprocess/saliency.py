"""Which part of a picture carried an answer: hidden part by part (occlusion, Zeiler and Fergus 2014, ECCV)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array

FIELDS = 7


def occlusion_map(image: Array, score: Callable[[Array], Array]) -> npt.NDArray[np.float64]:
    """Measure how much a score falls when each field of a grid is replaced by what surrounds it.

    Parameters
    ----------
    image : (H, W) array
        The picture, at least 7 pixels along each side.
    score : callable
        ``(N, H, W) -> (N,)``.

    Returns
    -------
    (7, 7) float64
        Score of the picture less that without the field; above 0 where the field spoke for the answer.
    """
    edges = [np.linspace(0, s, FIELDS + 1).round().astype(np.int64) for s in image.shape]
    hidden = np.repeat(np.asarray(image, dtype=np.float32)[None], FIELDS * FIELDS + 1, axis=0)
    for k in range(FIELDS * FIELDS):
        row, column = divmod(k, FIELDS)
        box = (slice(edges[0][row], edges[0][row + 1]), slice(edges[1][column], edges[1][column + 1]))
        around = image[
            max(0, box[0].start - 2) : box[0].stop + 2,
            max(0, box[1].start - 2) : box[1].stop + 2,
        ]
        hidden[k + 1][box] = around.mean()
    scores = np.asarray(score(hidden), dtype=np.float64)
    return np.asarray((scores[0] - scores[1:]).reshape(FIELDS, FIELDS))
