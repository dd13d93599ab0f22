"""One check and one fault of the toy domain."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from auscult.base.arrays import Ragged
from auscult.base.contracts import Finding, RecordBatch


def short_records(batches: Iterable[RecordBatch]) -> list[Finding]:
    """Find records with an empty ragged column."""
    names = [
        str(name)
        for batch in batches
        for column in batch.columns.values()
        if isinstance(column, Ragged)
        for name, length in zip(batch.record, column.lengths, strict=True)
        if length == 0
    ]
    return [Finding("short", "warning", "records with an empty column", len(names), tuple(names))] if names else []


def add_noise(batch: RecordBatch, rng: np.random.Generator) -> RecordBatch:
    """Add noise to every array."""
    made = {}
    for field in batch.fields:
        column = batch.columns[field.name]
        if field.kind != "array":
            continue
        values = column.values if isinstance(column, Ragged) else column
        noisy = (values + rng.normal(0, 0.1, values.shape)).astype(values.dtype)
        made[field] = Ragged(noisy, column.offsets, column.shapes) if isinstance(column, Ragged) else noisy
    return batch.with_columns(made)
