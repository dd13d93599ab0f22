"""Realistic faults on prepared pictures, for the robustness part of the evidence: each ``(batch, rng) -> batch``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from auscult.base.arrays import Array
from auscult.base.contracts import RecordBatch

NOISE = 0.05
BLUR_PIXELS = 1.0
GAMMA = 1.5
MAX_TURN_DEGREES = 10.0
WINDOW = (0.15, 0.75)
EDGE = 0.08

Damage = Callable[[RecordBatch, np.random.Generator], RecordBatch]


def _each(change: Callable[[Array, np.random.Generator], Array]) -> Damage:
    def damage(batch: RecordBatch, rng: np.random.Generator) -> RecordBatch:
        image = np.asarray(batch.dense("image"))
        rows = [np.clip(change(row, rng), 0.0, 1.0).astype(np.float32) for row in image]
        return batch.with_columns({batch.field("image"): np.stack(rows)})

    return damage


def _turned(image: Array, rng: np.random.Generator) -> Array:
    angle = float(rng.uniform(-MAX_TURN_DEGREES, MAX_TURN_DEGREES))
    return np.asarray(ndimage.rotate(image, angle, reshape=False, order=1, mode="nearest"))


def _collimated(image: Array, rng: np.random.Generator) -> Array:
    edge = max(1, round(EDGE * image.shape[0]))
    dark = np.zeros_like(image)
    dark[edge:-edge, edge:-edge] = image[edge:-edge, edge:-edge]
    return dark


detector_noise = _each(lambda image, rng: image + rng.normal(0.0, NOISE, image.shape))
"""Grain of a low dose: 5 % of the range."""
motion_blur = _each(lambda image, rng: np.asarray(ndimage.gaussian_filter(image, BLUR_PIXELS)))
"""A patient who moved: a spread of one pixel of what the model sees."""
gamma = _each(lambda image, rng: image**GAMMA)
"""A screen or export with another characteristic curve."""
rotation = _each(_turned)
"""A patient who stands askew, up to 10 degrees."""
other_window = _each(lambda image, rng: (image - WINDOW[0]) / (WINDOW[1] - WINDOW[0]))
"""A narrower window than the one of training; both ends are clipped."""
collimation = _each(_collimated)
"""Shutters that cover the border."""
