"""What a release keeps back before it answers: the input gate and the applicability domain, fitted and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auscult.base.contracts import Asks, CutsNew, Likens, Outputs, RecordBatch
from auscult.engine.arms import Bench
from auscult.engine.evaluate import Judge
from auscult.engine.gate import Gate
from auscult.engine.gate_signs import SignsGate, gate_for
from auscult.engine.neighbours import Neighbours, fit_neighbours
from auscult.engine.outputs import take_items
from auscult.engine.splits import Split
from auscult.engine.study import test_batches


@dataclass(frozen=True, repr=False)
class Doors:
    """The input gate, and the training records that a new one must be near to; nothing where a task has none."""

    gate: Gate | SignsGate | None
    neighbours: Neighbours | None


def fit_doors(bench: Bench, split: Split) -> Doors:
    """Fit both on training and validation items of a split."""
    table, seed = bench.recipe.calibrate, bench.recipe.seed
    seen = split.cross_fit(0) if split.n_folds else split
    train, valid = (seen.select(bench.dataset.items, role) for role in ("train", "valid"))
    gate = gate_for(bench.task, train, valid, refusal=table.gate_refusal, seed=seed)
    task = bench.task
    if not isinstance(task, Likens) or not table.neighbours or not len(valid):
        return Doors(gate, None)
    bits = [task.bits(take_items(s.items, s.rows, s.items.record[s.rows])) for s in (train, valid)]
    names = bench.dataset.hashes[train.items.record[train.rows]].tolist()
    return Doors(gate, fit_neighbours(bits[0], bits[1], names, refusal=table.gate_refusal, seed=seed))


def kept_back(bench: Bench, judge: Judge, splits: Sequence[Split], test: Outputs) -> dict[str, Any]:
    """How many test records the release would not answer, and the metrics of those that it would.

    A task that asks is left out: what it is asked is no record as it comes.
    """
    if isinstance(bench.task, Asks):
        return {}
    refused, outside = [], []
    for split in splits:
        doors = fit_doors(bench, split)
        for batch, records in test_batches(bench, split) if doors.gate or doors.neighbours else ():
            closed, far = _closed(bench, doors, batch)
            refused.append(records[closed])
            outside.append(records[far & ~closed])
    out = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *refused, *outside]))
    told = {"n_refused": sum(map(len, refused)), "n_outside": sum(map(len, outside))}
    if not len(out):
        return told
    answered = test.take(np.flatnonzero(~np.isin(test.record, out)))
    return {**told, "metrics_answered": judge.figures(answered, judge.spec.metrics) if len(answered) else {}}


def _closed(bench: Bench, doors: Doors, batch: RecordBatch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Which records the gate refuses, and which have no item that is near enough to what was learned."""
    task = bench.task
    items = task.cut_new(batch) if isinstance(task, CutsNew) else task.cut(batch)
    closed, far = np.zeros((2, len(batch)), dtype=np.bool_)
    if doors.gate is not None:
        closed = np.array([bool(why) for why in doors.gate.refusals(items, len(batch))])
    if doors.neighbours is not None and isinstance(task, Likens) and len(items):
        near = np.isnan(doors.neighbours.strangers(task.bits(items)))
        has = np.bincount(items.record, minlength=len(batch))
        far = (has > 0) & (np.bincount(items.record, weights=near, minlength=len(batch)) == 0)
    return closed, far
