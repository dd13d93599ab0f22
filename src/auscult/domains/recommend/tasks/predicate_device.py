"""Task ``predicate-device``: some predicates of a device → one more, out of all devices that are known.

A device that is to be cleared names earlier ones that it is equivalent to. Training knows the links of devices up to a
year; a later device shows all of its predicates but one, which is to be found. A request shows those that are known.
Devices have numbers only, so that a device without a known predicate cannot be answered better than by popularity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Field, Finding, Index, Items, ItemSet, Outputs, RecordBatch, Run, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.between import Uses, divided_lists, findings_between
from auscult.domains.recommend.preprocess.clearance import clearance_years
from auscult.domains.recommend.preprocess.names import as_names, padded, unpadded
from auscult.domains.recommend.preprocess.reasons import noted, reasons
from auscult.domains.recommend.preprocess.variety import variety

METRICS = ("recall_at_20", "ndcg_at_20", "mrr")


class PredicateDeviceConfig(Config):
    """Which devices are in which part of a split by time; the group key is ``period``."""

    train_until: int = Setting(2019, description="Last year of clearance of the devices whose links are learned.")
    test_from: int = Setting(2021, description="First year of the devices for the test; those between are validation.")


class PredicateDevice:
    """One more predicate of a device."""

    Config: ClassVar[type[Config]] = PredicateDeviceConfig

    def __init__(self, config: PredicateDeviceConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="predicate-device",
            kind="ranking",
            summary="one more predicate of a device, from those that are known",
            labels=("device",),
            primary="recall_at_20",
            metrics=METRICS,
            floor="two-hop",
            example="clearances",
            resample="record",
            tags=("510(k)", "substantial equivalence", "link prediction", "citation graph"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep links of devices whose number says a year.

        Raises
        ------
        ReadError
            If the records are no links of devices, or no number says a year.
        """
        made, told = self.sift(batch)
        if made is None:
            raise ReadError(next(iter(told.values())))
        return made

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare devices whose number says a year, and say which have none; the group ``period`` is their role."""
        if not batch.has("item"):
            raise ReadError(f"expected links of devices, got {', '.join(batch.columns) or 'nothing'}")
        owner = as_names([str(r).rpartition("/")[2][:32] for r in batch.record])
        years = clearance_years(owner)
        told = {
            int(row): "device: expected a number of clearance such as K191234, got another name"
            for row in np.flatnonzero(years < 0)
        }
        rows = np.flatnonzero(years >= 0)
        if not len(rows):
            return None, told
        c = self._config
        period = np.where(years <= c.train_until, "train", np.where(years < c.test_from, "valid", "test"))
        kept = batch.with_columns({Field("owner", "ids"): owner}, drop=[n for n in batch.columns if n != "item"])
        made = RecordBatch(kept.fields, kept.columns, kept.record, None, {**kept.groups, "period": period})
        return made.take(rows), told

    def cut(self, batch: RecordBatch) -> Items:
        """One item a link: ``item`` and ``owner`` (N,) names."""
        linked = batch.ragged("item")
        record = np.repeat(np.arange(len(batch)), linked.lengths)
        item = np.array(linked.values)
        inputs = {"item": item, "owner": batch.dense("owner")[record]}
        return Items(inputs, record, np.arange(len(record)) - linked.offsets[record], item)

    def ask(self, batch: RecordBatch, known: Items, asked: Items | None) -> Items:
        """One question a device: ``history`` (N, L), padded with empty names; one link is hidden, always the same.

        A device with one link cannot be asked about. Where a split by links says what is known, it is that.
        """
        if asked is None:
            return _question(known.inputs["item"], known.record, np.arange(len(batch), dtype=np.int64))
        if len(known):
            rows = np.intersect1d(known.record, asked.record)
            shown, wanted = np.isin(known.record, rows), np.isin(asked.record, rows)
            found = (asked.inputs["item"][wanted], np.searchsorted(rows, asked.record[wanted]))
            record = np.searchsorted(rows, known.record[shown])
            return _question(known.inputs["item"][shown], record, rows, found)
        rows, counts = np.unique(asked.record, return_counts=True)
        rows, counts = rows[counts > 1], counts[counts > 1]
        inside = np.isin(asked.record, rows)
        names, record = asked.inputs["item"][inside], np.searchsorted(rows, asked.record[inside])
        start = np.cumsum(counts) - counts
        drawn = np.array([crc32(bytes(o)) for o in batch.dense("owner")[rows]], dtype=np.int64)
        hidden = np.zeros(len(names), dtype=bool)
        hidden[start + drawn % np.maximum(counts, 1)] = True
        return _question(names[~hidden], record[~hidden], rows, (names[hidden], record[hidden]))

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One ranked list a device; in use with a note of the devices that training did not know."""
        target = None if items.target is None else {"relevant": unpadded(items.target)}
        return Outputs(noted(items, arrays), items.record, None, target)

    def summary(self, outputs: Outputs) -> dict[str, float]:
        """How varied the lists are."""
        return variety(outputs)

    def audit(self, roles: Mapping[str, ItemSet]) -> list[Finding]:
        """Which devices to be found are in no link of training; roles are years, so that nothing else can leak."""
        seen = {role: Uses.of(some) for role, some in roles.items()}
        return [f for f in findings_between({**seen, "train": _linked(roles["train"])}) if f.check == "cold-items"]

    def divide(self, outputs: Outputs, roles: Mapping[str, ItemSet]) -> dict[str, dict[str, Outputs]]:
        """By how many links of training the device that is to be found is in."""
        divided = divided_lists(outputs, _linked(roles["train"]), Uses.of(roles["valid"]))
        return {"items": divided["items"]}

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """For each device in the list, which known predicates led to it, and how much of its score each made."""
        return reasons(self.ask(batch, self.cut(batch), None).inputs["history"], run)


def _linked(some: ItemSet) -> Uses:
    """Both ends of links as what was used."""
    uses, owner = Uses.of(some), some.inputs()["owner"]
    return Uses(np.concatenate([uses.item, owner]), np.tile(uses.user, 2), np.tile(uses.time, 2))


def _question(names: Array, record: Index, rows: Index, wanted: tuple[Array, Index] | None = None) -> Items:
    history = padded(names, record, len(rows))
    target = None if wanted is None else padded(wanted[0], wanted[1], len(rows))
    return Items({"history": history}, rows.astype(np.int64), np.zeros(len(rows), dtype=np.int64), target)
