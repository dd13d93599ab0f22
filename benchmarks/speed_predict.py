"""How quickly a release answers and how quickly data are prepared, each against its limit.

- ``predict-start``: ``auscult predict`` on one 30-minute ECG, from the start of the process to labelled beats.
- ``predict-window``: one 10-second window that is in memory, staged and answered; the 99th percentile.
- ``predict-share``: time outside the ONNX session over time inside it, on the same windows.
- ``prepare-mitdb`` and ``prepare-mitdb-memory``: preparing and checking the MIT-BIH Arrhythmia Database with an empty
  cache, and the memory of all its processes together.
- ``build-beats``: the whole build of ``ecg-beats-mitdb``, taken from its kept result.
"""

from __future__ import annotations

import os

from measure import (
    AUSCULT,
    ONE_THREAD,
    RESULTS,
    ROOT,
    RUNS,
    comparison,
    median,
    peer,
    publish,
    seconds_of,
    spend,
    typed,
)

os.environ.update(ONE_THREAD)  # before numpy is loaded by anything that has its own threads

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from leads import headers, mitdb, read_batch, without_annotations

from auscult.base.arrays import Ragged
from auscult.base.contracts import RecordBatch
from auscult.base.errors import DataError
from auscult.base.files import read_json
from auscult.base.registry import load_domain
from auscult.engine.runtime import Release, open_release
from auscult.service.verbs import build

START_GOAL_S = 1.5
WINDOW_GOAL_MS = 5.0
SHARE_GOAL = 1.0
PREPARE_GOAL_S = 30.0
PREPARE_GOAL_GIB = 2.0
BUILD_GOAL_MIN = 15.0
WINDOW_S = 10.0
RELEASES = ("ecg-beats-mitdb", "ecg-beats-simulated")
BUILD = "ecg-beats-mitdb"
PEER = """
import sys, numpy, wfdb
from wfdb.processing import XQRS
record = wfdb.rdrecord(sys.argv[1])
found = XQRS(sig=numpy.ascontiguousarray(record.p_signal[:, 0]), fs=record.fs)
found.detect(learn=sys.argv[2] == "learn", verbose=False)
print(len(found.qrs_inds))
"""
"""The nearest that wfdb has: read and find beats; it has no classes to label them with."""


@dataclass
class Inside:
    """Runs a program and adds up the seconds that it takes."""

    run: Any
    seconds: float = field(default=0.0)

    def __call__(self, inputs: Any) -> Any:
        """Run the program."""
        start = time.perf_counter()
        outputs = self.run(inputs)
        self.seconds += time.perf_counter() - start
        return outputs


def start(release: Path, header: Path, *, repeats: int, what: str) -> dict[str, Any]:
    """Time the command on a record without annotations, and the peer on the same record."""
    command = [*AUSCULT, "predict", str(release), str(header), "--json"]
    answer = json.loads(spend(command).output.splitlines()[0])  # the first run fills the system's file cache
    labelled = sum("label" in one for one in answer["answers"])
    if not labelled:
        raise DataError(
            f"{release.name}: expected labelled beats, got '{answer['status']}'; give a release of ecg-beats"
        )
    settings = {"default (learn)": "learn", "learn=False": "no"}
    own: list[float] = []
    theirs: dict[str, list[float]] = {setting: [] for setting in settings}
    for _ in range(repeats):
        own.append(spend(command).seconds)
        for setting, word in settings.items():
            theirs[setting].append(spend([sys.executable, "-c", PEER, str(header.with_suffix("")), word]).seconds)
    peers = [
        peer(
            "wfdb",
            setting=setting,
            value=median(times),
            ratio=median([t / o for t, o in zip(times, own, strict=True)]),
            note="rdrecord and xqrs: positions without labels",
        )
        for setting, times in theirs.items()
    ]
    return comparison(
        "predict-start",
        ours=(median(own), "s"),
        goal=START_GOAL_S,
        goal_of="value",
        command=typed(),
        peers=peers,
        context={"input": what, "repeats": repeats, "labelled_beats": labelled, "slowest_s": max(own)},
    )


def windows(header: Path) -> list[RecordBatch]:
    """Cut a record into 10-second batches of one, as a client would send them."""
    batch = read_batch(header)
    rate_hz = batch.field("ecg").rate_hz or 0.0
    ecg, size = batch.ragged("ecg")[0], int(WINDOW_S * rate_hz)
    plain = batch.with_columns({}, drop=[f.name for f in batch.fields if f.name != "ecg"])
    starts = range(0, len(ecg) - size + 1, size)
    return [replace(plain, columns={"ecg": Ragged.of([ecg[begin : begin + size]])}) for begin in starts]


