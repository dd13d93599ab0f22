"""How quickly an X-ray file is answered, and a volume gets its mask, each against its limit.

- ``xray-answer``: one DICOM X-ray, from the file to a calibrated answer, in a warm process; the 99th percentile.
- ``mri-mask``: one volume of the size of a cropped hippocampus, from the NIfTI file to its mask, on two threads; the
  median. The volume is simulated unless AUSCULT_DATA has the real ones.

The input gate is asked but refuses nothing here: simulated images need not look like those of training.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import DATA, ROOT, RUNS, comparison, median, publish, seconds_of, typed

from auscult.base.errors import DataError
from auscult.base.registry import load_domain
from auscult.domains.imaging.examples import write_xray_example
from auscult.domains.imaging.simulate.brain import simulate_brain, write_nifti
from auscult.engine.runtime import Release, open_release
from auscult.service.verbs import build

ANSWER_GOAL_MS = 30.0
MASK_GOAL_S = 0.5
ABOUT_VOXELS = (38, 50, 36)
"""A volume of the Medical Segmentation Decathlon, task 4, as most of them are."""
XRAY, MASK = ("pneumonia-xray", "xray-simulated"), ("hippocampus-mri", "mr-simulated")


def find_release(given: Path | None, names: tuple[str, str]) -> Path:
    """Return the release to measure: the one given, that of the last run, or a simulated one that is built now."""
    for folder in [given] if given else [RUNS / name / "release" for name in names]:
        if (folder / "release.json").exists():
            return folder
    if given:
        raise DataError(f"{given.name}: expected a release folder, got none; leave the option out to build one")
    build(ROOT / "recipes" / "imaging" / f"{names[-1]}.toml", RUNS / names[-1])
    return RUNS / names[-1] / "release"


def unrefusing(folder: Path, *, threads: int) -> Release:
    """Open a release whose gate measures as ever and lets everything pass."""
    release = open_release(folder, load_domain, threads=threads)
    return release if release.gate is None else replace(release, gate=replace(release.gate, limit=float("inf")))


def ask(release: Release, path: Path) -> str:
    """Answer one file and return the status."""
    return next(iter(release.answer_path(path))).status


def xray(release: Release, folder: Path, passes: int) -> dict[str, object]:
    """Time X-ray files one by one."""
    write_xray_example(folder, 1, small=True)
    paths = sorted(folder.glob("*.dcm"))
    statuses = [ask(release, path) for path in paths]
    seconds = [seconds_of(lambda path=path: ask(release, path)) for _ in range(passes) for path in paths]
    context = {
        "input": f"simulated DICOM X-rays of 160 × 160 pixels, release {release.manifest['name']}",
        "files": len(seconds),
        "answered_share": statuses.count("answered") / len(statuses),
        "p50_ms": 1e3 * median(seconds),
    }
    ours = (1e3 * float(np.percentile(seconds, 99)), "ms")
    return comparison("xray-answer", ours=ours, goal=ANSWER_GOAL_MS, goal_of="value", command=typed(), context=context)


def mask(release: Release, folder: Path, passes: int) -> dict[str, object]:
    """Time volumes one by one."""
    data = Path(os.environ.get(DATA, "absent")) / "imaging" / "hippocampus"
    paths = sorted(data.rglob("images*/*.nii*"))[:10]
    what = f"{len(paths)} volumes of the hippocampus"
    if not paths:
        write_nifti(folder / "a.nii.gz", simulate_brain(np.random.default_rng(0), about=ABOUT_VOXELS).image)
        paths, what = [folder / "a.nii.gz"], f"a simulated volume of about {ABOUT_VOXELS} voxels"
    alone = []
    for number, path in enumerate(paths):
        target = folder / f"v{number}" / path.name
        target.parent.mkdir()
        target.write_bytes(path.read_bytes())
        alone.append(target)
    statuses = [ask(release, path) for path in alone]
    seconds = [seconds_of(lambda path=path: ask(release, path)) for _ in range(passes) for path in alone]
    context = {
        "input": f"{what}, release {release.manifest['name']}",
        "answered_share": statuses.count("answered") / len(statuses),
        "slowest_s": max(seconds),
    }
    return comparison(
        "mri-mask", ours=(median(seconds), "s"), goal=MASK_GOAL_S, goal_of="value", command=typed(), context=context
    )


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xray", type=Path, help="release that answers X-rays; that of the last run by default")
    parser.add_argument("--mask", type=Path, help="release that answers volumes; that of the last run by default")
    parser.add_argument("--passes", type=int, default=20, help="passes over the files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        one = unrefusing(find_release(given.xray, XRAY), threads=1)
        publish(xray(one, Path(scratch) / "xray", given.passes))
        two = unrefusing(find_release(given.mask, MASK), threads=2)
        (Path(scratch) / "mask").mkdir()
        publish(mask(two, Path(scratch) / "mask", max(1, given.passes // 5)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
