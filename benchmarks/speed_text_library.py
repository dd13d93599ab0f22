"""A million short reports through the floor of a classification: a file of JSON Lines to calibrated answers.

The command line on both cores, from process start to the table of answers, against its limit of time; its memory stands
beside that for a quarter of the reports. Making the reports is left out. They are simulated ones of about 280
characters, of the kind that the floor was fitted on: others would be refused as unlike the training data.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from library import answer_large
from measure import AUSCULT, ROOT, RUNS, comparison, publish, spend, typed

from auscult.domains.text.simulate.reports import simulate_reports

GOAL_S = 120.0
RECIPE = "recipes/text/event-type-simulated.toml"
FLOOR = "tfidf-linear"


def release() -> Path:
    """Build the floor of the recipe of simulated reports."""
    out = RUNS / "speed-text-library"
    spend([*AUSCULT, "build", str(ROOT / RECIPE), "--out", str(out), "--model", FLOOR])
    return out / "release"


def write_reports(path: Path, count: int) -> None:
    """Write so many reports, one JSON object a line with ``text``."""
    simulated = (r.narrative for r in simulate_reports(count, np.random.default_rng(0)))
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": text}) + "\n" for text in simulated)


def main() -> int:
    """Parse the command line, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="reports")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        seconds, context = answer_large(release(), write_reports, Path(folder) / "reports.jsonl", count=count)
    publish(
        comparison(
            "text-library",
            ours=(seconds, "s"),
            goal=GOAL_S,
            goal_of="value",
            command=typed(),
            context={"reports": count, "model": FLOOR, **context},
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
