"""Task ``ahead``: kind ``value``, a forecast of the next three samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import ReadError
from toys.examples import RATE_HZ
from toys.tasks.common import NoSettings, needed, only

WINDOW, AHEAD, STRIDE = 16, 3, 4


class Ahead:
    """The next three samples of a wave."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "ahead", "value", "the next three samples", ("a1", "a2", "a3"), unit="mV",
            primary="mae", metrics=("mae", "rmse", "mae_a1", "coverage", "interval_width"), floor="constant",
            example="waves", position_rate_hz=RATE_HZ,
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the wave; one that is too short is refused."""
        needed(batch, "wave")
        shortest = int(batch.ragged("wave").lengths.min())
        if shortest < WINDOW + AHEAD:
            raise ReadError(f"wave: expected at least {WINDOW + AHEAD} samples, got {shortest}; record longer")
        return only(batch, "wave")

    def cut(self, batch: RecordBatch) -> Items:
        """Windows every 4 samples: ``features`` (N, 16) in mV and what follows, (N, 3)."""
        parts = []
        for row, wave in enumerate(batch.ragged("wave")):
            starts = np.arange(0, len(wave) - WINDOW - AHEAD + 1, STRIDE)
            near = np.stack([wave[s : s + WINDOW + AHEAD, 0] for s in starts])
            parts.append((near, np.full(len(starts), row), starts + WINDOW))
        near, record, position = (np.concatenate(p) for p in zip(*parts, strict=True))
        return Items(
            {"features": near[:, :WINDOW]}, record.astype(np.int64), position.astype(np.int64), near[:, WINDOW:]
        )

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a window."""
        target = None if items.target is None else {"value": items.target}
        return Outputs({"value": arrays["value"]}, items.record, items.position, target)

    def summary(self, outputs: Outputs) -> Mapping[str, float]:
        """Share of the forecasts that rise."""
        value = outputs.array("value")
        return {"rising": float(np.mean(value[:, -1] > value[:, 0]))}
