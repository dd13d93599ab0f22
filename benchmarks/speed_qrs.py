"""R peaks: our detector against ``xqrs`` of wfdb, on the same samples in one process with one thread.

Reading is left out on both sides. xqrs runs in each of its settings that leave the method as it is; the quickest is the
best-set peer, the default stands beside it. ``xqrs_detect`` takes ``learn`` and does not hand it on (wfdb 4), so the
setting without learning is reached through the class that it wraps.
"""

from __future__ import annotations

import os

from measure import ONE_THREAD, comparison, median, peer, publish, seconds_of, typed

os.environ.update(ONE_THREAD)  # before numpy is loaded by anything that has its own threads

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from leads import Lead, headers, read_lead

from auscult.domains.signals.preprocess.qrs import detect_qrs
from auscult.engine.metrics.events import event_counts

GOAL = 50.0
TOLERANCE_S = 0.15
DEFAULT = "default (learn, verbose)"
Positions = npt.NDArray[np.int64]
Detector = Callable[[Lead], Positions]


def peers() -> dict[str, Detector]:
    """Every setting of xqrs that is tried."""
    from wfdb.processing import XQRS, xqrs_detect

    def quiet(lead: Lead, *, learn: bool) -> Positions:
        found = XQRS(sig=lead.ecg_mv, fs=lead.rate_hz)
        found.detect(learn=learn, verbose=False)
        return np.asarray(found.qrs_inds, dtype=np.int64)

    def default(lead: Lead) -> Positions:
        with contextlib.redirect_stdout(io.StringIO()):
            return np.asarray(xqrs_detect(sig=lead.ecg_mv, fs=lead.rate_hz), dtype=np.int64)

    return {
        DEFAULT: default,
        "verbose=False": lambda lead: quiet(lead, learn=True),
        "learn=False, verbose=False": lambda lead: quiet(lead, learn=False),
    }


def ours(lead: Lead) -> Positions:
    """Run our detector."""
    return detect_qrs(lead.ecg_mv, lead.rate_hz)


def seconds_for(detect: Detector, leads: Sequence[Lead]) -> float:
    """Seconds for all leads, one after the other."""
    return seconds_of(lambda: [detect(lead) for lead in leads])


def quality(detect: Detector, leads: Sequence[Lead]) -> dict[str, float]:
    """Sensitivity and positive predictive value over all beats, within 150 ms one to one."""
    counts = np.zeros(3)
    for lead in leads:
        found = np.sort(detect(lead))
        counts += event_counts([lead.beats], [found], tolerance=TOLERANCE_S * lead.rate_hz)[0]
    hit, false, missed = counts
    return {"sensitivity": float(hit / (hit + missed)), "ppv": float(hit / (hit + false))}


def measure(leads: Sequence[Lead], *, repeats: int) -> dict[str, Any]:
    """Time both sides in turn and return the parts of the comparison.

    Parameters
    ----------
    leads : sequence of Lead
        What both sides get.
    repeats : int
        Rounds; in each, ours and every peer run once, one after the other.
    """
    table = peers()
    seconds_for(ours, leads)  # the first call pays for what is loaded late
    own: list[float] = []
    theirs: dict[str, list[float]] = {setting: [] for setting in table}
    for _ in range(repeats):
        own.append(seconds_for(ours, leads))
        for setting, detect in table.items():
            theirs[setting].append(seconds_for(detect, leads))
    return {
        "ours": (median(own), "s"),
        "peers": [
            peer(
                "wfdb",
                setting=setting,
                value=median(times),
                ratio=median([t / o for t, o in zip(times, own, strict=True)]),
                note="xqrs",
            )
            for setting, times in theirs.items()
        ],
        "quality": {"ours": quality(ours, leads), **{f"xqrs {s}": quality(d, leads) for s, d in table.items()}},
    }


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    parser.add_argument("--records", type=int, default=3, help="30-minute records")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        paths, what = headers(Path(scratch), count=given.records)
        leads = [read_lead(path) for path in paths]
    made = measure(leads, repeats=given.repeats)
    context = {"input": what, "repeats": given.repeats, "threads": 1, **made.pop("quality")}
    publish(comparison("qrs", **made, goal=GOAL, goal_of="ratio", command=typed(), context=context))
    return 0


if __name__ == "__main__":
    sys.exit(main())
