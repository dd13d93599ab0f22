"""Task ``next-devices``: kind ``ranking``; what else a user takes, from what is known of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Config, Finding, Items, ItemSet, Outputs, RecordBatch, TaskSpec
from toys.tasks.common import NoSettings, cut_where, needed, only


class NextDevices:
    """Devices that a user takes: each device taken is an item to learn from, and a user with some is a question."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "next-devices", "ranking", "devices that a user takes next", ("device",), primary="recall_at_20",
            metrics=("recall_at_20", "ndcg_at_20", "mrr"), floor="popular", example="baskets",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep what was taken, and in which part of a given split it is where that is said."""
        needed(batch, "taken")
        return only(batch, "taken", "part")

    def cut(self, batch: RecordBatch) -> Items:
        """One item a device taken: ``device`` (N, 1), which is its target too."""
        taken = batch.ragged("taken")
        record = np.repeat(np.arange(len(batch)), taken.lengths)
        position = np.arange(len(record)) - taken.offsets[record]
        inputs = {"device": taken.values[:, None].astype(np.int64)}
        if batch.has("part"):
            inputs["part"] = batch.ragged("part").values.astype(np.int64)
        return Items(inputs, record, position, taken.values.astype(np.int64))

    def ask(self, batch: RecordBatch, known: Items, asked: Items | None) -> Items:
        """One question a user: ``history`` (N, L) padded with -1; the target is what was asked for, in this form."""
        rows = np.arange(len(batch), dtype=np.int64)
        history = {"history": _padded(known, len(batch))}
        return Items(history, rows, np.zeros_like(rows), None if asked is None else _padded(asked, len(batch)))

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One ranked list a user."""
        wanted = None if items.target is None else Ragged.of([row[row >= 0] for row in items.target])
        target = None if wanted is None else {"relevant": wanted}
        return Outputs({"item": arrays["item"], "score": arrays["score"]}, items.record, None, target)

    def audit(self, roles: Mapping[str, ItemSet]) -> list[Finding]:
        """Count devices that only the test has."""
        train, test = (np.unique(roles[r].inputs()["device"]) for r in ("train", "test"))
        n = len(np.setdiff1d(test, train))
        return [Finding("test-only", "info", f"{n} devices are in the test only; {len(train)} are learned from", n)]

    def divide(self, outputs: Outputs, roles: Mapping[str, ItemSet]) -> dict[str, dict[str, Outputs]]:
        """By whether more than two devices of a user are known."""
        known = np.bincount(roles["train"].items.record[roles["train"].rows], minlength=outputs.record.max() + 1)
        many = known[outputs.record] > 2
        return {"history": {"long": outputs.take(np.flatnonzero(many)), "short": outputs.take(np.flatnonzero(~many))}}


def _padded(items: Items, n_records: int) -> Array:
    rows = cut_where(items.inputs["device"][:, 0], items.record, n_records)
    width = max([len(r) for r in rows] or [0])
    return np.stack([np.pad(r, (0, width - len(r)), constant_values=-1) for r in rows])
