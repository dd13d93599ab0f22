"""How good a waveform is: one index of ECG quality a window, and the measures that checks are made of.

A signal has axes (T, C). NaN is a gap: it is measured as such, and counts as the channel's mean elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.filters import moving_mean

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

MIN_RATE_HZ = 60.0
FLAT_BLOCK_S = 0.5
"""A block of this length without any change is flat: half a second holds a wave of a beating heart."""

_KURTOSIS = (3.0, 5.0)
_QRS_SHARE = (0.2, 0.5)
_ABOVE_BASELINE = (0.5, 0.95)
_SATURATED_LIMIT = 0.05


def quality_index(signal: NDArray[np.floating], rate_hz: float, window_s: float = 10.0) -> Floats:
    """Rate the quality of each window of an ECG from 0 (unusable) to 1.

    ``present * (k + p + b) / 3`` with ``present = (1 - gaps - flat) * max(0, 1 - saturated / 0.05)``
    and, each as a ramp from 0 to 1:

    * ``k``, kurtosis from 3 (Gaussian noise) to 5, of the signal less its mean over 1 s;
    * ``p``, power in 5-14 Hz as a share of 5-50 Hz, from 0.2 (white noise) to 0.5;
    * ``b``, 1 less power below 1 Hz as a share of power below 40 Hz, from 0.5 to 0.95.

    ``gaps`` is the share of NaN, ``flat`` that of half seconds without a change or gap, ``saturated`` that of
    samples that stay at the largest or smallest value of the channel.

    Parameters
    ----------
    signal : (T, C) array
        ECG in any unit; at least 1 s.
    rate_hz : float
        Samples per second, at least 60.
    window_s : float
        Length of a window in seconds. A shorter signal is one window; a rest behind the last whole window is
        not rated.

    Returns
    -------
    (W, C) float32
        Quality in 0..1.

    Raises
    ------
    ShapeError
        If the axes are not (T, C) or there is less than 1 s.
    UnitError
        If the rate is below 60 Hz.

    Notes
    -----
    Kurtosis and the share of QRS power with their limits 5 and 0.5: Li, Mark, Clifford, Physiol Meas 29:15
    (2008). Baseline share with its limit 0.95, and flat lines: Clifford, Behar, Li, Rezek, Physiol Meas
    33:1419 (2012). The lower ends are what white noise has; how they are put together is this module's own.
    """
    _require(signal, rate_hz)
    values, gap = _filled(signal, rate_hz, window_s)  # (C, W, T)
    n_channels, n_windows, n_samples = values.shape
    lines = values.reshape(n_channels, -1)
    present = 1.0 - _flat_share(values, gap, rate_hz)
    if gap is not None:
        present -= gap.mean(axis=2)
    at_rail = _at_rail(lines).reshape(n_channels, n_windows, n_samples).mean(axis=2)
    present *= _ramp(1.0 - at_rail, (1.0 - _SATURATED_LIMIT, 1.0))
    level = moving_mean(lines, max(1, round(rate_hz)))
    kurtosis = _kurtosis((lines - level).astype(np.float32).reshape(values.shape))
    qrs, baseline = _band_shares(values, rate_hz)
    parts = _ramp(kurtosis, _KURTOSIS) + _ramp(qrs, _QRS_SHARE) + _ramp(1.0 - baseline, _ABOVE_BASELINE)
    return np.asarray(present * parts / 3.0, dtype=np.float32).T


def saturated_share(signal: NDArray[np.floating]) -> Doubles:
    """Return the share of samples that stay at the channel's largest or smallest value: (T, C) -> (C,).

    A signal that is not clipped touches its extremes for a sample or two, so it has next to none. A channel
    without any change has none either: it is flat, not clipped.
    """
    lines = np.ascontiguousarray(signal.T, dtype=np.float32)
    moving = np.fmax.reduce(lines, axis=1) > np.fmin.reduce(lines, axis=1)
    return np.where(moving, _at_rail(lines).mean(axis=1), 0.0)


def longest_flat_s(signal: NDArray[np.floating], rate_hz: float) -> Doubles:
    """Return the longest time without any change, in seconds: (T, C) -> (C,)."""
    return _longest_run(signal[1:] == signal[:-1]) / rate_hz


def longest_gap_s(signal: NDArray[np.floating], rate_hz: float) -> Doubles:
    """Return the longest run of NaN, in seconds: (T, C) -> (C,)."""
    return _longest_run(np.isnan(signal)) / rate_hz


def silent_share(signal: NDArray[np.floating], rate_hz: float, *, limit: float, window_s: float = 2.0) -> Doubles:
    """Return the share of windows that hold NaN only or move by less than ``limit``: (T, C) -> (C,)."""
    n_samples = min(len(signal), max(1, round(window_s * rate_hz)))
    n_windows = len(signal) // n_samples
    lines = np.ascontiguousarray(signal[: n_windows * n_samples].T, dtype=np.float32)
    windows = lines.reshape(len(lines), n_windows, n_samples)
    high = np.fmax.reduce(windows, axis=2)
    low = np.fmin.reduce(windows, axis=2)
    silent = ~(high - low >= limit)
    return np.asarray(silent.mean(axis=1), dtype=np.float64)


def spectrum(signal: NDArray[np.floating], rate_hz: float, segment_s: float) -> tuple[Doubles, Doubles]:
    """Return frequencies in Hz (F,) and the mean power of Hann-weighted segments (F, C)."""
    values, _ = _filled(signal, rate_hz, segment_s)
    power = _power(values).mean(axis=1, dtype=np.float64)
    frequency_hz = np.asarray(np.fft.rfftfreq(values.shape[2], 1.0 / rate_hz), dtype=np.float64)
    return frequency_hz, np.asarray(power.T)


def _require(signal: NDArray[np.floating], rate_hz: float) -> None:
    if not rate_hz >= MIN_RATE_HZ:
        raise UnitError(f"quality: expected a rate of at least {MIN_RATE_HZ:g} Hz, got {rate_hz:g}; resample first")
    if signal.ndim != 2 or len(signal) < rate_hz:
        raise ShapeError(f"quality: expected axes (T, C) and at least 1 s, got {signal.shape} at {rate_hz:g} Hz")


def _filled(signal: NDArray[np.floating], rate_hz: float, window_s: float) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Return windows (C, W, T) with NaN replaced by the channel's mean, and where it was if there was any."""
    n_samples = min(len(signal), max(2, round(window_s * rate_hz)))
    n_windows = len(signal) // n_samples
    lines = np.array(signal[: n_windows * n_samples].T, dtype=np.float32, order="C")  # (C, T)
    shape = (len(lines), n_windows, n_samples)
    gap = np.isnan(lines)
    if not gap.any():
        return lines.reshape(shape), None
    count = np.maximum(1, (~gap).sum(axis=1))
    mean = np.where(gap, 0.0, lines).sum(axis=1, dtype=np.float64) / count
    return np.where(gap, mean[:, None].astype(np.float32), lines).reshape(shape), gap.reshape(shape)


