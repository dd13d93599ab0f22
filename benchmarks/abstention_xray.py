"""How many pictures of another kind an X-ray release refuses: ``python benchmarks/abstention_xray.py RELEASE``.

The release is that of ``recipes/imaging/pneumonia-xray.toml``. Asked are the X-rays of each role, and as pictures that
name no modality: slices of CT (three windows) and MR volumes, photographs of instruments in colour and in grey, noise.
Nothing is learned or chosen here. The result is kept in ``benchmarks/results/refused/xray.json``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import RESULTS

from auscult.base.arrays import Array
from auscult.base.contracts import RecordBatch
from auscult.base.files import write_json
from auscult.base.registry import load_domain
from auscult.domains.imaging.preprocess.window import windowed
from auscult.domains.imaging.readers.common import Picture, picture_batch
from auscult.domains.imaging.readers.image_set import ImageSetReader
from auscult.domains.imaging.readers.nifti import read_volume
from auscult.domains.imaging.readers.photo import read_picture
from auscult.engine.runtime import Release, open_release

COUNT = 400
WINDOWS = ((40.0, 400.0), (-600.0, 1500.0), (300.0, 1500.0))


def slices(paths: list[Path], *, windows: tuple[tuple[float, float], ...]) -> Iterator[Array]:
    """Slices of volumes along their three axes, from 0.15 to 0.85 of each; MR from the 1st to the 99th percentile."""
    for path in paths:
        values, _ = read_volume(path)
        low, high = np.percentile(values, [1, 99])
        for centre, width in windows or (((low + high) / 2, max(high - low, 1.0)),):
            seen = windowed(values, float(centre), float(width))
            for axis in range(3):
                for share in np.linspace(0.15, 0.85, 12):
                    yield np.take(seen, int(share * seen.shape[axis]), axis=axis)


def kinds(data: Path, rng: np.random.Generator) -> dict[str, list[Array]]:
    """Pictures of other kinds by name."""
    reference = data / "ct_reference"
    ct = [reference / n for n in ("example_ct.nii.gz", "example_ct_sm.nii.gz")]
    brains = sorted((data / "hippocampus").rglob("images*/*.nii*"))[:12]
    photos = sorted((data / "surgical_tools").rglob("*.jpg"))
    chosen = [read_picture(photos[k]) for k in rng.permutation(len(photos))[:COUNT]]
    return {
        "CT slices": list(slices(ct, windows=WINDOWS)),
        "MR slices": list(slices([reference / "example_mr_sm.nii.gz", *brains], windows=())),
        "photographs": chosen,
        "grey photographs": [p.mean(axis=2) if p.ndim == 3 else p for p in chosen],
        "uniform noise": list(rng.random((COUNT, 64, 64))),
        "normal noise": list(np.clip(rng.normal(0.5, 0.2, (COUNT, 28, 28)), 0, 1)),
    }


def refused(release: Release, batch: RecordBatch) -> int:
    """How many records of a batch are refused."""
    return len(release.stage(batch).refused)


def picture(values: Array) -> RecordBatch:
    """A picture whose file names no modality."""
    return picture_batch(Picture("one", values, colour=values.ndim == 3))


def main() -> int:
    """Ask the release about every kind, and keep the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path, help="release of pneumonia-xray")
    given = parser.parse_args()
    data = Path(os.environ["AUSCULT_DATA"]) / "imaging"
    release = open_release(given.release, load_domain)
    (source,) = ImageSetReader().detect([data / "pneumoniamnist" / "pneumoniamnist.npz"])
    own = {"train": [0, 0], "valid": [0, 0], "test": [0, 0]}
    for batch in ImageSetReader().read(source):
        if isinstance(batch, RecordBatch):
            count = own[str(batch.groups["split"][0])]
            count[0] += refused(release, batch)
            count[1] += len(batch)
    rows = {f"X-rays, {role}": (n, of) for role, (n, of) in own.items()}
    for name, pictures in kinds(data, np.random.default_rng(0)).items():
        rows[name] = (sum(refused(release, picture(p)) for p in pictures), len(pictures))
    for name, (n, of) in rows.items():
        print(f"{name:20s} refused {n} of {of}: {100 * n / of:.2f} %")
    write_json(
        RESULTS / "refused" / "xray.json",
        {
            "name": release.manifest["name"],
            "command": f"python benchmarks/abstention_xray.py runs/{release.manifest['name']}/release",
            "release": release.manifest["content_hash"],
            "refused": {name: {"refused": n, "of": of, "share": n / of} for name, (n, of) in rows.items()},
            "goal": "at least 99 % of each other kind, at most 2 % of the X-rays",
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
