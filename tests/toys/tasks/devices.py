"""Task ``next-devices``: kind ``ranking``; what a user took last, from what was taken before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array, Column, Ragged
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, TaskSpec
from auscult.base.errors import ReadError
from toys.tasks.common import NoSettings, needed, only, rows_of

LENGTH, HELD = 8, 2


class NextDevices:
    """The two devices that a user took last. A request is a user without them."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "next-devices", "ranking", "devices that a user takes next", ("device",), primary="recall_at_20",
            metrics=("recall_at_20", "ndcg_at_20", "mrr"), floor="popular", example="baskets",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep what was taken, and hold the last two back."""
        needed(batch, "taken")
        taken = batch.ragged("taken")
        if int(taken.lengths.min()) <= HELD:
            raise ReadError(f"taken: expected more than {HELD} devices, got fewer")
        made: dict[Field, Column] = {
            Field("history", "ids", "L", ragged=True): Ragged.of([t[:-HELD] for t in taken]),
            Field("held", "ids", "L", ragged=True): Ragged.of([t[-HELD:] for t in taken]),
        }
        return only(batch.with_columns(made), "history", "held")

    def cut(self, batch: RecordBatch) -> Items:
        """One item a user: ``history`` (N, L) padded with -1; the target is everything taken, padded, (N, L)."""
        rows = rows_of(batch)
        history = np.stack([_padded(h) for h in batch.ragged("history")])
        whole = [np.concatenate([a, b]) for a, b in zip(batch.ragged("history"), batch.ragged("held"), strict=True)]
        return Items({"history": history}, rows, np.zeros_like(rows), np.stack([_padded(w) for w in whole]))

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One ranked list a user."""
        target = {"relevant": batch.ragged("held")} if items.target is not None else None
        return Outputs({"item": arrays["item"], "score": arrays["score"]}, items.record, None, target)


def _padded(taken: Array) -> Array:
    return np.pad(taken[:LENGTH], (0, max(0, LENGTH - len(taken))), constant_values=-1).astype(np.int64)
