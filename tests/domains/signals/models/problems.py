"""Small simulated problems for tests of models, and what a model is given besides the items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Items, ItemSet, KindName, TaskSpec
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable

Pair = tuple[ItemSet, ItemSet]


def spec_of(kind: KindName, labels: tuple[str, ...], **rest: Any) -> TaskSpec:
    """A task of a kind."""
    return TaskSpec("simulated", kind, "simulated", labels, "mae", ("mae",), "none", "none", **rest)


def context_of(spec: TaskSpec, folder: Path, *, seed: int = 0, **train: Any) -> FitContext:
    """What a model is given, with one thread and small batches."""
    table = TrainTable(**{"epochs": 1, "batch_size": 32, "threads": 1, "learning_rate": 3e-3, **train})
    return FitContext(spec, seed, table, folder, Silent())


def pair(inputs: dict[str, Array], target: Array, *, record: Array | None = None) -> Pair:
    """Items to learn from, and the last quarter of them to validate on."""
    n = len(target)
    items = Items(inputs, np.arange(n) if record is None else record, np.zeros(n, dtype=np.int64), target)
    cut = n - n // 4
    return ItemSet(items, np.arange(cut)), ItemSet(items, np.arange(cut, n))


SHAPES = spec_of("class", ("up", "down", "both"))


def shapes(n: int = 320) -> Pair:
    """A bump, a dip, or one after the other, anywhere in 48 samples of the second of two noisy channels."""
    rng = np.random.default_rng(1)
    label = rng.integers(3, size=n)
    at = rng.integers(8, 40, size=n)[:, None]
    time = np.arange(48)[None]
    bump, dip = np.exp(-0.5 * ((time - at + 3) / 1.5) ** 2), np.exp(-0.5 * ((time - at - 3) / 1.5) ** 2)
    window = 0.2 * rng.normal(size=(n, 2, 48))
    window[:, 1] += np.where(label[:, None] != 1, bump, 0) - np.where(label[:, None] != 0, dip, 0)
    features = rng.normal(size=(n, 5))
    return pair({"window": window.astype(np.float32), "features": features.astype(np.float32)}, label)


AHEAD = spec_of("value", ("in_5_min", "in_10_min", "in_15_min"), unit="mg/dL")


def ramps(n: int = 320) -> Pair:
    """Ten readings on a line and the three that follow it; repeating the last one is off by twice the slope."""
    rng = np.random.default_rng(2)
    level, slope = rng.uniform(80, 200, size=(n, 1)), rng.normal(0, 5, size=(n, 1))
    line = level + slope * np.arange(13) + rng.normal(0, 0.5, size=(n, 13))
    day = rng.random((n, 1)).astype(np.float32)
    return pair({"history": line[:, :10].astype(np.float32), "day": day}, line[:, 10:])


def persistence_error(valid: ItemSet) -> float:
    """Mean absolute error of the last reading."""
    return float(np.abs(valid.inputs()["history"][:, -1:] - valid.target()).mean())


def columns(n: int = 240, *, n_records: int = 12) -> Pair:
    """Six features in records of the same size; the class is told by the first two, the rest is noise."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(n, 6)).astype(np.float32)
    label = (features[:, 0] > 0).astype(np.int64) + (features[:, 1] > 0.5)
    return pair({"features": features}, label, record=np.arange(n) * n_records // n)


def pressures(n: int = 120) -> Pair:
    """Shape (N, 5) and person (N, 3) with two values that are linear in both, and noise; four items a record."""
    rng = np.random.default_rng(4)
    shape, person = rng.normal(size=(n, 5)).astype(np.float32), rng.normal(size=(n, 3)).astype(np.float32)
    target = shape @ rng.normal(size=(5, 2)) + 4 * person[:, :2] + [120, 75] + rng.normal(size=(n, 2))
    return pair({"shape": shape, "person": person}, target, record=np.arange(n) // 4)
