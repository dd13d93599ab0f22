"""Simulated reports as the files that databases and services export."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from auscult.domains.text.simulate.reports import Report

COLUMNS = ("report", "event", "problems", "device", "maker", "sex", "text")


def write_csv(path: Path, reports: Sequence[Report], *, first: int = 1) -> None:
    """Write reports as a table with a header."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(_row(r, first + k) for k, r in enumerate(reports))


def write_jsonl(path: Path, reports: Sequence[Report], *, first: int = 1) -> None:
    """Write reports as one JSON object a line."""
    lines = [json.dumps(_row(r, first + k), ensure_ascii=False) for k, r in enumerate(reports)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_plain(folder: Path, reports: Sequence[Report]) -> None:
    """Write the narratives as a file each, without anything that was decided about them."""
    for k, report in enumerate(reports, start=1):
        (folder / f"narrative_{k:03d}.txt").write_text(report.narrative + "\n", encoding="utf-8")


def _row(report: Report, number: int) -> dict[str, str]:
    values = (
        f"SIM{number:05d}", report.event, "; ".join(report.problems),
        report.device, report.maker, report.sex, report.narrative,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
