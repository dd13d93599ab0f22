"""Rows of a table that hold arrays: numbers and vectors as they are, everything else as a few compressed bytes.

A mask of a volume has a hundred thousand numbers and says little; a parquet file with lists of them is read and written
in minutes. Packed it also keeps its axes and that rows may differ in length, which a list loses.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np

from auscult.base.arrays import Array, Column, Ragged

_DENSE = 0


def packed_rows(column: Column) -> list[Any]:
    """Turn a column into values of a table.

    Parameters
    ----------
    column : (N, ...) array or Ragged
        Dense rows without an axis become numbers, with one axis lists. Dense rows with more axes and ragged rows become
        bytes: how many axes are ragged, then the array in NumPy's format, deflated.
    """
    n_ragged = _DENSE
    if isinstance(column, Ragged):
        n_ragged = 1 if column.shapes is None else column.shapes.shape[1]
    return [_packed(np.asarray(column[row]), n_ragged) for row in range(len(column))]


def unpacked_rows(values: list[Any]) -> Column:
    """Return the column that ``packed_rows`` was given: (N, ...) or ragged."""
    if isinstance(values[0], bytes):
        n_ragged = values[0][0]
        rows = [np.load(io.BytesIO(zlib.decompress(v[1:])), allow_pickle=False) for v in values]
        return np.stack(rows) if n_ragged == _DENSE else Ragged.of(rows, ragged_axes=n_ragged)
    return np.asarray(values)


def _packed(row: Array, n_ragged: int) -> Any:
    if row.ndim == 0:
        return row.item()
    if row.ndim == 1 and n_ragged == _DENSE:
        return row.tolist()
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(row), allow_pickle=False)
    return bytes([n_ragged]) + zlib.compress(stream.getvalue(), 6)
