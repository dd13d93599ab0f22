"""Percentile bootstrap by resampling unit: of a metric, of a paired difference, and values by unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.metrics.checks import Array, Floats
from auscult.engine.metrics.weighting import resolve_units

MetricFunction = Callable[..., Floats]
Weights = np.ndarray[tuple[int, int], np.dtype[np.float32]]

# Weights that are held at once: 2**22 single-precision numbers are 16 MiB, whatever the number of units.
HELD_WEIGHTS = 2**22


class Interval(NamedTuple):
    """An interval of a statistic, and in how many resamples the statistic was undefined."""

    low: float
    high: float
    n_undefined: int


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap interval.

    Attributes
    ----------
    value : float
        The statistic of all items; NaN where undefined.
    low, high : float
        The interval; NaN where every resample was undefined.
    n_undefined : int
        Resamples in which the statistic was undefined; the interval ignores them.
    n_units, n_resamples : int
        How many units were drawn with replacement, and how often.
    """

    value: float
    low: float
    high: float
    n_undefined: int
    n_units: int
    n_resamples: int


def bootstrap_weights(n_units: int, n_resamples: int, rng: np.random.Generator) -> Weights:
    """Draw how often each unit is in each resample: multinomial counts that sum to ``n_units`` a row.

    Parameters
    ----------
    n_units : int
        S, at least 1.
    n_resamples : int
        B, at least 1.
    rng : numpy.random.Generator
        The only source of chance. Two calls of b rows give the same rows as one call of 2b.

    Returns
    -------
    (B, S) float32
        Whole numbers.

    Raises
    ------
    UsageError
        A number is below 1.

    Notes
    -----
    Efron 1979, Annals of Statistics 7:1.
    """
    if n_units < 1 or n_resamples < 1:
        raise UsageError(
            f"bootstrap: expected at least 1 unit and 1 resample, got {n_units} and {n_resamples}; set both above 0"
        )
    weights = np.empty((n_resamples, n_units), dtype=np.float32)
    for row in weights:
        row[:] = np.bincount(rng.integers(0, n_units, size=n_units), minlength=n_units)
    return weights


def interval(statistic: Array, level: float = 0.95) -> Interval:
    """Percentile interval of the resampled statistic; undefined resamples are ignored and counted.

    Parameters
    ----------
    statistic : (B,) float
        NaN where undefined.
    level : float
        In (0, 1).

    Returns
    -------
    Interval
        NaN bounds where every resample is undefined.

    Raises
    ------
    UsageError
        The level is not inside (0, 1).
    ShapeError
        Not one axis.

    Notes
    -----
    Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level: expected a number between 0 and 1, got {level}; 0.95 is usual")
    values = np.asarray(statistic, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeError(f"statistic: expected shape (B,), got {values.shape}; one number a resample")
    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(np.nan, np.nan, len(values))
    low, high = np.quantile(known, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(low), float(high), len(values) - len(known))


def _weight_parts(n_units: int, n_resamples: int, rng: np.random.Generator) -> Iterator[Weights]:
    """Yield the rows of the weights in parts, so that memory does not grow with units times resamples."""
    step = max(1, HELD_WEIGHTS // n_units)
    for start in range(0, n_resamples, step):
        yield bootstrap_weights(n_units, min(step, n_resamples - start), rng)


def _estimate(
    statistic: Callable[[Array | None], Floats],
    unit: Array,
    *,
    n_resamples: int,
    rng: np.random.Generator,
    level: float,
) -> Estimate:
    index, ones = resolve_units(len(unit), unit, None)
    n_units = ones.shape[1]
    if len(np.unique(index)) != n_units:
        raise ShapeError(
            f"unit: expected every number from 0 to {n_units - 1} to occur, got gaps; "
            "number the units that have items without a gap (numpy.unique with return_inverse)"
        )
    resampled = np.concatenate([statistic(weights) for weights in _weight_parts(n_units, n_resamples, rng)])
    low, high, n_undefined = interval(resampled, level)
    return Estimate(float(statistic(None)[0]), low, high, n_undefined, n_units, n_resamples)


def estimate(
    metric: MetricFunction,
    target: Any,
    output: Any,
    *,
    unit: Array,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    **parameters: Any,
) -> Estimate:
    """Value of a metric and its interval by resampling of units.

    Parameters
    ----------
    metric : callable
        Of this package: ``metric(target, output, *, unit, weights, **parameters) -> (B,)``.
    target, output
        As the metric takes them.
    unit : (N,) int in [0, S)
        The unit of each item; every number occurs.
    rng : numpy.random.Generator
        The only source of chance.
    n_resamples : int
        B.
    level : float
        Of the interval.
    **parameters
        Handed to the metric.

    Returns
    -------
    Estimate

    Raises
    ------
    ShapeError
        The units have gaps, or the metric refuses its input.
    UsageError
        The level or the number of resamples is out of range.
    """

    def statistic(weights: Array | None) -> Floats:
        return metric(target, output, unit=unit, weights=weights, **parameters)

    return _estimate(statistic, np.asarray(unit), n_resamples=n_resamples, rng=rng, level=level)


def paired_difference(
    metric: MetricFunction,
    first: tuple[Any, Any],
    second: tuple[Any, Any],
    *,
    unit: Array,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    **parameters: Any,
) -> Estimate:
    """Metric of the first answers minus that of the second, on the same items and the same resamples.

    Parameters
    ----------
    metric : callable
        Of this package.
    first, second : pair of target and output
        As the metric takes them. The targets are the same truth, each in the form that its output is judged by: a
        ranking numbers its items anew.
    unit, rng, n_resamples, level, **parameters
        As in :func:`estimate`.

    Returns
    -------
    Estimate
        Of the difference. Undefined where one of the two is.

    Raises
    ------
    ShapeError, UsageError
        As in :func:`estimate`.
    """

    def statistic(weights: Array | None) -> Floats:
        one, other = (metric(*pair, unit=unit, weights=weights, **parameters) for pair in (first, second))
        return one - other

    return _estimate(statistic, np.asarray(unit), n_resamples=n_resamples, rng=rng, level=level)


def value_by_unit(metric: MetricFunction, target: Any, output: Any, *, unit: Array, **parameters: Any) -> Floats:
    """Value of the metric on each unit alone, for the table of a study with few subjects.

    Parameters
    ----------
    metric : callable
        Of this package.
    target, output
        As the metric takes them.
    unit : (N,) int in [0, S)
        The unit of each item.
    **parameters
        Handed to the metric.

    Returns
    -------
    (S,) float64
        NaN where undefined on that unit.
    """
    index, ones = resolve_units(len(unit), np.asarray(unit), None)
    return metric(target, output, unit=index, weights=np.eye(ones.shape[1]), **parameters)
