"""Simulated exports: for the demo, golden inputs and tests. No record is of a person or a real device."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.recommend.simulate.usage import simulate_usage, write_clicks, write_layout, write_usage


def write_ward_usage(folder: Path, seed: int, *, small: bool) -> None:
    """Write which devices wards took from the pool, as a table: 4 wards, or 240."""
    folder.mkdir(parents=True, exist_ok=True)
    write_usage(folder / "sim_pool.csv", simulate_usage(np.random.default_rng(seed), n_users=4 if small else 240))


def write_ward_layout(folder: Path, seed: int, *, small: bool) -> None:
    """Write the same as users and items by number, with a given test: ``train.txt`` and ``test.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_layout(folder, simulate_usage(np.random.default_rng(seed), n_users=4 if small else 240))


def write_ward_clicks(folder: Path, seed: int, *, small: bool) -> None:
    """Write devices that wards were shown, which they took, and some that are asked about: 4 wards, or 240."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    write_clicks(folder / "sim_shown.csv", simulate_usage(rng, n_users=4 if small else 240), rng)
