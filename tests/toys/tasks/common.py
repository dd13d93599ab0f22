"""What the toy tasks share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auscult.base.arrays import Array, Column, Ragged, require_finite
from auscult.base.contracts import Config, RecordBatch
from auscult.base.errors import ReadError


class NoSettings(Config):
    """A part without settings."""


def needed(batch: RecordBatch, *names: str) -> None:
    """Refuse records without a column, or with NaN in one."""
    for name in names:
        if not batch.has(name):
            raise ReadError(f"expected the column '{name}', got {', '.join(batch.columns) or 'nothing'}")
        column = batch.columns[name]
        require_finite(column.values if isinstance(column, Ragged) else column, name)


def only(batch: RecordBatch, *names: str) -> RecordBatch:
    """Drop every other column."""
    return batch.with_columns({}, drop=[f.name for f in batch.fields if f.name not in names])


def rows_of(batch: RecordBatch) -> Array:
    """One item a record."""
    return np.arange(len(batch), dtype=np.int64)


def cut_where(values: Array, record: Array, n_records: int) -> list[Array]:
    """Give the rows of each record, in order."""
    return [values[record == row] for row in range(n_records)]


def ragged(rows: Sequence[Array], like: Array) -> Ragged:
    """Build a ragged column that may have no row or empty rows of a known form."""
    return Ragged.of([np.asarray(r, dtype=like.dtype).reshape(-1, *like.shape[1:]) for r in rows] or [like])


def truth(batch: RecordBatch, name: str, as_name: str) -> dict[str, Column] | None:
    """Give the truth of records that carry it."""
    return {as_name: batch.columns[name]} if batch.has(name) else None