def _flat_share(windows: Floats, gap: NDArray[np.bool_] | None, rate_hz: float) -> Doubles:
    """Return the share of half seconds without any change and without a gap: (C, W, T) -> (C, W)."""
    n_channels, n_windows, n_samples = windows.shape
    length = min(n_samples, max(2, round(FLAT_BLOCK_S * rate_hz)))
    n_blocks = n_samples // length
    shape = (n_channels, n_windows, n_blocks, length)
    blocks = windows[:, :, : n_blocks * length].reshape(shape)
    flat = blocks.max(axis=3) == blocks.min(axis=3)
    if gap is not None:
        flat &= ~gap[:, :, : n_blocks * length].reshape(shape).any(axis=3)
    return np.asarray(flat.mean(axis=2))


def _at_rail(lines: Floats) -> NDArray[np.bool_]:
    """Mark samples at the largest or smallest value that follow one which is there too: (C, T) -> (C, T)."""
    high = np.fmax.reduce(lines, axis=1)[:, None]
    low = np.fmin.reduce(lines, axis=1)[:, None]
    extreme = (lines == high) | (lines == low)
    marked = np.zeros(lines.shape, dtype=np.bool_)
    np.logical_and(extreme[:, 1:], extreme[:, :-1], out=marked[:, 1:])
    return marked


def _ramp(values: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.floating]:
    return np.asarray(np.clip((values - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0))


def _kurtosis(windows: Floats) -> Doubles:
    """Return the kurtosis, 3 for a Gaussian and 0 where there is no variance: (C, W, T) -> (C, W)."""
    squares = np.square(windows - windows.mean(axis=2, keepdims=True))
    variance = squares.mean(axis=2, dtype=np.float64)
    fourth = np.square(squares).mean(axis=2, dtype=np.float64)
    kurtosis = np.zeros(fourth.shape)
    np.divide(fourth, np.square(variance), out=kurtosis, where=variance > 0)
    return kurtosis


def _power(windows: Floats) -> Floats:
    """Return the power spectrum of Hann-weighted windows less their mean: (C, W, T) -> (C, W, F)."""
    hann = np.hanning(windows.shape[2]).astype(np.float32)
    waves = np.fft.rfft((windows - windows.mean(axis=2, keepdims=True)) * hann, axis=2)
    return np.asarray(np.square(waves.real) + np.square(waves.imag))


def _band_shares(windows: Floats, rate_hz: float) -> tuple[Doubles, Doubles]:
    """Return power in 5-14 Hz by 5-50 Hz, and below 1 Hz by below 40 Hz; 0 and 1 where there is no power."""
    power = _power(windows)
    frequency_hz = np.fft.rfftfreq(windows.shape[2], 1.0 / rate_hz)

    def band(low_hz: float, high_hz: float) -> Doubles:
        first, last = np.searchsorted(frequency_hz, (low_hz, high_hz))
        return np.asarray(power[:, :, first:last].sum(axis=2, dtype=np.float64))

    broad, below = band(5.0, 50.0), band(0.0, 40.0)
    qrs = np.divide(band(5.0, 14.0), broad, out=np.zeros_like(broad), where=broad > 0)
    baseline = np.divide(band(0.0, 1.0), below, out=np.ones_like(below), where=below > 0)
    return qrs, baseline


def _longest_run(marks: NDArray[np.bool_]) -> Doubles:
    """Return the length of the longest run of True in each column: (T, C) -> (C,)."""
    longest = np.zeros(marks.shape[1])
    for place in range(marks.shape[1]):
        edges = np.flatnonzero(np.diff(marks[:, place], prepend=False, append=False))
        if len(edges):
            longest[place] = np.max(edges[1::2] - edges[::2])
    return longest
