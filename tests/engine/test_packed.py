"""Rows of a table that hold arrays come back as they were, and masks take little room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auscult.base.arrays import Column, Ragged
from auscult.engine.packed import packed_rows, unpacked_rows


@pytest.mark.parametrize(
    "column",
    [
        np.array([1, 2, 3]),
        np.array([[0.5, 1.5], [2.5, 3.5]]),
        np.arange(24.0).reshape(2, 3, 4),
        Ragged.of([np.arange(3), np.arange(5)]),
        Ragged.of([np.arange(3), np.arange(3)]),
        Ragged.of([np.ones((2, 4)), np.zeros((0, 4))]),
        Ragged.of([np.ones((2, 3, 4), np.uint8), np.zeros((1, 5, 2), np.uint8)], ragged_axes=3),
    ],
    ids=["numbers", "vectors", "intervals", "ragged", "even-ragged", "boxes", "masks"],
)
def test_a_column_comes_back(column: Column, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": packed_rows(column)}), tmp_path / "a.parquet")
    back = unpacked_rows(pq.read_table(tmp_path / "a.parquet").column("a").to_pylist())
    assert isinstance(back, Ragged) == isinstance(column, Ragged)
    assert len(back) == len(column)
    for row in range(len(column)):
        np.testing.assert_array_equal(back[row], column[row])
        assert np.asarray(back[row]).dtype == np.asarray(column[row]).dtype


def test_a_mask_takes_little_room() -> None:
    mask = np.zeros((40, 50, 40), dtype=np.uint8)
    mask[10:30, 20:40, 10:30] = 1
    (row,) = packed_rows(Ragged.of([mask], ragged_axes=3))
    assert len(row) < 2000
