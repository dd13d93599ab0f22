"""Simulated exports: for the demo, golden inputs and tests. No record is of a person or a real device."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.domains.recommend.preprocess.rules import read_rules
from auscult.domains.recommend.simulate.clearances import simulate_clearances, write_clearances
from auscult.domains.recommend.simulate.hospital import (
    DEVICE_SEED,
    N_DEVICES,
    Row,
    simulate_devices,
    simulate_patients,
    simulate_use,
    write_requests,
    write_rows,
)
from auscult.domains.recommend.simulate.usage import simulate_usage, write_clicks, write_layout, write_usage

RULES = Path(__file__).parent / "simulate" / "hospital_rules.toml"
N_PATIENTS = 2000


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


def hospital_devices() -> list[Row]:
    """The catalogue of the simulated hospital, as ``simulate/hospital_devices.csv`` has it."""
    return simulate_devices(read_rules(str(RULES)), np.random.default_rng(DEVICE_SEED), N_DEVICES)


def write_hospital(folder: Path, seed: int, *, small: bool) -> None:
    """Write patients with attributes and what they were given: 6 patients and three questions, or 2,000 patients."""
    folder.mkdir(parents=True, exist_ok=True)
    rules = read_rules(str(RULES))
    rng = np.random.default_rng(seed)
    patients = simulate_patients(rng, 6 if small else N_PATIENTS)
    uses = simulate_use(rules, hospital_devices(), patients, rng)
    write_rows(folder / "sim_patients.csv", patients)
    write_rows(folder / "sim_given.csv", uses)
    if small:
        fresh = simulate_devices(rules, rng, 2, prefix="SIM-NEW")
        write_requests(folder / "sim_questions.jsonl", patients, uses, fresh)


def write_clearance_links(folder: Path, seed: int, *, small: bool) -> None:
    """Write which cleared devices name which earlier ones: 3 devices a year, or 60."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    write_clearances(folder / "sim_links.csv", simulate_clearances(rng, a_year=3 if small else 60))
