"""Simulated use of a hospital's pool of devices: wards of a few specialties and what each takes, in time.

The names are made up. A ward takes mostly devices of its specialty, popular ones more often, some of the pool that all
wards use, and later ones that go with what it has.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

SPECIALTIES = ("icu", "cardiology", "surgery", "dialysis", "neonatal", "imaging")
KINDS = ("pump", "monitor", "probe", "valve", "sensor", "cable", "mask", "filter", "lead", "stand")
MODELS_PER_KIND = 3
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Use:
    """One ward took one device at one time."""

    ward: str
    device: str
    at: datetime
    count: int


def devices() -> list[str]:
    """Names of all devices: some of each kind for each specialty, and some for all."""
    groups = (*SPECIALTIES, "general")
    return [f"SIM-{g[:4].upper()}-{k[:5].upper()}-{m}" for g in groups for k in KINDS for m in range(MODELS_PER_KIND)]


def simulate_usage(rng: np.random.Generator, *, n_users: int) -> list[Use]:
    """Draw what wards took: 12 to 30 different devices each, over two years."""
    names = devices()
    per_group = len(KINDS) * MODELS_PER_KIND
    popular = 1.0 / (1.0 + rng.permutation(per_group))  # (per_group,), the same order in every specialty
    uses = []
    for ward in range(n_users):
        specialty = ward % len(SPECIALTIES)
        liking = np.full(len(names), 0.02)
        liking[specialty * per_group : (specialty + 1) * per_group] = 4 * popular
        liking[-per_group:] = popular
        liking *= rng.gamma(2.0, 0.5, len(names))
        taken = rng.choice(len(names), int(rng.integers(12, 31)), replace=False, p=liking / liking.sum())
        days = np.sort(rng.uniform(0, 700, len(taken)))
        uses += [
            Use(f"sim-ward-{ward:04d}", names[d], START + timedelta(days=float(t)), int(rng.integers(1, 9)))
            for d, t in zip(taken, days, strict=True)
        ]
    return uses


def write_usage(path: Path, uses: Sequence[Use]) -> None:
    """Write a table with the columns ward, device, time and count."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ward", "device", "time", "count"])
        writer.writerows([u.ward, u.device, u.at.strftime("%Y-%m-%d %H:%M:%S"), u.count] for u in uses)


def write_clicks(path: Path, uses: Sequence[Use], rng: np.random.Generator) -> None:
    """Write what wards were shown: what they took, as many that they did not, and two more that are asked about."""
    names = devices()
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ward", "device", "clicked"])
        for ward in dict.fromkeys(u.ward for u in uses):
            taken = [u.device for u in uses if u.ward == ward]
            others = [names[k] for k in rng.permutation(len(names)) if names[k] not in taken]
            rows = [[ward, device, 1] for device in taken] + [[ward, device, 0] for device in others[: len(taken)]]
            writer.writerows(rows[k] for k in rng.permutation(len(rows)))
            writer.writerows([ward, device, ""] for device in others[len(taken) : len(taken) + 2])


def write_layout(folder: Path, uses: Sequence[Use]) -> None:
    """Write users and items as numbers; the last fifth of what each took is the test."""
    number = {name: k for k, name in enumerate(devices())}
    wards = list(dict.fromkeys(u.ward for u in uses))
    parts: dict[str, list[str]] = {"train": [], "test": []}
    for k, ward in enumerate(wards):
        items = [str(number[u.device]) for u in uses if u.ward == ward]
        n_train = len(items) - max(1, len(items) // 5)
        parts["train"].append(" ".join([str(k), *items[:n_train]]))
        parts["test"].append(" ".join([str(k), *items[n_train:]]))
    for name, lines in parts.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
