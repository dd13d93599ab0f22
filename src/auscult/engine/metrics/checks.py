"""The shapes and ranges that metrics and calibration accept, and the words with which they refuse others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ROW_SUM_TOLERANCE = 1e-3


def require_shape(name: str, array: Array, expected: tuple[int | str, ...]) -> None:
    """Refuse an array of another shape.

    Parameters
    ----------
    name : str
        What the array is, for the message.
    array : array
        The array.
    expected : tuple of int or str
        A number is a fixed size; a letter is an axis of any size.

    Raises
    ------
    ShapeError
        The number of axes or a fixed size differs.
    """
    fits = array.ndim == len(expected) and all(
        isinstance(want, str) or want == got for want, got in zip(expected, array.shape, strict=True)
    )
    if not fits:
        words = ", ".join(str(size) for size in expected)
        raise ShapeError(f"{name}: expected shape ({words}), got {array.shape}; give one row an item, in one order")


def require_finite(name: str, array: Array) -> None:
    """Refuse NaN and infinity, and say how many there are.

    Parameters
    ----------
    name : str
        What the array is, for the message.
    array : array
        Any shape.

    Raises
    ------
    ShapeError
        A value is NaN or infinite.
    """
    if array.dtype.kind in "biu":
        return
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise ShapeError(
            f"{name}: expected finite numbers, got {bad} NaN or infinite of {array.size}; set these items aside first"
        )


def as_floats(name: str, values: npt.ArrayLike, expected: tuple[int | str, ...]) -> Floats:
    """Give finite float64 numbers of the expected shape; the caller's array is not written to.

    Parameters
    ----------
    name : str
        What the array is, for the message.
    values : array_like
        Numbers.
    expected : tuple of int or str
        As in :func:`require_shape`.

    Returns
    -------
    array of float64

    Raises
    ------
    ShapeError
        The shape differs, or a value is NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    require_shape(name, array, expected)
    require_finite(name, array)
    return array


def as_classes(name: str, values: npt.ArrayLike, n_classes: int) -> Ints:
    """Give class numbers (N,) in ``[0, n_classes)``.

    Parameters
    ----------
    name : str
        What the array is, for the message.
    values : array_like
        Whole numbers or booleans, shape (N,).
    n_classes : int
        The number of classes K.

    Returns
    -------
    (N,) int64

    Raises
    ------
    ShapeError
        Not one axis, not whole numbers, or outside the range.
    """
    array = np.asarray(values)
    require_shape(name, array, ("N",))
    if array.dtype.kind not in "biu":
        raise ShapeError(f"{name}: expected whole numbers (class 0 to {n_classes - 1}), got {array.dtype}")
    outside = int(np.count_nonzero((array < 0) | (array >= n_classes)))
    if outside:
        raise ShapeError(f"{name}: expected classes 0 to {n_classes - 1}, got {outside} of {array.size} outside")
    return array.astype(np.int64, copy=False)


def as_binary(name: str, values: npt.ArrayLike, n_items: int) -> Bools:
    """Give a yes-or-no target (N,) as booleans.

    Parameters
    ----------
    name : str
        What the array is, for the message.
    values : array_like
        0 and 1 or booleans, shape (N,).
    n_items : int
        The N that is expected.

    Returns
    -------
    (N,) bool

    Raises
    ------
    ShapeError
        The shape differs, or a value is neither 0 nor 1.
    """
    array = np.asarray(values)
    require_shape(name, array, (n_items,))
    if array.dtype.kind == "b":
        return array.astype(np.bool_, copy=False)
    wrong = int(np.count_nonzero((array != 0) & (array != 1)))
    if wrong:
        raise ShapeError(f"{name}: expected 0 and 1 only, got {wrong} other values of {array.size}")
    return np.asarray(array == 1)


def as_probabilities(name: str, values: npt.ArrayLike) -> Floats:
    """Give probabilities (N, K) in [0, 1] whose rows sum to one within 0.001.

    Parameters
    ----------
    name : str
        What the array is, for the message.
    values : array_like
        Shape (N, K).

    Returns
    -------
    (N, K) float64

    Raises
    ------
    ShapeError
        The shape differs, a value is outside [0, 1], or a row does not sum to one.
    """
    array = as_floats(name, values, ("N", "K"))
    outside = int(np.count_nonzero((array < 0) | (array > 1)))
    if outside:
        raise ShapeError(f"{name}: expected probabilities in [0, 1], got {outside} of {array.size} outside")
    wrong = int(np.count_nonzero(np.abs(array.sum(axis=1) - 1.0) > ROW_SUM_TOLERANCE))
    if wrong:
        raise ShapeError(f"{name}: expected rows that sum to 1, got {wrong} of {len(array)} rows that do not")
    return array
