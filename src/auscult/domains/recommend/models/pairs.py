"""Pairs of a user and an item as the click models learn them: each with what else the user took."""

from __future__ import annotations

import numpy as np

from auscult.base.contracts import Index, Items, ItemSet
from auscult.domains.recommend.preprocess.names import latest
from auscult.domains.recommend.tasks.click import without


def counts_of(train: ItemSet, size: int) -> Index:
    """How many users took each item in training, (size,)."""
    items = train.inputs()["item"]
    return np.bincount(items[train.target() == 1], minlength=size)[:size]


def training_pairs(train: ItemSet, width: int, seed: int) -> ItemSet:
    """Training items with ``history`` (N, H) and ``own`` (N,), 1 where the pair itself is among the counts.

    What a user took is shown without the item of the pair. An item that was not taken would have the longer history
    and give itself away, so that there one drawn item is left out instead.
    """
    made = _with_history(train, train, width + 1)
    target, item, history = train.target(), made.inputs["item"], made.inputs["history"]
    rng = np.random.default_rng([seed, 19])
    n_taken = np.maximum((history > 0).sum(axis=1), 1)
    drawn = history[np.arange(len(history)), rng.integers(0, n_taken)]
    inputs = {**made.inputs, "history": without(history, np.where(target == 1, item, drawn))}
    inputs["own"] = (target == 1).astype(np.float32)
    return _whole(Items(inputs, made.record, made.position, target))


def judged_pairs(valid: ItemSet, train: ItemSet, width: int) -> ItemSet:
    """Validation items with what training knows of their users."""
    made = _with_history(valid, train, width + 1)
    history = without(made.inputs["history"], made.inputs["item"])
    inputs = {**made.inputs, "history": history, "own": np.zeros(len(history), np.float32)}
    return _whole(Items(inputs, made.record, made.position, valid.target()))


def _with_history(some: ItemSet, train: ItemSet, width: int) -> Items:
    inputs = some.inputs()
    record, users = some.items.record[some.rows], train.items.record[train.rows]
    taken = train.target() == 1
    n = int(max(record.max(initial=0), users.max(initial=0))) + 1
    rows = latest(train.inputs()["item"][taken], users[taken], n, width)
    return Items({**inputs, "history": rows[record]}, record, some.items.position[some.rows])


def _whole(items: Items) -> ItemSet:
    return ItemSet(items, np.arange(len(items)))
