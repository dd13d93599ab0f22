"""Simulated MR volumes around a hippocampus: a curved, two-part body in noisy tissue. Nothing is of a person."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

SPACING_MM = 1.0


@dataclass(frozen=True, repr=False)
class BrainVolume:
    """One simulated volume.

    Parameters
    ----------
    image : (D, H, W) float32
        Signal without a unit.
    mask : (D, H, W) uint8
        0 background, 1 anterior, 2 posterior.
    """

    image: npt.NDArray[np.float32]
    mask: npt.NDArray[np.uint8]


def simulate_brain(rng: np.random.Generator, *, about: tuple[int, int, int] = (12, 18, 12)) -> BrainVolume:
    """Draw one volume of about the given number of voxels along D, H and W."""
    shape = tuple(int(n + rng.integers(-2, 3)) for n in about)
    d, h, w = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    bend, size = rng.normal(0.35, 0.08), rng.normal(1.0, 0.08)
    d, h, w = (a - rng.normal(0, 0.06) for a in (d, h, w))
    centre = bend * (h**2 - 0.3)
    thick = 0.34 * size * (1.0 + 0.35 * h)
    tube = ((d - centre) / thick) ** 2 + (w / (0.8 * thick)) ** 2
    inside = (tube < 1) & (np.abs(h) < 0.72 * size)
    border = rng.normal(0.05, 0.08)
    mask = np.where(inside, np.where(h > border, 1, 2), 0).astype(np.uint8)
    tissue = ndimage.gaussian_filter(rng.normal(0, 1, shape), 2.0) * 3
    signal = 100 + 25 * ndimage.gaussian_filter(inside.astype(float), 0.6) + 6 * (mask == 1) + 8 * tissue
    bias = 1 + 0.15 * (rng.normal() * d + rng.normal() * h + rng.normal() * w) / 2
    noisy = signal * bias * rng.uniform(2, 8) + rng.normal(0, 4, shape) * 4
    return BrainVolume(np.maximum(noisy, 0).astype(np.float32), mask)


def write_nifti(path: Path, volume: npt.NDArray[np.generic], *, spacing_mm: float = SPACING_MM) -> None:
    """Write a volume (D, H, W) as NIfTI in RAS order; its free text says that it is simulated."""
    nibabel: Any = import_module("nibabel")

    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    image = nibabel.Nifti1Image(np.ascontiguousarray(volume.transpose(2, 1, 0)), affine)
    image.header["descrip"] = b"simulated, no patient"
    image.set_sform(affine, code=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
