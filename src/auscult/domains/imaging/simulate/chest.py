"""Simulated chest X-rays: a drawn thorax with lungs, heart, ribs and spine; some with a consolidation.

Nothing is taken from a person. What is drawn is attenuation along the ray in arbitrary units, turned into detector
values by the law of Lambert and Beer, so that bones are bright, air is dark and noise grows where it is dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float64]
SIDE = 160
PHOTONS = 4000.0
SHARE_ILL = 0.5


@dataclass(frozen=True, repr=False)
class ChestImage:
    """One simulated projection.

    Parameters
    ----------
    density : (H, W) float64
        Attenuation along the ray, 0 (air) to about 3.
    label : str
        ``normal`` or ``pneumonia``.
    """

    density: Floats
    label: str


def simulate_chest(rng: np.random.Generator, *, side: int = SIDE) -> ChestImage:
    """Draw one chest.

    Parameters
    ----------
    rng : numpy generator
        The only source of randomness.
    side : int
        Pixels along each side.
    """
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    turn, size = rng.normal(0, 0.03), rng.normal(1.0, 0.05)
    shift = rng.normal(0, 0.03, 2)
    x, y = (x - shift[0]) / size, (y - shift[1]) / size
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    body = _soft((x / 0.95) ** 2 + (y / 1.25) ** 4 - 1, 0.08)
    lungs = [_lung(x, y, side_sign, rng) for side_sign in (-1, 1)]
    lung = np.maximum(*lungs)
    heart = _soft(((x - 0.16) / (0.30 + rng.normal(0, 0.03))) ** 2 + ((y - 0.32) / 0.36) ** 2 - 1, 0.25)
    density = 1.5 * body - 1.0 * lung * body + 0.75 * heart
    density += 0.55 * _soft((x / 0.09) ** 2 - 1, 0.4) * body
    density += _ribs(x, y, rng) * body * (0.35 + 0.65 * lung)
    vessels = ndimage.gaussian_filter(rng.normal(0, 1, x.shape), side / 60) * side / 60
    density += 0.16 * lung * vessels
    label = "pneumonia" if rng.random() < SHARE_ILL else "normal"
    if label == "pneumonia":
        density += _consolidation(x, y, lungs[int(rng.integers(2))], rng)
    return ChestImage(np.maximum(density, 0.0), label)


def detector_values(chest: ChestImage, rng: np.random.Generator, *, bits: int = 12) -> npt.NDArray[np.uint16]:
    """Expose a detector: dense parts are high values, with the noise of counted photons, (H, W) uint16."""
    exposure = PHOTONS * rng.uniform(0.6, 1.4)
    counts = rng.poisson(exposure * np.exp(-chest.density) + 2.0)
    seen = np.log(exposure + 2.0) - np.log(np.maximum(counts, 1.0))
    return np.asarray(np.clip(seen / 4.0 * (2**bits - 1), 0, 2**bits - 1), dtype=np.uint16)


def _soft(level: Floats, width: float) -> Floats:
    """1 inside (below 0), 0 outside, with a soft edge."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(level / (width / 4), -40, 40))))


def _lung(x: Floats, y: Floats, sign: int, rng: np.random.Generator) -> Floats:
    width, height = rng.normal(0.33, 0.02), rng.normal(0.72, 0.04)
    centre = 0.44 * sign
    oval = np.abs((x - centre) / width) ** 2.2 + np.abs((y + 0.08) / height) ** 2.4 - 1
    diaphragm = y - (0.52 + 0.12 * ((x - centre) / width) ** 2 + rng.normal(0, 0.02))
    return _soft(oval, 0.25) * _soft(diaphragm, 0.12)


def _ribs(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    arch = y * rng.normal(19.0, 0.6) - 7.0 * np.abs(x) ** 1.4 + rng.uniform(0, 2 * np.pi)
    return np.asarray(0.22 * np.clip(np.sin(arch), 0, None) ** 2 * (np.abs(x) < 0.85))


def _consolidation(x: Floats, y: Floats, lung: Floats, rng: np.random.Generator) -> Floats:
    """A patch of filled air spaces within one lung."""
    inside = np.argwhere((lung > 0.8) & (np.abs(x) > 0.35))
    row, column = inside[rng.integers(len(inside))]
    spread = rng.uniform(0.18, 0.32)
    away = ((x - x[row, column]) / spread) ** 2 + ((y - y[row, column]) / (1.2 * spread)) ** 2
    texture = ndimage.gaussian_filter(rng.normal(0, 1, x.shape), x.shape[0] / 40) * x.shape[0] / 40
    return np.asarray(rng.uniform(0.7, 1.0) * np.exp(-away) * lung * (1 + 0.35 * texture))
