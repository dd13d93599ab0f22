"""Simulated clearances: devices with numbers like those of 510(k) and the earlier ones that each names.

A device belongs to a family and names earlier devices of it, late ones more often, and what these name.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

FAMILIES = 12
FIRST, LAST = 2008, 2023


def simulate_clearances(rng: np.random.Generator, *, a_year: int) -> list[tuple[str, str]]:
    """Draw links of ``a_year`` devices in each year, (device, predicate)."""
    families: list[list[tuple[str, list[str]]]] = [[] for _ in range(FAMILIES)]
    links = []
    for year in range(FIRST, LAST + 1):
        for number in range(a_year):
            name = f"K{year % 100:02d}{number:04d}"
            family = families[int(rng.integers(FAMILIES))]
            named: list[str] = []
            if family:
                age = np.arange(len(family), 0, -1)
                weight = np.exp(-age / 6.0)
                first = family[int(rng.choice(len(family), p=weight / weight.sum()))]
                named = list(dict.fromkeys([first[0], *(p for p in first[1] if rng.random() < 0.6)]))[:4]
            links += [(name, predicate) for predicate in named]
            family.append((name, named))
    return links


def write_clearances(path: Path, links: Sequence[tuple[str, str]]) -> None:
    """Write a table with the columns device and predicate."""
    with path.open("w", encoding="ascii", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["device", "predicate"])
        writer.writerows(links)
