"""Simulated image exports: for the demo, golden inputs and tests. No image is of a person."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from auscult.domains.imaging.preprocess.grid import resized
from auscult.domains.imaging.preprocess.window import windowed
from auscult.domains.imaging.readers.labels import LABELS
from auscult.domains.imaging.simulate.brain import simulate_brain, write_nifti
from auscult.domains.imaging.simulate.chest import detector_values, simulate_chest
from auscult.domains.imaging.simulate.dicom_files import Header, write_xray
from auscult.domains.imaging.simulate.instruments import simulate_photograph


def write_xray_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write chest X-rays as DICOM files of two makers with ``labels.csv``: 6, or 240 of 200 persons."""
    rng = np.random.default_rng([seed, 1])
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(6 if small else 240):
        person = number if number < 200 else int(rng.integers(200))
        chest = simulate_chest(rng)
        age = f"{int(rng.integers(19, 90)):03d}Y"
        header = Header(person, "FM"[person % 2], age, person % 3 % 2, round(float(rng.uniform(2.2, 2.6)), 3))
        name = f"sim_chest_{number:03d}.dcm"
        write_xray(folder / name, detector_values(chest, rng), header)
        rows.append((name, chest.label))
    with (folder / LABELS).open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "label"))
        table.writerows(rows)


def write_image_set_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write an image set of 28 × 28 pixels with three roles, as MedMNIST has it: 24 images, or 480."""
    rng = np.random.default_rng([seed, 2])
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    for role, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        chests = [simulate_chest(rng, side=64) for _ in range(round(share * (24 if small else 480)))]
        seen = [windowed(detector_values(c, rng).astype(np.float32), 1900.0, 2600.0) for c in chests]
        arrays[f"{role}_images"] = np.stack([np.round(255 * resized(s, (28, 28))) for s in seen]).astype(np.uint8)
        arrays[f"{role}_labels"] = np.array([[int(c.label == "pneumonia")] for c in chests], dtype=np.uint8)
    np.savez(folder / "sim_chest_28.npz", **arrays)


def write_mr_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write MR volumes with masks in the folders ``images`` and ``labels``: 3, or 32."""
    rng = np.random.default_rng([seed, 3])
    for number in range(3 if small else 32):
        volume = simulate_brain(rng)
        name = f"sim_brain_{number:03d}.nii.gz"
        write_nifti(folder / "images" / name, volume.image)
        write_nifti(folder / "labels" / name, volume.mask)


def write_instruments_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write photographs of instruments in the YOLO layout, each a series of its own: 6, or 360 in three roles."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    rng = np.random.default_rng([seed, 4])
    mark = PngInfo()
    mark.add_text("Description", "Simulated photograph")
    counts = {"train": 2, "valid": 2, "test": 2} if small else {"train": 240, "valid": 60, "test": 60}
    for role, count in counts.items():
        for name in ("images", "labels"):
            (folder / role / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            made = simulate_photograph(rng)
            height, width = made.image.shape[:2]
            name = f"sim_{role}_{number * 100:05d}"
            Image.fromarray(made.image).save(folder / role / "images" / f"{name}.png", pnginfo=mark)
            rows = [
                f"{k} {(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} "
                f"{(x1 - x0) / width:.6f} {(y1 - y0) / height:.6f}\n"
                for k, x0, y0, x1, y1 in made.boxes
            ]
            (folder / role / "labels" / f"{name}.txt").write_text("".join(rows), encoding="utf-8")
