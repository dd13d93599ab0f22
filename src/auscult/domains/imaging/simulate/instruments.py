"""Simulated photographs of instruments on a table: drawn shapes on an uneven grey ground, with their boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from auscult.base.arrays import Array

KINDS = ("scissors", "forceps", "handle")
SIDE = 128


@dataclass(frozen=True, repr=False)
class Photograph:
    """A drawn picture with its boxes.

    Parameters
    ----------
    image : (H, W, 3) uint8
    boxes : tuple of (int, x0, y0, x1, y1)
        Number of the kind, corners in pixels.
    """

    image: npt.NDArray[np.uint8]
    boxes: tuple[tuple[int, float, float, float, float], ...]


def simulate_photograph(rng: np.random.Generator) -> Photograph:
    """Draw one instrument, or now and then two side by side."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    ground = 0.55 + 0.1 * (x / SIDE - 0.5) * rng.normal() + 0.1 * (y / SIDE - 0.5) * rng.normal()
    image = np.repeat(ground[:, :, None], 3, axis=2)
    boxes = []
    places = [0.5] if rng.random() < 0.8 else [0.27, 0.73]
    for place in places:
        kind = int(rng.integers(len(KINDS)))
        reach = SIDE * (0.36 if len(places) == 1 else 0.2) * rng.uniform(0.75, 1.0)
        middle = np.array([SIDE * place + rng.normal(0, 3), SIDE / 2 + rng.normal(0, 6)])
        marked = _shape(KINDS[kind], (x, y), middle, reach=reach, angle=rng.uniform(0, np.pi))
        soft = np.clip(ndimage.gaussian_filter(marked.astype(np.float64), 0.7), 0, 1)[:, :, None]
        metal = np.array([0.2, 0.2, 0.22]) + rng.uniform(-0.05, 0.1)
        image = image * (1 - soft) + metal * soft
        rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
        boxes.append((kind, float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)))
    noisy = image + rng.normal(0, 0.01, image.shape)
    return Photograph(np.round(255 * np.clip(noisy, 0, 1)).astype(np.uint8), tuple(boxes))


def _shape(kind: str, axes: tuple[Array, Array], middle: Array, *, reach: float, angle: float) -> npt.NDArray[np.bool_]:
    """Which pixels an instrument covers; it is drawn lying and then turned."""
    dx, dy = axes[0] - middle[0], axes[1] - middle[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), -dx * np.sin(angle) + dy * np.cos(angle)
    if kind == "handle":
        return np.asarray((np.abs(along) < reach) & (np.abs(across) < 0.1 * reach))
    if kind == "forceps":
        gap = 0.22 * (along + reach) / 2
        return np.asarray((np.abs(along) < reach) & (np.abs(np.abs(across) - gap) < 0.06 * reach))
    blades = (np.abs(along) < reach) & (np.abs(np.abs(across) - 0.3 * np.abs(along)) < 0.06 * reach)
    rings = [np.hypot(along + 0.85 * reach, across - s * 0.3 * reach) / reach for s in (-1, 1)]
    return np.asarray(blades | (np.abs(rings[0] - 0.17) < 0.06) | (np.abs(rings[1] - 0.17) < 0.06))
