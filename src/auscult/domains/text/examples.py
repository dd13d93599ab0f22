"""Simulated exports: for the demo, golden inputs and tests. No report is about a person or a device that exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.text.simulate.events import simulate_events
from auscult.domains.text.simulate.files import (
    write_csv,
    write_jsonl,
    write_maude,
    write_openfda,
    write_plain,
)
from auscult.domains.text.simulate.identifiers import simulate_notes
from auscult.domains.text.simulate.pairs import write_pairs
from auscult.domains.text.simulate.reports import simulate_reports
from auscult.domains.text.simulate.short_narratives import simulate_short
from auscult.domains.text.simulate.span_files import write_brat, write_iob, write_span_json


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


def write_identified_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write notes with simulated identifiers, half as brat pairs and half as JSON: 8, or 120."""
    folder.mkdir(parents=True, exist_ok=True)
    notes = simulate_notes(8 if small else 120, np.random.default_rng(seed))
    half = len(notes) // 2
    write_brat(folder, notes[:half])
    write_span_json(folder / "sim_notes.json", notes[half:])


def write_tagged_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write notes with simulated identifiers as tagged tokens: 8, or 60."""
    folder.mkdir(parents=True, exist_ok=True)
    write_iob(folder / "sim_tagged.tsv", simulate_notes(8 if small else 60, np.random.default_rng(seed)))


def write_events_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write narratives that state sex, age and dates, or do not, as one table: 12, or 240."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "sim_narratives.csv", simulate_events(12 if small else 240, np.random.default_rng(seed)))


def write_device_events_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write labelled reports as the FDA publishes them, half as MAUDE files and half as openFDA: 8, or 60."""
    folder.mkdir(parents=True, exist_ok=True)
    reports = simulate_reports(8 if small else 60, np.random.default_rng(seed))
    half = len(reports) // 2
    write_maude(folder, reports[:half])
    write_openfda(folder / "sim_events.json", reports[half:], first=half + 1)


def write_pairs_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write pairs of questions, half of which ask the same: 12, or 360."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pairs(folder / "sim_pairs.csv", 12 if small else 360, np.random.default_rng(seed))


def write_short_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write short narratives that state a device, a problem and an outcome: 12, or 160."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "sim_short.csv", simulate_short(12 if small else 160, np.random.default_rng(seed)))
