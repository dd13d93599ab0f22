"""Exact and near-duplicate records, found without comparing all pairs.

A task may find the near ones itself, or make signatures of its records. Otherwise each record's arrays are resampled to
a short sketch that does not depend on level and gain. Random projections of the sketch give bits (Charikar 2002, STOC);
records that share a band of bits are compared by correlation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Ragged
from auscult.base.contracts import Matches, RecordBatch, Sketches, Task
from auscult.engine.dataset import Dataset
from auscult.engine.quality.minhash import alike_pairs

SKETCH = 256
MIN_VALUES = 32
"""Shorter records are compared for exact equality only: a few numbers correlate by chance."""
BANDS, BITS = 12, 16
ALIKE = 0.999
MAX_BUCKET = 50
_EXTENDED = frozenset("TDHWL")
"""Axes along which neighbours are alike. A vector of features has none and is compared for exact equality only."""


def duplicate_pairs(dataset: Dataset, task: Task | None = None) -> list[tuple[int, int, str]]:
    """Find pairs of records with the same or nearly the same content.

    Parameters
    ----------
    dataset : Dataset
        The prepared records.
    task : Task, optional
        Where it matches its records, its pairs count; where it makes signatures, these are compared. Both in place of
        arrays.

    Returns
    -------
    list of (int, int, str)
        Two record numbers, the smaller first, and ``exact`` or ``near``.
    """
    exact: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(dataset.hashes):
        exact[str(value)].append(row)
    near = dict.fromkeys(_near(dataset, task), "near")
    pairs = near | {(a, b): "exact" for rows in exact.values() for a, b in _linked(rows)}
    return [(a, b, how) for (a, b), how in sorted(pairs.items())]


def _near(dataset: Dataset, task: Task | None) -> list[tuple[int, int]]:
    """Pairs that are nearly the same in the way of the task, or by their arrays."""
    if task is not None and isinstance(task, Matches):
        return [(a, b) for a, b in task.match(dataset.batches()).tolist()]
    if task is not None and isinstance(task, Sketches):
        signatures = np.concatenate([task.sketch(batch) for batch in dataset.batches()])
        return [(a, b) for a, b in alike_pairs(signatures).tolist()]
    sketches = _sketches(dataset.batches())
    if sketches is None:
        return []
    return [(a, b) for a, b in _candidates(sketches) if float(sketches[a] @ sketches[b]) >= ALIKE]


def _linked(rows: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of copies, all of a few; beyond them each copy with the first few, so that none is lost."""
    yield from combinations(rows[:MAX_BUCKET], 2)
    for row in rows[MAX_BUCKET:]:
        yield from ((first, row) for first in rows[:MAX_BUCKET])


def _sketches(batches: Iterable[RecordBatch]) -> npt.NDArray[np.float32] | None:
    """Standardised short form of each record's largest array, (R, SKETCH) with unit norm, or nothing."""
    parts = []
    for batch in batches:
        arrays = [f.name for f in batch.fields if f.kind == "array" and _EXTENDED & set(f.axes)]
        if not arrays:
            return None
        name = max(arrays, key=lambda n: np.asarray(batch.columns[n][0]).size)
        column = batch.columns[name]
        rows = column if isinstance(column, Ragged) else list(column)
        parts.append(np.stack([_sketch(np.asarray(r)) for r in rows]))
    return np.concatenate(parts) if parts else None


def _sketch(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    flat = np.nan_to_num(values.astype(np.float32).ravel())
    if flat.size < MIN_VALUES:
        return np.zeros(SKETCH, dtype=np.float32)
    at = np.linspace(0, flat.size - 1, SKETCH)
    short = flat[at.astype(np.int64)] - flat.mean()
    norm = float(np.linalg.norm(short))
    return np.asarray(short / norm) if norm > 0 else short


def _candidates(sketches: npt.NDArray[np.float32]) -> set[tuple[int, int]]:
    rng = np.random.default_rng(0)
    planes = rng.normal(size=(SKETCH, BANDS * BITS)).astype(np.float32)
    bits = (sketches @ planes > 0).reshape(len(sketches), BANDS, BITS)
    keys = bits @ (1 << np.arange(BITS))
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(keys[order, band])) + 1):
            found |= set(combinations(sorted(int(r) for r in bucket[:MAX_BUCKET]), 2))
    return found
