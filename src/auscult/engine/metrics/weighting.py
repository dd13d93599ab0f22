"""Resampling units and weights: how one function gives both a value and its bootstrap.

Every statistic of this package is called ``metric(target, output, *, unit, weights, **parameters) -> (B,)``.

unit : (N,) int in [0, S) or None
    The resampling unit (a subject, a record) of each item. None: every item is its own unit.
weights : (B, S) float or None
    How often resample b drew unit s. None: one row of ones, which gives the plain value.

The answer has one number a resample, NaN where the statistic is undefined in it. Integer weights give exactly
what the statistic of the repeated items would be.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Floats, Ints, require_shape

# Doubles that one block of resampled items holds: 2 MiB, so that a block stays in the cache of one core.
BLOCK_SIZE = 2**18


def resolve_units(n_items: int, unit: Array | None, weights: Array | None) -> tuple[Ints, Array]:
    """Check units and weights and fill in their defaults.

    Parameters
    ----------
    n_items : int
        N, the number of items.
    unit : (N,) int in [0, S) or None
        None is ``0 … N-1``.
    weights : (B, S) float or None
        None is one row of ones over the units that occur.

    Returns
    -------
    unit : (N,) int64
    weights : (B, S) float

    Raises
    ------
    ShapeError
        There is no item, a shape differs, a unit is outside the weights, or a weight is negative or NaN.
    """
    if n_items < 1:
        raise ShapeError("items: expected at least one, got none; a metric of nothing is undefined")
    index = np.arange(n_items) if unit is None else np.asarray(unit)
    require_shape("unit", index, (n_items,))
    if index.dtype.kind not in "iu":
        raise ShapeError(f"unit: expected whole numbers, got {index.dtype}; number the units from 0")
    largest = int(index.max())
    if weights is None:
        weights = np.ones((1, largest + 1))
    require_shape("weights", weights, ("B", "S"))
    if int(index.min()) < 0 or largest >= weights.shape[1]:
        raise ShapeError(
            f"unit: expected 0 to {weights.shape[1] - 1} (one column of the weights a unit), "
            f"got {int(index.min())} to {largest}"
        )
    if weights.size and not weights.min() >= 0:
        raise ShapeError("weights: expected counts of 0 or more, got a negative number or NaN")
    return index.astype(np.int64, copy=False), weights


def blocks(n_rows: int, row_size: int) -> Iterator[slice]:
    """Cut rows into slices of about :data:`BLOCK_SIZE` numbers.

    Parameters
    ----------
    n_rows : int
        How many rows there are.
    row_size : int
        Numbers in a row.

    Yields
    ------
    slice
        At least one row each.
    """
    step = max(1, BLOCK_SIZE // max(1, row_size))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def sum_by_unit(values: Array, unit: Ints, n_units: int) -> Floats:
    """Sum the rows of each unit.

    Parameters
    ----------
    values : (N, F) float or bool
        Features of the items.
    unit : (N,) int64 in [0, S)
        The unit of each item.
    n_units : int
        S.

    Returns
    -------
    (S, F) float64
    """
    out = np.empty((n_units, values.shape[1]))
    for column in range(values.shape[1]):
        out[:, column] = np.bincount(unit, weights=values[:, column], minlength=n_units)
    return out


def weighted_sums(per_unit: Array, weights: Array) -> Floats:
    """Sum the units of each resample: one matrix product, by blocks of resamples.

    Parameters
    ----------
    per_unit : (S, …) float
        What each unit contributes.
    weights : (B, S) float
        How often each unit was drawn.

    Returns
    -------
    (B, …) float64
    """
    flat = np.asarray(per_unit, dtype=np.float64).reshape(len(per_unit), -1)
    out = np.empty((len(weights), flat.shape[1]))
    for rows in blocks(*weights.shape):
        np.matmul(weights[rows].astype(np.float64), flat, out=out[rows])
    return out.reshape(len(weights), *per_unit.shape[1:])


def ratio(numerator: Array, denominator: Array) -> Floats:
    """Divide; NaN where the denominator is not positive.

    Parameters
    ----------
    numerator, denominator : array of float
        Shapes that broadcast.

    Returns
    -------
    array of float64
    """
    top, bottom = np.broadcast_arrays(np.asarray(numerator, dtype=np.float64), denominator)
    quotient: Floats = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


def mean_defined(values: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where nothing is left.

    Parameters
    ----------
    values : (…, F) float

    Returns
    -------
    (…,) float64
    """
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def weighted_means(values: Floats, unit: Ints, weights: Array) -> Floats:
    """Mean over the items of each resample; items that are NaN are left out.

    Parameters
    ----------
    values : (N, F) float
        A figure of each item; NaN where it is undefined.
    unit : (N,) int64
        The unit of each item.
    weights : (B, S) float
        How often each unit was drawn.

    Returns
    -------
    (B, F) float64
        NaN where every drawn item is undefined.
    """
    known = ~np.isnan(values)
    n_columns = values.shape[1]
    both = np.concatenate([np.where(known, values, 0.0), known], axis=1)  # (N, F), (N, F) -> (N, 2F)
    sums = weighted_sums(sum_by_unit(both, unit, weights.shape[1]), weights)
    return ratio(sums[:, :n_columns], sums[:, n_columns:])


def weighted_medians(values: Floats, unit: Ints, weights: Array) -> Floats:
    """Median over the items of each resample, by one sort for all of them.

    With integer weights this is the median of the repeated items: the mean of the two middle ones where their
    number is even.

    Parameters
    ----------
    values : (N,) float
        Finite.
    unit : (N,) int64
        The unit of each item.
    weights : (B, S) float
        How often each unit was drawn.

    Returns
    -------
    (B,) float64
        NaN where nothing was drawn.
    """
    order = np.argsort(values, kind="stable")
    ranked, ranked_unit = values[order], unit[order]
    out = np.full(len(weights), np.nan)
    for rows in blocks(len(weights), len(values)):
        running = np.cumsum(weights[rows][:, ranked_unit], axis=1, dtype=np.float64)  # (b, N)
        half = running[:, -1:] / 2.0
        lower = np.count_nonzero(running < half, axis=1)
        upper = np.minimum(np.count_nonzero(running <= half, axis=1), len(values) - 1)
        out[rows] = np.where(half[:, 0] > 0, (ranked[lower] + ranked[upper]) / 2.0, np.nan)
    return out