def window(release: Release, batches: list[RecordBatch], *, passes: int, what: str) -> list[dict[str, Any]]:
    """Time every window in process, and how much of it is the program itself."""
    inside = Inside(release.run)
    timed = replace(release, run=inside)
    statuses = [timed.answer([timed.stage(batch)])[0][0].status for batch in batches]
    inside.seconds = 0.0
    seconds = [
        seconds_of(lambda batch=batch: timed.answer([timed.stage(batch)])) for _ in range(passes) for batch in batches
    ]
    outside = sum(seconds) - inside.seconds
    answered = sum(status == "answered" for status in statuses)
    context = {"input": what, "windows": len(seconds), "answered_share": answered / len(statuses)}
    spread = {f"p{p}_ms": 1e3 * float(np.percentile(seconds, p)) for p in (50, 95)}
    return [
        comparison(
            "predict-window",
            ours=(1e3 * float(np.percentile(seconds, 99)), "ms"),
            goal=WINDOW_GOAL_MS,
            goal_of="value",
            command=typed(),
            context={**context, **spread},
        ),
        comparison(
            "predict-share",
            ours=(outside / inside.seconds, "outside over inside"),
            goal=SHARE_GOAL,
            goal_of="value",
            command=typed(),
            context={**context, "inside_ms": 1e3 * inside.seconds / len(seconds)},
        ),
    ]


def preparing() -> list[dict[str, Any]]:
    """Time preparing all of the database with an empty cache; nothing where the data are not."""
    if mitdb() is None:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        recipe = ROOT / "recipes" / "signals" / f"{BUILD}.toml"
        command = [*AUSCULT, "build", str(recipe), "--until", "prepare", "--out", f"{scratch}/run"]
        spent = spend(command, env={"AUSCULT_CACHE": f"{scratch}/cache"})
    if spent.status:
        raise DataError(f"{recipe.name}: expected 'build --until prepare' to end well, got exit status {spent.status}")
    context = {"input": "mitdb, 48 records", "said": spent.output.strip().partition(", listed")[0]}
    shared: dict[str, Any] = {"goal_of": "value", "command": typed(), "context": context}
    return [
        comparison("prepare-mitdb", ours=(spent.seconds, "s"), goal=PREPARE_GOAL_S, **shared),
        comparison("prepare-mitdb-memory", ours=(spent.peak_memory_gib, "GiB"), goal=PREPARE_GOAL_GIB, **shared),
    ]


def building() -> list[dict[str, Any]]:
    """Take the time of the beats recipe from its kept result; nothing where there is none of a whole build."""
    path = RESULTS / f"{BUILD}.json"
    kept = read_json(path) if path.exists() else {"resumed": True}
    if kept["resumed"]:
        return []
    ours = (kept["seconds"] / 60, "min")
    made = comparison("build-beats", ours=ours, goal=BUILD_GOAL_MIN, goal_of="value", command=kept["command"])
    return [{**made, "machine": kept["machine"]}]


def find_release(given: Path | None) -> Path:
    """Return the release to measure: the one given, that of the last run, or a simulated one that is built now.

    Raises
    ------
    DataError
        If the given folder is none.
    """
    for folder in [given] if given else [RUNS / name / "release" for name in RELEASES]:
        if (folder / "release.json").exists():
            return folder
    if given:
        raise DataError(
            "speed_predict: expected a release of ecg-beats, got none; first run "
            f"'python benchmarks/run.py recipes/signals/{RELEASES[0]}.toml', or leave --release out"
        )
    run = RUNS / RELEASES[-1]
    build(ROOT / "recipes" / "signals" / f"{RELEASES[-1]}.toml", run)
    return run / "release"


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, help="release of ecg-beats; that of the last run by default")
    parser.add_argument("--repeats", type=int, default=5, help="runs of the command")
    parser.add_argument("--passes", type=int, default=5, help="passes over the windows of the record")
    parser.add_argument("--skip-prepare", action="store_true", help="leave out preparing the database")
    given = parser.parse_args()
    folder = find_release(given.release)
    with tempfile.TemporaryDirectory() as scratch:
        paths, what = headers(Path(scratch) / "simulated", count=1)
        bare = without_annotations(paths[0], Path(scratch) / "bare")
        release = open_release(folder, load_domain)
        what = f"{what}, release {release.manifest['name']}"
        publish(start(folder, bare, repeats=given.repeats, what=what))
        for result in window(release, windows(bare), passes=given.passes, what=what):
            publish(result)
    for result in [*([] if given.skip_prepare else preparing()), *building()]:
        publish(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
