"""The averaged beat of a short photoplethysmogram (PPG) segment.

The segment is low-passed without delay, its upstrokes are found, each beat is taken from foot to foot, freed
of its baseline and scaled to 0-1, and the beats are averaged: two noisy beats count as one cleaner beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt

from auscult.base.errors import ShapeError, UnitError

Floats = NDArray[np.float64]

GRID_HZ = 250.0
"""The rate at which beats are measured, in hertz; landmarks are resolved to 4 ms."""
LOW_PASS_HZ = 10.0
"""Above this the finger pulse has no shape that survives a 12-bit converter, only its noise."""
PERIOD_LIMITS_S = (0.35, 1.7)
"""Accepted distance of two feet, seconds: 35 to 171 beats a minute."""
MIN_RATE_HZ = 40.0
"""Lowest accepted sampling rate, in hertz."""

_MAX_DRIFT = 0.5  # of a beat's height, between its two feet
_PEAK_LIMITS = (0.04, 0.7)  # where in its beat a systolic peak can be


@dataclass(frozen=True, eq=False)
class AveragePulse:
    """The averaged beat of one PPG segment.

    Attributes
    ----------
    pulse : ndarray of float64, shape (T,)
        From foot to foot at `GRID_HZ`, baseline removed, 0 at its lowest and 1 at its peak; empty where no
        beat was found.
    period_s : float
        Mean distance of the feet, seconds; 0 where no beat was found.
    n_beats : int
        How many whole beats were averaged.
    perfusion : float
        Amplitude divided by the absolute mean level of the segment, at most 1.
    quality : float
        The share of the raw signal's variance, baseline apart, that the averaged beat explains, 0 to 1.
    """

    pulse: Floats
    period_s: float
    n_beats: int
    perfusion: float
    quality: float


_NO_PULSE = AveragePulse(pulse=np.zeros(0), period_s=0.0, n_beats=0, perfusion=0.0, quality=0.0)


def average_pulse(segment: ArrayLike, rate_hz: float) -> AveragePulse:
    """Average the whole beats of one PPG segment.

    Parameters
    ----------
    segment : array, shape (T,)
        PPG in any unit, pulse upwards; at least 1 s.
    rate_hz : float
        Sampling rate in hertz, at least 40.

    Returns
    -------
    AveragePulse
        With ``quality`` 0 and an empty ``pulse`` where no whole beat was found.

    Raises
    ------
    ShapeError
        The array is not one segment, is shorter than 1 s, or holds NaN or infinity.
    UnitError
        The rate is below 40 Hz or not finite.
    """
    raw = checked_segments(segment, rate_hz)
    if raw.ndim != 1:
        raise ShapeError(f"PPG segment: expected one segment with axes (T,), got {raw.shape}; pass one row at a time.")
    time_s = np.arange(len(raw)) / rate_hz
    grid_s = np.arange(int(time_s[-1] * GRID_HZ) + 1) / GRID_HZ
    smooth = np.interp(grid_s, time_s, sosfiltfilt(_low_pass(rate_hz), raw))
    noisy = np.interp(grid_s, time_s, raw)
    beats = [beat for a, b in pairwise(_feet(smooth)) if (beat := _level_beat(smooth, a, b)) is not None]
    if not beats:
        return _NO_PULSE
    n_grid = round(float(np.mean([len(beat.shape) for beat in beats])))
    shape = np.mean([_stretched(beat.shape, n_grid) for beat in beats], axis=0)
    amplitude = float(np.mean([beat.amplitude for beat in beats]))
    return AveragePulse(
        pulse=(shape - shape.min()) / (shape.max() - shape.min()),
        period_s=n_grid / GRID_HZ,
        n_beats=len(beats),
        perfusion=amplitude / max(abs(float(raw.mean())), amplitude),
        quality=float(np.mean([_explained(noisy, beat, shape) for beat in beats])),
    )


@dataclass(frozen=True)
class _Foot:
    index: int
    level: float


@dataclass(frozen=True, eq=False)
class _Beat:
    start: int
    amplitude: float
    shape: Floats


@lru_cache(maxsize=8)
def _low_pass(rate_hz: float) -> Floats:
    return np.asarray(butter(4, LOW_PASS_HZ, fs=rate_hz, output="sos"), dtype=np.float64)


def checked_segments(segment: ArrayLike, rate_hz: float) -> Floats:
    """Refuse what is not one or many finite PPG segments of at least 1 s at `MIN_RATE_HZ` or more.

    Parameters
    ----------
    segment : array, shape (T,) or (N, T)
        PPG in any unit.
    rate_hz : float
        Sampling rate in hertz.

    Returns
    -------
    ndarray of float64
        The same values and axes.

    Raises
    ------
    ShapeError
        The array has other axes, is shorter than 1 s, or holds NaN or infinity.
    UnitError
        The rate is below `MIN_RATE_HZ` or not finite.
    """
    raw = np.asarray(segment, dtype=np.float64)
    if not np.isfinite(rate_hz) or rate_hz < MIN_RATE_HZ:
        raise UnitError(
            f"PPG rate: expected at least {MIN_RATE_HZ:g} Hz, got {rate_hz:g}; give the rate of the device."
        )
    if raw.ndim not in (1, 2) or raw.shape[-1] < rate_hz:
        raise ShapeError(
            f"PPG segment: expected axes (T,) or (N, T) and 1 s ({rate_hz:g} samples), got {raw.shape}; "
            "record for longer."
        )
    if not np.isfinite(raw).all():
        raise ShapeError("PPG segment: expected finite samples, got NaN or infinity; cut the segment around the gap.")
    return raw


def _feet(smooth: Floats) -> list[_Foot]:
    """Find feet where the tangent of the upstroke meets the level of the minimum before it."""
    slope = np.gradient(smooth)
    steepest = float(slope.max(initial=0.0))
    if steepest <= 1e-9 * float(np.abs(smooth).max(initial=0.0)):
        return []
    gap = int(PERIOD_LIMITS_S[0] * GRID_HZ)
    ups, _ = find_peaks(slope, height=0.4 * steepest, distance=gap)
    feet = []
    for up in ups:
        low = float(smooth[max(up - gap, 0) : up + 1].min())
        foot = round(float(up - (smooth[up] - low) / slope[up]))
        if foot >= 0:
            feet.append(_Foot(index=foot, level=low))
    return feet


def _level_beat(smooth: Floats, first: _Foot, last: _Foot) -> _Beat | None:
    """Cut one beat and take its baseline away; None where its length, baseline or peak are no beat's."""
    n_grid, drift = last.index - first.index, last.level - first.level
    if not PERIOD_LIMITS_S[0] <= n_grid / GRID_HZ <= PERIOD_LIMITS_S[1]:
        return None
    baseline = first.level + drift * np.arange(n_grid) / n_grid
    level = smooth[first.index : last.index] - baseline
    amplitude = float(level.max())
    if amplitude <= 0 or abs(drift) > _MAX_DRIFT * amplitude:
        return None
    if not _PEAK_LIMITS[0] < level.argmax() / n_grid < _PEAK_LIMITS[1]:
        return None
    return _Beat(start=first.index, amplitude=amplitude, shape=level / amplitude)


def _stretched(shape: Floats, n_grid: int) -> Floats:
    phase = np.arange(len(shape) + 1) / len(shape)
    stretched = np.interp(np.arange(n_grid) / n_grid, phase, np.append(shape, shape[0]))
    return np.asarray(stretched, dtype=np.float64)


def _explained(noisy: Floats, beat: _Beat, average: Floats) -> float:
    n_grid = len(beat.shape)
    raw = noisy[beat.start : beat.start + n_grid]
    ramp = np.linspace(-1.0, 1.0, n_grid)
    base = np.stack([np.ones(n_grid), ramp], axis=1)
    fitted = np.column_stack([base, _stretched(average, n_grid)])
    rest = raw - fitted @ np.linalg.lstsq(fitted, raw, rcond=None)[0]
    total = raw - base @ np.linalg.lstsq(base, raw, rcond=None)[0]
    return float(np.clip(1.0 - (rest @ rest) / max(float(total @ total), 1e-300), 0.0, 1.0))
