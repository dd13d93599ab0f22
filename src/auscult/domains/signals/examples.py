"""Simulated device exports: for the demo, golden inputs and tests. No record is of a person."""

from __future__ import annotations

from pathlib import Path

from auscult.domains.signals.simulate.exports import simulate_folder


def write_ecg_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write two-lead ECGs with annotated beats, as WFDB records: 2 of 20 s, or 24 of 2 min."""
    n, minutes = (2, 1 / 3) if small else (24, 2.0)
    simulate_folder(folder, seed, n_ecg=n, ecg_minutes=minutes, n_cgm=0, ecg_formats=("wfdb212",))
