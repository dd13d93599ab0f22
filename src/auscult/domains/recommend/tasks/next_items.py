"""Task ``next-items``: what a user has taken → what the user takes next, out of everything that training knows.

Every interaction is an item to learn from; a question is a user with the items that may be seen. A new user is asked
about in the same way: a file with what the user has taken so far, or with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Config, Field, Finding, Items, ItemSet, Outputs, RecordBatch, Run, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.between import Uses, divided_lists, findings_between
from auscult.domains.recommend.preprocess.names import padded, unpadded
from auscult.domains.recommend.preprocess.reasons import noted, reasons
from auscult.domains.recommend.preprocess.variety import variety

METRICS = ("recall_at_20", "ndcg_at_20", "map_at_20", "hit_rate_at_20", "mrr")


class NextItemsConfig(Config):
    """Settings of the task."""

    least_weight: float = Setting(
        0.0,
        ge=0,
        description="Items whose largest weight for a user is lower are left out, and users of whom no other is left.",
    )


class NextItems:
    """The next items of a user."""

    Config: ClassVar[type[Config]] = NextItemsConfig

    def __init__(self, config: NextItemsConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="next-items",
            kind="ranking",
            summary="the items that a user takes next, from those taken before",
            labels=("item",),
            primary="recall_at_20",
            metrics=METRICS,
            floor="popularity",
            example="ward-usage",
            tags=("recommendation", "collaborative filtering", "implicit feedback"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the items, and the part of a given split where there is one.

        Raises
        ------
        ReadError
            If the records hold no items, or none of the least weight.
        """
        made, told = self.sift(batch)
        if made is None:
            raise ReadError(next(iter(told.values())))
        return made

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare users, and say which have items but none of the least weight."""
        if not batch.has("item"):
            raise ReadError(f"expected items of users, got {', '.join(batch.columns) or 'nothing'}")
        if batch.has("clicked"):
            batch = _only(batch, np.asarray(batch.ragged("clicked").values) == 1)
        light = np.zeros(len(batch), dtype=bool)
        least = self._config.least_weight
        if least:
            if not batch.has("weight"):
                raise ReadError("[task] least_weight: expected a column of weights, got none; leave the setting out")
            had = batch.ragged("item").lengths > 0
            batch = _only(batch, np.asarray(batch.ragged("weight").values) >= least)
            light = had & (batch.ragged("item").lengths == 0)
        reason = f"[task] least_weight: expected an item of a weight of at least {least:g}, got none; lower the setting"
        told = dict.fromkeys(np.flatnonzero(light).tolist(), reason)
        if light.any():
            if light.all():
                return None, told
            batch = batch.take(np.flatnonzero(~light))
        user = {Field("user", "ids"): np.arange(len(batch))}  # two users of the same items are two records
        return batch.with_columns(user, drop=[n for n in batch.columns if n not in ("item", "part", "time")]), told

    def cut(self, batch: RecordBatch) -> Items:
        """One item an interaction: ``item`` (N,), its target too; ``part`` and ``time`` (N,) where they are known."""
        taken = batch.ragged("item")
        record = np.repeat(np.arange(len(batch)), taken.lengths)
        names = np.array(taken.values)
        inputs = {"item": names}
        inputs |= {name: np.array(batch.ragged(name).values) for name in ("part", "time") if batch.has(name)}
        return Items(inputs, record, np.arange(len(record)) - taken.offsets[record], names)

    def ask(self, batch: RecordBatch, known: Items, asked: Items | None) -> Items:
        """One question a user: ``history`` (N, L), padded with empty names; the target has the same form."""
        rows = np.arange(len(batch), dtype=np.int64)
        history = padded(known.inputs["item"], known.record, len(batch))
        target = None if asked is None else padded(asked.inputs["item"], asked.record, len(batch))
        return Items({"history": history}, rows, np.zeros_like(rows), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One ranked list a user; in use with a note of the items that training did not know."""
        target = None if items.target is None else {"relevant": unpadded(items.target)}
        return Outputs(noted(items, arrays), items.record, None, target)

    def summary(self, outputs: Outputs) -> dict[str, float]:
        """How varied the lists are."""
        return variety(outputs)

    def audit(self, roles: Mapping[str, ItemSet]) -> list[Finding]:
        """Leaks in time, and what training does not hold."""
        return findings_between({role: Uses.of(some) for role, some in roles.items()})

    def divide(self, outputs: Outputs, roles: Mapping[str, ItemSet]) -> dict[str, dict[str, Outputs]]:
        """By the popularity of what was taken, and by how much was known of the user."""
        return divided_lists(outputs, Uses.of(roles["train"]), Uses.of(roles["valid"]))

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """For each recommended item, which known items led to it, and how much of its score each made."""
        items = self.cut(batch)
        return reasons(self.ask(batch, items, None).inputs["history"], run)


def _only(batch: RecordBatch, kept: Array) -> RecordBatch:
    """Some of the interactions of users, by a mask over all of them, (N,)."""
    shown = batch.ragged("item")
    record = np.repeat(np.arange(len(batch)), shown.lengths)[kept]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(record, minlength=len(batch)))]).astype(np.int64)
    columns = {
        f: Ragged(np.asarray(batch.ragged(f.name).values)[kept], offsets)
        for f in batch.fields
        if f.name in ("item", "time", "weight", "part")
    }
    return batch.with_columns(columns, drop=[n for n in batch.columns if n != "tenth"])
