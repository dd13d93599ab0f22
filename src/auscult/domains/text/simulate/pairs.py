"""Simulated pairs of questions about devices that do not exist, and whether both ask the same."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

_DEVICES = ("infusion pump", "glucose meter", "ventilator", "guide catheter", "pulse generator", "bone screw")
_ASKED = {
    "clean": ("how do I clean the {}", "what is the {} to be wiped with", "cleaning of the {}, which agent"),
    "battery": ("how long does the battery of the {} last", "battery life of the {}", "when must I charge the {}"),
    "alarm": ("why does the {} give an alarm", "the {} beeps, what does it mean", "meaning of the sound of the {}"),
    "part": ("where can I order a part for the {}", "who sells spares of the {}", "spare part of the {} wanted"),
}


def write_pairs(path: Path, count: int, rng: np.random.Generator) -> None:
    """Write pairs as a table with the columns ``same``, ``first`` and ``second``; half of them ask the same."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("same", "first", "second"))
        for k in range(count):
            table.writerow(_pair(k % 2, rng))


def _pair(same: int, rng: np.random.Generator) -> tuple[str, str, str]:
    what, other = rng.choice(list(_ASKED), size=2, replace=False)
    device, another = rng.choice(_DEVICES, size=2, replace=False)
    ways = rng.permutation(3)
    first = _ASKED[str(what)][ways[0]].format(device)
    if same:
        second = _ASKED[str(what)][ways[1]].format(device)
    elif rng.random() < 0.5:
        second = _ASKED[str(other)][ways[1]].format(device)
    else:
        second = _ASKED[str(what)][ways[1]].format(another)
    number = int(rng.integers(100, 1000))
    return str(same), f"{first}, model {number}?", f"{second}, model {number}?"
