"""Checks of texts before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from auscult.base.contracts import Finding, RecordBatch

SHOWN = 20


def encodings(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Say which encodings the files have, where there is more than UTF-8."""
    counts: Counter[str] = Counter()
    for batch in batches:
        counts.update(batch.groups.get("encoding", np.zeros(0, np.str_)).tolist())
    return [
        Finding("encodings", "info", f"records from files in {name}, not UTF-8", n)
        for name, n in sorted(counts.items())
        if not name.startswith("utf-8")
    ]


def unlabelled(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count the records whose label is none of the task's: they are neither learned from nor judged."""
    names: list[str] = []
    for batch in batches:
        if batch.has("label") and batch.field("label").kind == "ids":  # a file may have a column of this name
            label = np.asarray(batch.dense("label"))
            names += batch.record[(label < 0).reshape(len(label), -1).all(axis=1)].tolist()
    if not names:
        return []
    text = "records without one of the task's labels; they are left out of training and figures"
    return [Finding("unlabelled", "warning", text, len(names), tuple(names[:SHOWN]))]


def spans_of_other_types(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Count the spans whose type is none of the task's: they are neither learned from nor judged."""
    names: list[str] = []
    count = 0
    for batch in batches:
        if batch.has("other_spans"):
            other = np.asarray(batch.dense("other_spans"))
            names += batch.record[other > 0].tolist()
            count += int(other.sum())
    if not names:
        return []
    text = f"records with spans of a type that the task does not have; {count} spans are left out"
    return [Finding("spans-of-other-types", "warning", text, len(names), tuple(names[:SHOWN]))]
