"""Names of columns and classes in a recipe that no record has, each with the nearest one that is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from auscult.base.contracts import Items, RecordBatch
from auscult.base.errors import unknown

MAX_CLASSES = 20
LONGEST_CLASS = 40
"""What is longer is a text, and what occurs once may name a record: neither goes into a message."""


def misnamed(
    items: Items,
    there: Collection[str],
    raw: Iterable[RecordBatch],
    *,
    groups: Sequence[str],
    label: Sequence[str],
    classes: Sequence[str],
) -> list[str]:
    """Say which columns and classes of the settings no record has; nothing where there is enough to learn from.

    Parameters
    ----------
    items : Items
        What is to be learned from.
    there : collection of str
        Group keys that every record has.
    raw : iterable of RecordBatch
        The records as they were read.
    groups, label : sequence of str
        Columns that are kept as group keys, and those that hold the label.
    classes : sequence of str
        Classes of which each record has one; empty where it may have any number.
    """
    lost = [name for name in groups if name not in there]
    target = np.zeros(0) if items.target is None else np.asarray(items.target)
    too_few = len(target) < len(items) or not len(target) or (bool(classes) and len(np.unique(target)) < 2)
    if not lost and not too_few:
        return []
    columns: set[str] = set()
    values: Counter[str] = Counter()
    for batch in raw:
        columns.update(f.name for f in batch.fields if f.kind == "text")
        for name in set(label) & set(batch.columns) if too_few else ():
            values.update(str(v).strip() for v in batch.dense(name))
    told = [_lost("groups", name, columns) for name in lost]
    if len(target) < len(items) or (too_few and columns.isdisjoint(label)):
        return told + [_lost("label", name, columns) for name in label]
    if too_few and classes:
        listed = [v for v, n in values.most_common() if n > 1 and 0 < len(v) <= LONGEST_CLASS][:MAX_CLASSES]
        told += [unknown("class", name, listed, where="[task] labels") for name in classes if name not in values]
    return told


def _lost(key: str, name: str, columns: Collection[str]) -> str:
    """Say that no file, or not every file, has a column."""
    if name not in columns:
        return unknown("column", name, columns, where=f"[task] {key}")
    return (
        f"[task] {key}: expected a column '{name}' in every file, got it in some only; leave out the files without it "
        "by [data] include, or the name"
    )
