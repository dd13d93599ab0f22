"""Task ``click``: a user with what the user took before, and an item → the probability that the user takes it.

A click log says what was shown and not taken. Where records hold only what was taken, items that were not are drawn out
of the catalogue, as the published protocol of Last.FM does (Wang et al. 2019, MKR, WWW): a probability is then one
among such draws. A user is what the user took: a release holds no identifier, and a new user is none to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import (
    Config,
    Field,
    Finding,
    Index,
    Items,
    ItemSet,
    LocalFile,
    Outputs,
    RecordBatch,
    Run,
    TaskSpec,
)
from auscult.base.errors import ReadError
from auscult.domains.recommend.preprocess.between import Uses, findings_between, item_groups, user_groups
from auscult.domains.recommend.preprocess.catalogue import Catalogue, hashed, read_catalogue
from auscult.domains.recommend.preprocess.names import item_text, latest

METRICS = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")
REASONS = 3


class ClickConfig(Config):
    """Settings of the task."""

    catalogue: LocalFile = Setting("", description="List of items, 'name<tab>entity' a line; others are set aside.")
    graph: LocalFile = Setting("", description="Triples of a knowledge graph, 'head<tab>relation<tab>tail' a line.")
    drawn: float = Setting(1.0, gt=0, description="Items drawn for each taken one, where nothing says what was not.")
    history: int = Setting(50, ge=1, description="Latest items that stand for a user.")
    attributes: int = Setting(16, ge=1, description="Attributes of an item that are looked at.")


class Click:
    """Whether a user takes an item."""

    Config: ClassVar[type[Config]] = ClickConfig

    def __init__(self, config: ClickConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="click",
            kind="class",
            summary="whether a user takes an item that is shown",
            labels=("no", "yes"),
            primary="roc_auc",
            metrics=METRICS,
            floor="item-popularity",
            example="ward-clicks",
            tags=("click-through rate", "CTR", "recommendation"),
        )

    @cached_property
    def _catalogue(self) -> Catalogue:
        """Read when it is needed: a recipe is checked where its files are not."""
        c = self._config
        return read_catalogue(c.catalogue, c.graph, c.attributes)

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep what was shown of the catalogue, and whether it was taken.

        Raises
        ------
        ReadError
            If the records hold no items, or none that is known.
        """
        made, reasons = self.sift(batch)
        if made is None:
            raise ReadError(next(iter(reasons.values())))
        return made

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Prepare users that have an item of the catalogue, and say which have none."""
        if not batch.has("item"):
            raise ReadError(f"expected items of users, got {', '.join(batch.columns) or 'nothing'}")
        shown = batch.ragged("item")
        clicked = batch.ragged("clicked").values if batch.has("clicked") else np.ones(len(shown.values), np.int8)
        record = np.repeat(np.arange(len(batch)), shown.lengths)
        known = self._catalogue.numbers(shown.values) > 0
        counts = np.bincount(record[known], minlength=len(batch))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        fields = {
            Field("item", "ids", "L", ragged=True): Ragged(np.asarray(shown.values)[known], offsets),
            Field("clicked", "ids", "L", ragged=True): Ragged(np.asarray(clicked)[known].astype(np.int8), offsets),
            Field("is_log", "scalar"): np.full(len(batch), batch.has("clicked")),
        }
        for name in ("time", "context"):
            if batch.has(name):
                fields[batch.field(name)] = Ragged(np.asarray(batch.ragged(name).values)[known], offsets)
        made = batch.with_columns(fields, drop=batch.columns)  # type: ignore[arg-type]
        rows = np.flatnonzero(counts > 0)
        told = {
            int(r): f"expected items of the catalogue, got none of {int(shown.lengths[r])}"
            for r in np.flatnonzero(counts == 0)
        }
        return (made.take(rows) if len(rows) else None), told

    def cut(self, batch: RecordBatch) -> Items:
        """One item a pair that was shown; the target is 1 where it was taken.

        ``item`` (N,), ``attribute`` (N, M), ``context`` (N,), hashed, 0 where nothing says it, and ``time`` (N,) where
        there is one.
        """
        record, number, clicked, position = self._pairs(batch)
        is_log = batch.dense("is_log")
        parts = [(record, number, clicked, position)]
        for row in np.flatnonzero(~is_log):
            mine = number[record == row]
            drawn = self._drawn(mine)
            at = np.arange(len(drawn)) + len(mine)
            parts.append((np.full(len(drawn), row), drawn, np.zeros(len(drawn), np.int64), at))
        record, number, clicked, position = (np.concatenate(p) for p in zip(*parts, strict=True))
        order = np.lexsort((position, record))
        order = order[clicked[order] >= 0]
        return self._items(batch, record[order], position[order], (number[order], clicked[order]))

    def cut_new(self, batch: RecordBatch) -> Items:
        """Pairs as the file shows them; nothing is drawn. The target is -1 for what is asked about."""
        record, number, clicked, position = self._pairs(batch)
        return self._items(batch, record, position, (number, clicked))

    def ask(self, batch: RecordBatch, known: Items, asked: Items | None) -> Items:
        """One question a pair: also ``history`` (N, H), what the user took of what may be seen, without the item.

        With nothing asked for, the pairs without an answer are; where all have one, each is asked about in turn.
        """
        taken = known.target == 1 if known.target is not None else np.zeros(len(known), bool)
        if asked is None:
            wanted = known.target == -1 if known.target is not None else taken
            rows = np.flatnonzero(wanted if wanted.any() else np.ones(len(known), bool))
            asked = Items({k: v[rows] for k, v in known.inputs.items()}, known.record[rows], known.position[rows])
        history = latest(known.inputs["item"][taken], known.record[taken], len(batch), self._config.history + 1)
        mine = without(history[asked.record], asked.inputs["item"])
        inputs = {**asked.inputs, "history": mine}
        return Items(inputs, asked.record, asked.position, asked.target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a pair."""
        truth = None if items.target is None else {"label": items.target}
        return Outputs({"probability": arrays["probability"]}, items.record, items.position, truth)

    def audit(self, roles: Mapping[str, ItemSet]) -> list[Finding]:
        """Leaks in time, and what training does not hold, of what was taken."""
        return findings_between({role: Uses.of(some, taken_only=True) for role, some in roles.items()})

    def divide(self, outputs: Outputs, roles: Mapping[str, ItemSet]) -> dict[str, dict[str, Outputs]]:
        """By the popularity of the item, and by how much was known of the user."""
        train, valid = (Uses.of(roles[r], taken_only=True) for r in ("train", "valid"))
        groups = {"items": item_groups(self._shown(outputs, roles["test"]), train)}
        groups["users"] = user_groups(outputs.record, train, valid)
        return {
            key: {k: outputs.take(np.flatnonzero(mask)) for k, mask in masks.items()} for key, masks in groups.items()
        }

    def _shown(self, outputs: Outputs, test: ItemSet) -> Index:
        """Number of the item of each answer."""
        asked = outputs.position if outputs.position is not None else np.zeros_like(outputs.record)
        record, position = test.items.record[test.rows], test.items.position[test.rows]
        span = 1 + int(max(asked.max(initial=0), position.max(initial=0)))
        order = np.argsort(record * span + position)
        at = np.searchsorted((record * span + position)[order], outputs.record * span + asked)
        return np.asarray(test.inputs()["item"][order][at], dtype=np.int64)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """For each answered pair, the items of the history without which the probability would fall most."""
        questions = self.ask(batch, self.cut_new(batch), None)
        told: list[dict[str, Any]] = [{"items": []} for _ in range(len(batch))]
        for row in range(len(questions)):
            history = questions.inputs["history"][row]
            at = np.flatnonzero(history)
            each = np.repeat(history[None], len(at) + 1, axis=0)
            each[np.arange(len(at)), at] = 0
            one = {k: np.repeat(v[row : row + 1], len(at) + 1, axis=0) for k, v in questions.inputs.items()}
            yes = run({**one, "history": each})["probability"][:, 1]
            fall = yes[-1] - yes[:-1]
            led = [int(k) for k in np.argsort(-fall)[:REASONS] if fall[k] > 0]
            record = int(questions.record[row])
            names = batch.ragged("item")[record]
            because = [{"item": self._name(names, int(history[at[k]])), "adds": round(float(fall[k]), 4)} for k in led]
            item = self._name(names, int(questions.inputs["item"][row]))
            told[record]["items"].append({"item": item, "because": because})
        return told

    def _name(self, names: Array, number: int) -> str:
        """Name of an item of a record by its number."""
        return item_text(names[np.flatnonzero(self._catalogue.numbers(names) == number)[0]])

    def _pairs(self, batch: RecordBatch) -> tuple[Index, Index, Index, Index]:
        """Record, number of the item, answer and place in the record of each pair that was shown."""
        shown = batch.ragged("item")
        record = np.repeat(np.arange(len(batch)), shown.lengths)
        position = np.arange(len(record)) - shown.offsets[record]
        clicked = np.asarray(batch.ragged("clicked").values).astype(np.int64)
        return record, self._catalogue.numbers(np.asarray(shown.values)), clicked, position

    def _drawn(self, taken: Index) -> Index:
        """Items that a user did not take, by a generator that what was taken seeds; each once."""
        size = len(self._catalogue.names)
        if not size:
            raise ReadError("clicked: expected a column that says what was not taken, got none; or set task.catalogue")
        rng = np.random.default_rng([crc32(np.sort(taken).tobytes()), 17])
        left = np.setdiff1d(np.arange(1, size + 1), taken)
        return np.asarray(rng.permutation(left)[: round(self._config.drawn * len(taken))])

    def _items(self, batch: RecordBatch, record: Index, position: Index, pair: tuple[Index, Index]) -> Items:
        """Put pairs together; the time of a pair that was drawn is not known."""
        number, clicked = pair
        inputs: dict[str, Array] = {"item": number, "attribute": self._catalogue.attributes_of(number)}
        if batch.has("time"):
            inputs["time"] = _along(batch.ragged("time"), record, position)
        inputs["context"] = np.zeros(len(record), np.int64)
        if batch.has("context"):
            context = batch.ragged("context")
            # a pair that was drawn has the context of one that was taken, or its lack would give it away
            at = context.offsets[record] + position % np.maximum(context.lengths[record], 1)
            inputs["context"] = hashed(np.asarray(context.values))[at]
        return Items(inputs, record.astype(np.int64), position.astype(np.int64), clicked)


def _along(column: Ragged, record: Index, position: Index) -> Array:
    """Values of a column at places of records, (N,); NaN beyond the end of a record."""
    inside = position < column.lengths[record]
    at = np.where(inside, column.offsets[record] + position, 0)
    return np.where(inside, np.asarray(column.values, dtype=np.float64)[at], np.nan)


def without(history: Index, item: Index) -> Index:
    """Histories without an item each, one place shorter: (N, H + 1), (N,) -> (N, H). What is left keeps its order."""
    rest = np.where(history == item[:, None], 0, history)
    order = np.argsort(rest == 0, axis=1, kind="stable")
    return np.asarray(np.take_along_axis(rest, order, axis=1)[:, :-1])
