"""Task ``spikes``: kind ``events``; every sample is an item, local peaks of the score are candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, Run, TaskSpec
from toys.examples import RATE_HZ
from toys.tasks.common import NoSettings, cut_where, needed, only, ragged

SIDE = 2


class Spikes:
    """Where a wave has spikes."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "spikes", "events", "spikes of a wave", ("spike",), primary="event_f1",
            metrics=("event_f1", "sensitivity", "ppv"), floor="constant", example="waves",
            position_rate_hz=RATE_HZ, parameters={"tolerance_s": 0.15},
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the wave and the spikes."""
        needed(batch, "wave")
        return only(batch, "wave", "spike")

    def cut(self, batch: RecordBatch) -> Items:
        """Samples with their neighbours: ``features`` (N, 5) in mV; the target is (N, 1), 1 at a spike."""
        parts = []
        for row, wave in enumerate(batch.ragged("wave")):
            padded = np.pad(wave[:, 0], SIDE, mode="edge")
            near = np.lib.stride_tricks.sliding_window_view(padded, 2 * SIDE + 1)
            hit = np.zeros((len(wave), 1), dtype=np.int64)
            if batch.has("spike"):
                hit[batch.ragged("spike")[row]] = 1
            parts.append((near, np.full(len(wave), row), np.arange(len(wave)), hit))
        near, record, position, hit = (np.concatenate(p) for p in zip(*parts, strict=True))
        return Items(
            {"features": np.ascontiguousarray(near, dtype=np.float32)},
            record.astype(np.int64), position.astype(np.int64),
            hit if batch.has("spike") else None,
        )  # fmt: skip

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record: local peaks of the score."""
        score = np.asarray(arrays["score"], dtype=np.float32).reshape(len(items))
        found = [
            (p[keep], s[keep])
            for s, p in zip(
                cut_where(score, items.record, len(batch)),
                cut_where(items.position, items.record, len(batch)),
                strict=True,
            )
            for keep in [_peaks(s)]
        ]
        made: dict[str, Column] = {
            "position": ragged([p for p, _ in found], np.zeros(0, np.int64)),
            "label": ragged([np.zeros(len(p)) for p, _ in found], np.zeros(0, np.int64)),
            "score": ragged([s for _, s in found], np.zeros(0, np.float32)),
        }
        target = {"position": batch.ragged("spike")} if batch.has("spike") else None
        return Outputs(made, np.arange(len(batch), dtype=np.int64), None, target)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Name the highest sample of each record."""
        return [{"highest_s": float(np.argmax(wave[:, 0]) / RATE_HZ)} for wave in batch.ragged("wave")]


def _peaks(score: Array) -> Array:
    padded = np.pad(score, 1, constant_values=-np.inf)
    return np.flatnonzero((score > padded[:-2]) & (score >= padded[2:]))
