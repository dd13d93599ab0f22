"""Checks of interactions: how much they can say about new users and items."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from auscult.base.contracts import Finding, RecordBatch

POPULAR_SHARE = 0.01
MUCH = 0.5
FEW = 5
TEST = 2


def _counts(batches: Iterable[RecordBatch]) -> tuple[np.ndarray, np.ndarray]:
    """How often each item was taken, and how many items each user took."""
    names, lengths = [], []
    for batch in batches:
        if not batch.has("item"):
            continue
        names.append(np.asarray(batch.ragged("item").values))
        lengths.append(batch.ragged("item").lengths)
    if not names:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.unique(np.concatenate(names), return_counts=True)[1], np.concatenate(lengths)


def popularity_share(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Say where few items hold most interactions: then popularity alone looks good."""
    counts, _ = _counts(batches)
    if not len(counts):
        return []
    top = max(1, round(POPULAR_SHARE * len(counts)))
    share = float(np.sort(counts)[-top:].sum() / counts.sum())
    if share < MUCH:
        return []
    text = f"{top} of {len(counts)} items hold {100 * share:.0f} % of the interactions; read the floor popularity"
    return [Finding("popularity-share", "warning", text, top)]


def rare_items(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count items that too few users took to be recommended for what others took."""
    counts, _ = _counts(batches)
    rare = int((counts < FEW).sum())
    text = f"of {len(counts)} items were taken by fewer than {FEW} users; only their attributes can recommend them"
    return [Finding("rare-items", "info", f"{rare} {text}", rare)] if rare else []


def short_histories(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count users with too few items to be known by them."""
    _, lengths = _counts(batches)
    few = int((lengths < FEW).sum())
    text = f"of {len(lengths)} users took fewer than {FEW} items; popularity speaks for them"
    return [Finding("short-histories", "info", f"{few} {text}", few)] if few else []


def repeated_users(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count users who are several records, as where a table was cut into files: each knows a part of what they took."""
    held = [b.subject for b in batches if b.has("item") and b.subject is not None]
    if not held:
        return []
    repeated = int((np.unique(np.concatenate(held), return_counts=True)[1] > 1).sum())
    text = "users are in several tables or folders, and each part of what they took is a user; put them into one table"
    return [Finding("repeated-users", "warning", f"{repeated} {text}", repeated)] if repeated else []


def one_part_only(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count what a given split has in its test only: users without a history, and items that training never saw."""
    names, parts, users = [], [], 0
    for batch in batches:
        if not (batch.has("item") and batch.has("part")) or isinstance(batch.columns["part"], np.ndarray):
            continue
        names.append(np.asarray(batch.ragged("item").values))
        parts.append(np.asarray(batch.ragged("part").values))
        of_user = np.repeat(np.arange(len(batch)), batch.ragged("part").lengths)
        known = np.bincount(of_user, weights=parts[-1] < TEST, minlength=len(batch))
        users += int(((known == 0) & (batch.ragged("part").lengths > 0)).sum())
    if not names:
        return []
    name, part = np.concatenate(names), np.concatenate(parts)
    items = len(np.setdiff1d(name[part == TEST], name[part < TEST]))
    found = []
    if items:
        text = f"{items} items are in the test only; nothing that learns from use can list them"
        found.append(Finding("one-part-only", "warning", text, items))
    if users:
        text = f"{users} users are in the test only; they are answered without a history"
        found.append(Finding("one-part-only", "info", text, users))
    return found
