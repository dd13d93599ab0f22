"""Ragged columns and the checks at a boundary. Expected values are by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auscult.base.arrays import Ragged, join, require_axes, require_finite, take
from auscult.base.errors import ShapeError

ROWS = [np.array([1.0, 2.0]), np.array([]), np.array([3.0])]


def test_rows_come_back() -> None:
    column = Ragged.of(ROWS)
    assert len(column) == 3
    assert column.offsets.tolist() == [0, 2, 2, 3]
    assert column.lengths.tolist() == [2, 0, 1]
    assert [r.tolist() for r in column] == [[1, 2], [], [3]]
    assert column.take(np.array([2, 0])).values.tolist() == [3, 1, 2]
    assert column.take(np.array([], dtype=np.int64)).offsets.tolist() == [0]


def test_more_than_one_ragged_axis() -> None:
    column = Ragged.of([np.arange(6).reshape(2, 3), np.arange(4).reshape(4, 1)], ragged_axes=2)
    assert column.shapes is not None
    assert column.shapes.tolist() == [[2, 3], [4, 1]]
    assert column[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert column[1].shape == (4, 1)
    back = column.take(np.array([1, 0]))
    assert back[0].shape == (4, 1)
    both = join([column, back])
    assert isinstance(both, Ragged)
    assert both[3].tolist() == [[0, 1, 2], [3, 4, 5]]


@given(st.lists(st.lists(st.integers(-5, 5), max_size=4), min_size=1, max_size=6), st.data())
def test_take_and_join_agree_with_lists(rows: list[list[int]], data: st.DataObject) -> None:
    column = Ragged.of([np.array(r, dtype=np.int64) for r in rows])
    order = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6))
    taken = take(column, np.array(order, dtype=np.int64))
    assert [r.tolist() for r in taken] == [rows[k] for k in order]  # type: ignore[union-attr]
    joined = join([column, column])
    assert [r.tolist() for r in joined] == rows + rows  # type: ignore[union-attr]


def test_dense_columns_join() -> None:
    assert join([np.array([1, 2]), np.array([3])]).tolist() == [1, 2, 3]  # type: ignore[union-attr]
    one = np.array([1])
    assert join([one]) is one


@pytest.mark.parametrize(
    ("values", "offsets", "words"),
    [
        ([1.0], [], "a 1-D array that starts with 0"),
        ([1.0], [1, 1], "a 1-D array that starts with 0"),
        ([1.0], [[0, 1]], "a 1-D array that starts with 0"),
        ([1.0, 2.0], [0, 1], "expected 1 values by its offsets, got 2"),
    ],
)
def test_offsets_that_do_not_fit(values: list[float], offsets: list[int], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        Ragged(np.array(values), np.array(offsets, dtype=np.int64))


def test_no_rows_have_no_type() -> None:
    with pytest.raises(ShapeError, match="expected at least one row, got none"):
        Ragged.of([])


def test_repr_shows_no_value() -> None:
    assert repr(Ragged.of([np.array([123.456])])) == "Ragged(1 rows, 1 values, float64)"


def test_finite() -> None:
    require_finite(np.array([1.0, 2.0]), "x")
    require_finite(np.array([1, 2]), "x")
    require_finite(np.array([]), "x")
    with pytest.raises(ShapeError, match=r"ecg: expected finite numbers, got 2 of 3 NaN or infinite") as caught:
        require_finite(np.array([7.125, np.nan, np.inf]), "ecg")
    assert "7.125" not in str(caught.value)


def test_axes() -> None:
    require_axes(np.zeros((2, 3)), "TC", "ecg")
    with pytest.raises(ShapeError, match=r"ecg: expected axes \(T, C\), got shape \(2,\)"):
        require_axes(np.zeros(2), "TC", "ecg")
