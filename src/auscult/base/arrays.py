"""Ragged columns and the checks that arrays pass at a boundary.

Axes have letters, the same everywhere: ``N`` sample, ``C`` channel or lead, ``T`` time, ``D H W`` space, ``L`` token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError

Array = npt.NDArray[Any]


@dataclass(frozen=True, repr=False)
class Ragged:
    """Rows of different length in one flat array.

    Parameters
    ----------
    values : (sum of lengths, ...) array
        All rows, one after the other; the trailing axes are the same for every row.
    offsets : (N + 1,) int64 array
        Row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.
    shapes : (N, R) int64 array, optional
        The ragged axes of each row where there is more than one (a volume has three); their product is the length.
    """

    values: Array
    offsets: npt.NDArray[np.int64]
    shapes: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.offsets.ndim != 1 or len(self.offsets) == 0 or self.offsets[0] != 0:
            raise ShapeError("ragged offsets: expected a 1-D array that starts with 0")
        if self.offsets[-1] != len(self.values):
            raise ShapeError(
                f"ragged column: expected {self.offsets[-1]} values by its offsets, got {len(self.values)}"
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Array:
        part = self.values[self.offsets[row] : self.offsets[row + 1]]
        if self.shapes is None:
            return part
        return part.reshape(*self.shapes[row], *self.values.shape[1:])

    def __iter__(self) -> Iterator[Array]:
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        return f"Ragged({len(self)} rows, {len(self.values)} values, {self.values.dtype})"

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Length of each row along its ragged axis, (N,)."""
        return np.diff(self.offsets)

    def take(self, rows: npt.NDArray[np.int64]) -> Ragged:
        """Return the named rows as a new column."""
        parts = [self.values[self.offsets[r] : self.offsets[r + 1]] for r in rows]
        shapes = None if self.shapes is None else self.shapes[rows]
        return _joined(parts, shapes, self.values)

    @staticmethod
    def of(rows: Sequence[Array], *, ragged_axes: int = 1) -> Ragged:
        """Build a column from rows that differ in their first ``ragged_axes`` axes.

        Raises
        ------
        ShapeError
            If there are no rows, so that the type would be a guess.
        """
        if not rows:
            raise ShapeError("ragged column: expected at least one row, got none")
        first = np.asarray(rows[0])
        flat = [np.asarray(r).reshape(-1, *first.shape[ragged_axes:]) for r in rows]
        shapes = None
        if ragged_axes > 1:
            shapes = np.array([np.shape(r)[:ragged_axes] for r in rows], dtype=np.int64)
        return _joined(flat, shapes, flat[0])


def _joined(parts: list[Array], shapes: npt.NDArray[np.int64] | None, like: Array) -> Ragged:
    offsets = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(p) for p in parts], out=offsets[1:])
    values = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else like[:0]
    return Ragged(values, offsets, shapes)


Column = Array | Ragged


def take(column: Column, rows: npt.NDArray[np.int64]) -> Column:
    """Return the named rows of a dense or ragged column."""
    return column.take(rows) if isinstance(column, Ragged) else column[rows]


def join(columns: Sequence[Column]) -> Column:
    """Put columns of the same kind one after the other."""
    if len(columns) == 1:
        return columns[0]
    if isinstance(columns[0], Ragged):
        ragged = [c for c in columns if isinstance(c, Ragged)]
        shapes = None
        if ragged[0].shapes is not None:
            shapes = np.concatenate([c.shapes for c in ragged if c.shapes is not None])
        lengths = np.concatenate([c.lengths for c in ragged])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Ragged(np.concatenate([c.values for c in ragged]), offsets, shapes)
    return np.concatenate([np.asarray(c) for c in columns])


def all_finite(array: Array) -> bool:
    """Whether no number of an array is NaN or infinite; the least and the greatest tell, without a copy."""
    if array.dtype.kind != "f" or not array.size:
        return True
    return bool(np.isfinite(array.min()) and np.isfinite(array.max()))


def require_finite(array: Array, name: str) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    ShapeError
        With how many values are not finite; never with a value.
    """
    if not all_finite(array):
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        raise ShapeError(
            f"{name}: expected finite numbers, got {bad} of {array.size} NaN or infinite; "
            "fill or cut the gap with a named step first"
        )


def require_axes(array: Array, axes: str, name: str) -> None:
    """Refuse an array whose number of axes is not the number of letters in ``axes``.

    Raises
    ------
    ShapeError
        With the expected letters and the shape that came.
    """
    if array.ndim != len(axes):
        raise ShapeError(f"{name}: expected axes ({', '.join(axes)}), got shape {array.shape}")
