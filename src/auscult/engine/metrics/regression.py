"""Metrics of the answer kind *value*: one or more numbers an item (columns, or steps of a forecast).

``target`` and ``output`` are (N, H), or (N,) for one column, in one unit, which is also the unit of the
errors. Intervals are (N, H, 2): low and high. ``unit`` (the resampling unit) and ``weights`` are explained in
:mod:`auscult.engine.metrics.weighting`; every answer is (B,).
"""

from __future__ import annotations

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Floats, as_floats
from auscult.engine.metrics.weighting import resolve_units, weighted_means, weighted_medians


def _columns(name: str, values: Array) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return as_floats(name, array[:, None] if array.ndim == 1 else array, ("N", "H"))


def _errors(target: Array, output: Array, column: int | None) -> Floats:
    """Give output minus target, (N, H) or (N, 1) for one column."""
    truth = _columns("target", target)
    answer = as_floats("output", _columns("output", output), truth.shape)
    error = answer - truth
    if column is None:
        return error
    if not 0 <= column < error.shape[1]:
        raise ShapeError(f"column: expected 0 to {error.shape[1] - 1}, got {column}")
    return error[:, column : column + 1]


def _mean(values: Array, unit: Array | None, weights: Array | None) -> Floats:
    index, drawn = resolve_units(len(values), unit, weights)
    return weighted_means(values[:, None], index, drawn)[:, 0]


def _median(values: Floats, unit: Array | None, weights: Array | None) -> Floats:
    index, drawn = resolve_units(len(values), unit, weights)
    return weighted_medians(values, index, drawn)


def mae(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    column: int | None = None,
) -> Floats:
    """Mean absolute error over items and columns, or of one column."""
    return _mean(np.abs(_errors(target, output, column)).mean(axis=1), unit, weights)


def rmse(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    column: int | None = None,
) -> Floats:
    """Root of the mean squared error over items and columns, or of one column."""
    return np.sqrt(_mean((_errors(target, output, column) ** 2).mean(axis=1), unit, weights))


def bias(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    column: int | None = None,
) -> Floats:
    """Mean of output minus target over items and columns, or of one column."""
    return _mean(_errors(target, output, column).mean(axis=1), unit, weights)


def median_rmse(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Median over the items of the item's root mean squared error over its columns."""
    return _median(np.sqrt((_errors(target, output, None) ** 2).mean(axis=1)), unit, weights)


def median_mae(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Median over the items of the item's mean absolute error over its columns."""
    return _median(np.abs(_errors(target, output, None)).mean(axis=1), unit, weights)


def _bounds(output: Array) -> tuple[Floats, Floats]:
    bounds = np.asarray(output, dtype=np.float64)
    if np.isnan(bounds).any() or bounds.ndim != 3 or bounds.shape[2] != 2:
        raise ShapeError(f"output: expected intervals (N, H, 2) without NaN, got {bounds.shape}")
    low, high = bounds[..., 0], bounds[..., 1]
    turned = int(np.count_nonzero(low > high))
    if turned:
        raise ShapeError(f"output: expected low and then high, got {turned} intervals of {low.size} turned round")
    return low, high


def coverage(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Share of the targets inside their interval (N, H, 2), bounds included, (B,) in [0, 1]."""
    low, high = _bounds(output)
    truth = as_floats("target", _columns("target", target), low.shape)
    return _mean(((low <= truth) & (truth <= high)).mean(axis=1), unit, weights)


def interval_width(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Mean width of the intervals (N, H, 2), in the unit of the target; NaN where one is unbounded."""
    low, high = _bounds(output)
    as_floats("target", _columns("target", target), low.shape)
    width = (high - low).mean(axis=1)
    unbounded = np.isinf(width)
    means = _mean(np.where(unbounded, 0.0, width), unit, weights)
    return np.where(_mean(unbounded, unit, weights) > 0, np.nan, means)
