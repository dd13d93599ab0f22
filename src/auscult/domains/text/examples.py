"""Simulated exports: for the demo, golden inputs and tests. No report is about a person or a device that exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.text.simulate.files import write_csv, write_jsonl, write_plain
from auscult.domains.text.simulate.reports import simulate_reports


def write_reports_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write labelled reports, half as a table and half as JSON lines: 12, or 360."""
    reports = simulate_reports(12 if small else 360, np.random.default_rng(seed))
    folder.mkdir(parents=True, exist_ok=True)
    half = len(reports) // 2
    write_csv(folder / "sim_events.csv", reports[:half])
    write_jsonl(folder / "sim_service.jsonl", reports[half:], first=half + 1)


def write_narratives_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write narratives without labels, a file each: 4, or 24."""
    folder.mkdir(parents=True, exist_ok=True)
    write_plain(folder, simulate_reports(4 if small else 24, np.random.default_rng(seed)))
