"""Simulated device exports: for the demo, golden inputs and tests. No record is of a person."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.signals.simulate.exports import simulate_folder, write_ppg_bp
from auscult.domains.signals.simulate.ppg import simulate_ppg


def write_ecg_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write two-lead ECGs with annotated beats, as WFDB records: 2 of 20 s, or 24 of 2 min."""
    n, minutes = (2, 1 / 3) if small else (24, 2.0)
    simulate_folder(folder, seed, n_ecg=n, ecg_minutes=minutes, n_cgm=0, ecg_formats=("wfdb212",))


def write_ppg_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write fingertip pulse recordings with the sheet of persons: 3 persons, or 60."""
    n = 9 if small else 180
    folder.mkdir(parents=True, exist_ok=True)
    write_ppg_bp(folder, simulate_ppg(np.random.default_rng(seed), n_segments=n))


def write_cgm_example(folder: Path, seed: int, *, small: bool) -> None:
    """Write glucose sensor exports: 2 persons over 3 days, or 12 over 10 days."""
    n, days = (2, 3.0) if small else (12, 10.0)
    simulate_folder(folder, seed, n_ecg=0, n_cgm=n, n_days=days)
