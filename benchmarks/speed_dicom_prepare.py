"""A folder of DICOM X-rays to a prepared dataset, against MONAI's ``LoadImaged`` on the same files.

Ours is everything that ``auscult build`` does until the check: finding and hashing files, headers, modality and window,
the grid, texture for the floor, items, and shards on disk. The peer reads, brings to the same grid and stores its
pictures; it looks at no header, so values differ where a window is stated. Both use as many processes as there are
cores. MONAI runs with what its documentation offers for speed: worker processes of its data loader, and several sizes
of batch; its default has no workers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from measure import ONE_THREAD, comparison, in_turn, publish, typed

os.environ.update(ONE_THREAD)

import numpy as np

from auscult.base.log import Silent
from auscult.base.registry import load_domain
from auscult.domains.imaging.simulate.chest import detector_values, simulate_chest
from auscult.domains.imaging.simulate.dicom_files import Header, write_xray
from auscult.engine.prepare import PrepareJob, prepare
from auscult.engine.sources import find_sources

GOAL = 3.0
GRID = 64
WORKERS = len(os.sched_getaffinity(0))
SETTINGS: dict[str, dict[str, int]] = {
    "default (no workers, batches of 1)": {"num_workers": 0, "batch_size": 1},
    **{
        f"{w} workers, batches of {n}": {"num_workers": w, "batch_size": n}
        for w in (WORKERS, 2 * WORKERS)
        for n in (1, 16)
    },
}


def write_folder(folder: Path, count: int, side: int) -> list[Path]:
    """Write simulated X-rays; a few bodies, each file with its own exposure."""
    rng = np.random.default_rng(0)
    bodies = [simulate_chest(rng, side=side) for _ in range(8)]
    paths = [folder / f"{k:05d}.dcm" for k in range(count)]
    for k, path in enumerate(paths):
        write_xray(path, detector_values(bodies[k % 8], rng), Header(k, "F", "040Y", 1, 0.2))
    return paths


def ours(folder: Path) -> int:
    """Prepare the folder as a build does; returns how many files there were."""
    domain = load_domain("imaging")
    sources = find_sources(folder, domain, readers=("dicom",), include=()).sources
    settings = {"labels": ["normal", "pneumonia"], "side": GRID}
    with tempfile.TemporaryDirectory() as cache:
        job = PrepareJob(domain, "image-classification", settings, {}, "key")
        prepare(sources, job, cache=Path(cache), workers=WORKERS, report=Silent())
    return len(sources)


def theirs(paths: list[Path], settings: dict[str, int]) -> None:
    """Read, scale, resize and store with MONAI."""
    from monai.data import DataLoader, Dataset
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Resized, ScaleIntensityd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a decoder for graphics processors is not there
        steps = Compose(
            [
                LoadImaged("image", reader="PydicomReader", image_only=True),
                EnsureChannelFirstd("image"),
                ScaleIntensityd("image"),
                Resized("image", (GRID, GRID), mode="area"),
            ]
        )
        data = Dataset([{"image": str(path)} for path in paths], steps)
        stored = [np.asarray(batch["image"]) for batch in DataLoader(data, shuffle=False, **settings)]
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "image.npy", np.concatenate(stored))


def measure(folder: Path, *, count: int, side: int, repeats: int) -> dict[str, Any]:
    """Time both sides in turn, in images a second."""
    paths = write_folder(folder, count, side)
    theirs(paths[:4], SETTINGS["default (no workers, batches of 1)"])  # the first call pays for what is loaded late
    peers = {name: partial(partial, theirs, paths, settings) for name, settings in SETTINGS.items()}
    what = ("monai", "LoadImaged, PydicomReader")
    return in_turn(partial(ours, folder), peers, amount=count, unit="images/s", repeats=repeats, of=what)


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=600, help="how many X-rays")
    parser.add_argument("--side", type=int, default=512, help="pixels along each side")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made = measure(Path(scratch), count=given.files, side=given.side, repeats=given.repeats)
    context = {"files": given.files, "side": given.side, "grid": GRID, "repeats": given.repeats, "processes": WORKERS}
    publish(comparison("dicom-prepare", **made, goal=GOAL, goal_of="ratio", command=typed(), context=context))
    return 0


if __name__ == "__main__":
    sys.exit(main())
