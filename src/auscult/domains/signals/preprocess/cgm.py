"""Continuous glucose monitoring: regular segments, forecast windows, time in range, alarms for low glucose.

Glucose is in mg/dL throughout. Segments and split follow Sergazinov et al., "GlucoBench" (ICLR 2024), so
that a figure computed here can be set beside the tables of that paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auscult.base.errors import DataError, ShapeError, UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOW_MGDL = 70.0
"""Lower limit of the target range (Battelino et al., Diabetes Care 2019;42:1593)."""
HIGH_MGDL = 180.0
"""Upper limit of the target range (same source)."""


def _series(values: ArrayLike, name: str) -> Floats:
    """Return `values` as a finite one-dimensional float array, or refuse."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ShapeError(f"{name}: expected axes (T,), got {array.ndim} axes; pass one recording at a time")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise ShapeError(f"{name}: expected finite values, {bad} of {array.size} are not; drop those rows")
    return array


def _above_zero(**settings: float) -> None:
    for name, value in settings.items():
        if not value > 0:
            raise UsageError(f"{name}: expected above 0, got {value:g}; change the recipe")


def cgm_segments(
    time_s: ArrayLike,
    glucose_mgdl: ArrayLike,
    *,
    interval_s: float,
    gap_threshold_s: float,
    min_points: int,
    round_s: float = 60.0,
) -> list[tuple[float, Floats]]:
    """Cut one subject's readings at long gaps and put each piece on a regular grid, as GlucoBench does.

    Parameters
    ----------
    time_s : (T,) array
        Times in seconds, in any order.
    glucose_mgdl : (T,) array
        Readings in mg/dL, finite.
    interval_s : float
        Step of the grid in seconds, above 0.
    gap_threshold_s : float
        A step between neighbours longer than this begins a new segment.
    min_points : int
        A segment with fewer readings (counted before interpolation) is left out.
    round_s : float
        Times are first rounded to this step, half to even.

    Returns
    -------
    list of (float, (T,) array)
        For each segment the time of its first reading in seconds, and the readings on the grid that starts
        there, linearly interpolated.

    Raises
    ------
    ShapeError, DataError
        If the arrays differ in length or hold NaN; if two readings of a kept segment have one rounded time.

    Examples
    --------
    >>> cgm_segments([0, 300, 900], [100, 110, 130], interval_s=300, gap_threshold_s=1800, min_points=3)
    [(0.0, array([100., 110., 120., 130.]))]
    """
    time, glucose = _series(time_s, "time_s"), _series(glucose_mgdl, "glucose_mgdl")
    if time.size != glucose.size:
        raise ShapeError(f"time_s and glucose_mgdl: expected one length, got {time.size} and {glucose.size}")
    _above_zero(interval_s=interval_s, round_s=round_s)
    time = np.rint(time / round_s) * round_s
    order = np.argsort(time, kind="stable")
    time, glucose = time[order], glucose[order]
    cuts = np.flatnonzero(np.diff(time) > gap_threshold_s) + 1
    segments = []
    for t, g in zip(np.split(time, cuts), np.split(glucose, cuts), strict=True):
        if t.size < max(min_points, 1):
            continue
        if (np.diff(t) <= 0).any():
            raise DataError(
                f"glucose readings: expected one reading per {round_s:g} s, got two with the same time; "
                "keep one device per subject, or drop the duplicates"
            )
        n_grid = int((t[-1] - t[0]) // interval_s) + 1
        segments.append((float(t[0]), np.interp(t[0] + interval_s * np.arange(n_grid), t, g)))
    return segments


def forecast_windows(
    values: ArrayLike, *, n_input: int, n_horizon: int, stride: int, first: int | None = None
) -> tuple[Floats, Floats, Ints]:
    """Cut a regular series into inputs and the targets that follow them.

    Parameters
    ----------
    values : (T,) array
        Readings at equal steps.
    n_input : int
        Readings in an input.
    n_horizon : int
        Readings to forecast.
    stride : int
        Step between one target and the next.
    first : int, optional
        Position of the first target, at least `n_input` (the default). GlucoBench starts each held-out range
        at ``max_length_input``, whatever the model reads.

    Returns
    -------
    inputs : (N, n_input) array
    targets : (N, n_horizon) array
    positions : (N,) int array
        Position in `values` of the first target. All are empty where `values` is too short.

    Raises
    ------
    ShapeError, UsageError
        If `values` is not one-dimensional or holds NaN; if a length is below 1 or `first` below `n_input`.

    Examples
    --------
    >>> inputs, targets, positions = forecast_windows([1, 2, 3, 4, 5], n_input=2, n_horizon=1, stride=2)
    >>> inputs.tolist(), targets.tolist(), positions.tolist()
    ([[1.0, 2.0], [3.0, 4.0]], [[3.0], [5.0]], [2, 4])
    """
    series = _series(values, "values")
    _above_zero(n_input=n_input, n_horizon=n_horizon, stride=stride)
    start = n_input if first is None else first
    if start < n_input:
        raise UsageError(f"first: expected at least n_input ({n_input}), got {first}; change the recipe")
    positions = np.arange(start, series.size - n_horizon + 1, stride, dtype=np.int64)
    inputs = series[positions[:, None] + np.arange(-n_input, 0)]  # (N,) -> (N, n_input)
    targets = series[positions[:, None] + np.arange(n_horizon)]  # (N,) -> (N, n_horizon)
    return inputs, targets, positions


def time_in_range(glucose_mgdl: ArrayLike) -> tuple[float, float, float]:
    """Return the fractions of readings below, in and above the consensus range of 70 to 180 mg/dL.

    Parameters
    ----------
    glucose_mgdl : (T,) array
        Readings in mg/dL at equal steps, finite, at least one.

    Returns
    -------
    tuple of float
        Fractions below 70, from 70 to 180 with both limits, and above 180; they sum to 1.

    Raises
    ------
    ShapeError, DataError
        If the array is not one-dimensional or holds NaN; if it is empty.

    Examples
    --------
    >>> time_in_range([69.0, 70.0, 180.0, 181.0])
    (0.25, 0.5, 0.25)
    """
    glucose = _series(glucose_mgdl, "glucose_mgdl")
    if glucose.size == 0:
        raise DataError("glucose_mgdl: expected at least one reading, got none; skip this recording")
    below = float(np.mean(glucose < LOW_MGDL))
    above = float(np.mean(glucose > HIGH_MGDL))
    return below, float(np.mean((glucose >= LOW_MGDL) & (glucose <= HIGH_MGDL))), above


@dataclass(frozen=True)
class HypoAlarms:
    """What a forecast alarm for low glucose was worth on one recording."""

    onsets: Ints
    """(E,) position of the first low reading of each event."""
    lead_min: Floats
    """(E,) minutes from the first alarm to the onset, NaN where the event was missed."""
    episodes: Ints
    """(A, 2) first and last alarming position of each alarm."""
    false_alarm: NDArray[np.bool_]
    """(A,) True where no event began within the horizon of the alarm."""
    detected_fraction: float
    """Share of the events with an alarm before them, NaN where there was no event."""
    false_alarms_per_day: float
    """False alarms per 24 h of forecasts."""


def hypo_alarms(
    glucose_mgdl: ArrayLike,
    forecasts_mgdl: ArrayLike,
    positions: ArrayLike,
    *,
    interval_s: float,
    alarm_mgdl: float = LOW_MGDL,
    min_below_s: float = 900.0,
) -> HypoAlarms:
    """Turn forecasts into alarms and compare them with the low-glucose events that followed.

    An event begins with `min_below_s` of readings below 70 mg/dL and ends with as long at or above. A
    forecast alarms where one of its values is below `alarm_mgdl` and the last known reading is not yet low.
    Alarming forecasts less than a horizon apart are one alarm.

    Parameters
    ----------
    glucose_mgdl : (T,) array
        Readings in mg/dL at equal steps.
    forecasts_mgdl : (N, n_horizon) array
        A forecast for every reading, in mg/dL.
    positions : (N,) int array
        Position in `glucose_mgdl` of each forecast's first target, rising by one, at least 1.
    interval_s : float
        Step between readings in seconds.
    alarm_mgdl : float
        Forecast below which the alarm is raised.
    min_below_s : float
        Least duration of an event; the consensus has 900 s (Battelino et al. 2019), 3 readings of 5 min.

    Returns
    -------
    HypoAlarms
        The events whose onset has a forecast, and the alarms.

    Raises
    ------
    ShapeError
        If the arrays do not fit each other, are empty, hold NaN, or the positions leave readings out.
    """
    glucose, forecasts = _series(glucose_mgdl, "glucose_mgdl"), np.asarray(forecasts_mgdl, dtype=np.float64)
    where = np.asarray(positions, dtype=np.int64)
    _check_forecasts(glucose, forecasts, where)
    _above_zero(interval_s=interval_s)
    n_horizon = forecasts.shape[1]
    onsets = _event_onsets(glucose < LOW_MGDL, max(1, math.ceil(min_below_s / interval_s)))
    onsets = onsets[(onsets >= where[0]) & (onsets <= where[-1])]
    alarming = where[(forecasts.min(axis=1) < alarm_mgdl) & (glucose[where - 1] >= LOW_MGDL)]
    far = np.diff(alarming) >= n_horizon
    first = np.r_[True, far][: alarming.size]
    last = np.r_[far, True][: alarming.size]
    episodes = np.stack([alarming[first], alarming[last]], axis=1)
    in_reach = (onsets >= episodes[:, :1]) & (onsets < episodes[:, 1:] + n_horizon)  # (A, E)
    false_alarm = ~in_reach.any(axis=1)
    # The forecast at position p was made with the reading at p - 1, and reaches p + n_horizon - 1.
    early = [alarming[(alarming > onset - n_horizon) & (alarming <= onset)] for onset in onsets]
    lead = [o - e[0] + 1 if e.size else math.nan for o, e in zip(onsets, early, strict=True)]
    lead_min = np.array(lead, dtype=np.float64) * interval_s / 60.0
    return HypoAlarms(
        onsets=onsets,
        lead_min=lead_min,
        episodes=episodes,
        false_alarm=false_alarm,
        detected_fraction=float(np.mean(~np.isnan(lead_min))) if onsets.size else math.nan,
        false_alarms_per_day=float(false_alarm.sum()) / (where.size * interval_s / 86400.0),
    )


def _check_forecasts(glucose: Floats, forecasts: Floats, where: Ints) -> None:
    """Refuse forecasts that do not fit the readings."""
    if forecasts.ndim != 2 or 0 in forecasts.shape or where.shape != forecasts.shape[:1]:
        raise ShapeError(
            "forecasts_mgdl and positions: expected (N, n_horizon) and (N,) with N of at least 1, "
            f"got {forecasts.shape} and {where.shape}"
        )
    if not np.isfinite(forecasts).all():
        raise ShapeError("forecasts_mgdl: expected finite values, got NaN or infinity; leave those windows out")
    if where[0] < 1 or where[-1] >= glucose.size or (np.diff(where) != 1).any():
        raise ShapeError(
            f"positions: expected every position once, rising by 1, from 1 to {glucose.size - 1} at most; "
            "cut the windows with stride 1"
        )


def _event_onsets(low: NDArray[np.bool_], min_run: int) -> Ints:
    """First position of each event: it begins with `min_run` low readings, ends with `min_run` others."""
    edges = np.flatnonzero(np.diff(low)) + 1
    begins, ends = np.r_[0, edges], np.r_[edges, low.size]
    runs = [(int(b), bool(low[b])) for b, e in zip(begins, ends, strict=True) if e - b >= min_run]
    states = [False, *(is_low for _, is_low in runs)]
    onsets = [b for (b, is_low), before in zip(runs, states, strict=False) if is_low and not before]
    return np.array(onsets, dtype=np.int64)
