"""Moving averages, maxima and medians, and zero-phase Butterworth filters, along the last axis.

Arrays are (C, T), with more or fewer leading axes. The functions give what ``scipy.ndimage`` and ``scipy.signal`` give,
which the tests hold them to; but loading those packages takes longer than answering a 30-minute ECG, and a command
would wait for it at every start.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", bound=np.number)

BLOCK = 1024
"""Shortest piece that is transformed at a time: small enough for the processor's cache."""


def moving_mean(values: npt.NDArray[np.floating], size: int) -> Floats:
    """Average over a centred window; at the ends the outermost value is repeated.

    Parameters
    ----------
    values : (C, T) array
        Finite, at least one sample.
    size : int
        Samples of the window, at least 1; an even window reaches one sample further back than ahead.

    Returns
    -------
    (C, T) float64
    """
    padded = _with_ends(np.asarray(values, dtype=np.float64), size // 2 + 1, size - 1 - size // 2)
    offset = padded[..., :1].copy()  # sums of small numbers keep their digits
    sums = np.cumsum(padded - offset, axis=-1)
    mean: Floats = sums[..., size:] - sums[..., :-size]
    mean /= size
    mean += offset
    return mean


def moving_max(values: Floats, reach: int) -> Floats:
    """Maximum of each sample and the ``reach`` samples on both sides, (C, T) -> (C, T)."""
    size = 2 * reach + 1
    top, width = _with_ends(values, reach, reach), 1
    while width < size:  # maxima over 1, 2, 4, … samples; the last two windows overlap
        step = min(width, size - width)
        top = np.maximum(top[..., :-step], top[..., step:])
        width += step
    return top


def median(values: npt.NDArray[Number], axis: int = -1) -> npt.NDArray[Number]:
    """Median along an axis, without it; what ``np.median`` gives, in a fifth of its time where the values are few.

    Parameters
    ----------
    values : (..., N, ...) array
        Without NaN; at least one value along the axis.
    axis : int
        The axis.
    """
    half = values.shape[axis] // 2
    if values.shape[axis] % 2:
        middle: npt.NDArray[Number] = np.partition(values, half, axis=axis).take(half, axis=axis)
        return middle
    ordered = np.partition(values, (half - 1, half), axis=axis)
    between: npt.NDArray[Number] = (ordered.take(half - 1, axis=axis) + ordered.take(half, axis=axis)) / 2
    return between


def sliding(values: npt.NDArray[Number], size: int) -> npt.NDArray[Number]:
    """Show every run of so many values, (..., T) -> (..., T - size + 1, size), as ``sliding_window_view`` does.

    That takes thirty times as long to set up, and a window of ten seconds has a dozen of them. Not to be written to.
    """
    whole = np.ascontiguousarray(values)
    shape = (*whole.shape[:-1], whole.shape[-1] - size + 1, size)
    return np.ndarray(shape, whole.dtype, whole, strides=(*whole.strides, whole.strides[-1]))


def moving_median(values: npt.NDArray[Number], size: int) -> npt.NDArray[Number]:
    """Median over a centred window; at the ends the outermost value is repeated.

    Parameters
    ----------
    values : (C, T) array
        Without NaN, at least one sample.
    size : int
        Samples of the window, at least 1; of an even number of values the upper middle one is taken.

    Returns
    -------
    (C, T) array of the same type
    """
    padded = _with_ends(values, size // 2, size - 1 - size // 2)
    windows = sliding(padded, size)
    middle: npt.NDArray[Number] = np.partition(windows, size // 2, axis=-1)[..., size // 2]
    return middle


def zero_phase(
    values: Floats, rate_hz: float, *, order: int, above_hz: float = 0.0, below_hz: float = 0.0, settle_s: float = 1.0
) -> Floats:
    """Filter forward and backward with a Butterworth filter: its gain squared, and no delay.

    The gain is that of the digital filter by the bilinear transform (Oppenheim and Schafer, Discrete-Time Signal
    Processing, 3rd ed., section 7.2.2), applied to spectra of overlapping pieces. Beyond its ends the signal goes on
    as its reflection through the end point.

    Parameters
    ----------
    values : (C, T) float64
        Finite, at least two samples.
    rate_hz : float
        Sampling rate.
    order : int
        Order of the low-pass that the filter is made from.
    above_hz, below_hz : float
        Lower and upper end of the band, 0 to half the rate; 0 leaves that end open.
    settle_s : float
        Time after which the filter has forgotten a sample.

    Returns
    -------
    (C, T) float64
        A new array.
    """
    n_samples, margin = values.shape[-1], round(settle_s * rate_hz)
    size = max(BLOCK, 1 << (4 * margin).bit_length())
    step = size - 2 * margin
    n_pieces = -(-n_samples // step)
    padded = _reflected(values, margin, n_pieces * step - n_samples + margin)
    pieces = sliding(padded, size)[..., ::step, :]  # (..., P, S)
    spectrum = np.fft.rfft(pieces)
    spectrum *= _squared_gain(size, rate_hz, order, band_hz=(above_hz, below_hz))
    clean = np.fft.irfft(spectrum, size)[..., margin : margin + step]
    filtered: Floats = clean.reshape(*values.shape[:-1], -1)[..., :n_samples]
    return filtered


@cache
def _squared_gain(size: int, rate_hz: float, order: int, *, band_hz: tuple[float, float]) -> Floats:
    """Squared gain of a Butterworth low-pass, high-pass or band-pass at the frequencies of a spectrum, (F,)."""
    low, high = (np.tan(np.pi * hz / rate_hz) for hz in band_hz)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # 0 Hz divides by 0
        at = np.tan(np.pi * np.fft.rfftfreq(size))
        one_edge = low / at if low else at / high
        detuned = (at * at - low * high) / (at * (high - low)) if low and high else one_edge
        gain: Floats = 1.0 / (1.0 + np.abs(detuned) ** (2 * order))
    return gain


def _with_ends(values: npt.NDArray[Number], before: int, after: int) -> npt.NDArray[Number]:
    """Repeat the outermost values, (C, T) -> (C, before + T + after)."""
    width = values.shape[-1]
    padded = np.empty((*values.shape[:-1], before + width + after), dtype=values.dtype)
    padded[..., before : before + width] = values
    padded[..., :before] = values[..., :1]
    padded[..., before + width :] = values[..., -1:]
    return padded


def _reflected(values: Floats, before: int, after: int) -> Floats:
    """Go on beyond the ends as the reflection through the end point, and flat where the signal is too short for it."""
    width = values.shape[-1]
    padded = _with_ends(values, before, after)
    first, last = min(before, width - 1), min(after, width - 1)
    padded[..., before - first : before] = 2 * values[..., :1] - values[..., first:0:-1]
    padded[..., before + width : before + width + last] = 2 * values[..., -1:] - values[..., -2 : -last - 2 : -1]
    padded[..., : before - first] = padded[..., before - first : before - first + 1]
    padded[..., before + width + last :] = padded[..., before + width + last - 1 : before + width + last]
    return padded
