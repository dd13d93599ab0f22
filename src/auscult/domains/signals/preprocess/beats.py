"""From a multi-lead ECG and beat positions to clean signals and one fixed window for each beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.filters import median, moving_median, zero_phase

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WINDOW_RATE_HZ = 180.0
"""Rate of the beat windows; twice the 40 Hz that the low-pass keeps, with room."""
WINDOW_BEFORE_S = 0.4
WINDOW_AFTER_S = 0.6
WINDOW_SAMPLES = 180
LOW_PASS_HZ = 40.0
SETTLE_S = 0.3
"""The low-pass has forgotten a sample after a few periods of its edge."""
MIN_RATE_HZ = 90.0
"""Below this the low-pass has no room under half the rate."""
BASELINE_BLOCK_S = 0.025
BASELINE_QRS_S = 0.2
"""First median filter, takes out P waves and QRS (de Chazal 2004, section II-B)."""
BASELINE_T_S = 0.6
"""Second median filter, takes out T waves (de Chazal 2004, section II-B)."""


SEARCH_S = 0.12
"""How far from the given position the QRS complex is looked for."""
NEAR_S = 0.05
"""Width of the bell around the first estimate of the middle, against P and T waves in the search."""
MIN_HEIGHT_MV = 0.01
"""A lead whose QRS complexes are lower is flat; it is not blown up."""


def window_slice(start_s: float, stop_s: float) -> slice:
    """Give the samples of a beat window from `start_s` to `stop_s` after the middle of the QRS complex.

    Examples
    --------
    >>> window_slice(-0.1, 0.1)
    slice(54, 91, None)
    """
    middle = round(WINDOW_BEFORE_S * WINDOW_RATE_HZ)
    return slice(middle + round(start_s * WINDOW_RATE_HZ), middle + round(stop_s * WINDOW_RATE_HZ) + 1)


QRS = window_slice(-0.09, 0.09)
"""The QRS complex in a beat window."""


def _checked_signal(ecg_mv: npt.ArrayLike, rate_hz: float) -> Floats:
    signal = np.asarray(ecg_mv, dtype=np.float64)
    if signal.ndim != 2 or signal.shape[0] < 2 or signal.shape[1] < 1:
        raise ShapeError(
            f"ecg_mv: expected (T, C) with at least 2 samples and 1 lead, got shape {signal.shape}; "
            "give one column a lead"
        )
    if not np.isfinite(signal).all():
        raise ShapeError("ecg_mv: expected finite values, got NaN or infinity; cut the gaps out before beats are cut")
    if not (np.isfinite(rate_hz) and rate_hz >= MIN_RATE_HZ):
        raise UnitError(f"rate_hz: expected at least {MIN_RATE_HZ:g} Hz, got {rate_hz:g}; state the sampling rate")
    return signal


def checked_beats(ecg_mv: npt.ArrayLike, peaks: npt.ArrayLike, rate_hz: float) -> tuple[Floats, Ints]:
    """Refuse a signal or beat positions that cannot be used.

    Parameters
    ----------
    ecg_mv : (T, C) array_like, mV
        One column a lead, finite.
    peaks : (N,) array_like of int
        Sample numbers of the beats, 0 to T - 1, strictly rising, at least one.
    rate_hz : float
        Sampling rate, at least 90 Hz.

    Returns
    -------
    tuple of (T, C) float64 and (N,) int64
        The same values; the signal may share memory with the input and must not be written to.

    Raises
    ------
    ShapeError
        Wrong axes, NaN, no beat, positions that do not rise or lie outside the signal.
    UnitError
        The rate is not a number or is too low.
    """
    signal = _checked_signal(ecg_mv, rate_hz)
    positions = np.asarray(peaks)
    if positions.ndim != 1 or positions.size == 0 or not np.issubdtype(positions.dtype, np.integer):
        raise ShapeError(
            f"peaks: expected (N,) whole sample numbers with N >= 1, got shape {positions.shape} of "
            f"{positions.dtype}; detect the beats first"
        )
    if positions.min() < 0 or positions.max() >= len(signal) or bool(np.any(np.diff(positions) <= 0)):
        raise ShapeError(
            f"peaks: expected strictly rising sample numbers from 0 to {len(signal) - 1}, got others; "
            "sort them, remove doubles and use the signal's own sampling rate"
        )
    return signal, positions.astype(np.int64)


def condition_ecg(ecg_mv: npt.ArrayLike, rate_hz: float) -> Floats:
    """Take baseline wander and noise above 40 Hz out of an ECG, without delay.

    The baseline is the median over 0.2 s and then over 0.6 s, as in de Chazal 2004, computed on means of
    25 ms blocks, which makes it quick. The low-pass is a Butterworth filter of order 4 that runs forward and
    backward.

    Parameters
    ----------
    ecg_mv : (T, C) array_like, mV
        One column a lead, finite.
    rate_hz : float
        Sampling rate, at least 90 Hz.

    Returns
    -------
    (T, C) float64, mV
        A new array.

    Raises
    ------
    ShapeError
        Wrong axes or NaN.
    UnitError
        The rate is not a number or is too low.

    Notes
    -----
    P. de Chazal, M. O'Dwyer, R. B. Reilly, "Automatic classification of heartbeats using ECG morphology and
    heartbeat interval features", IEEE Trans. Biomed. Eng. 51(7), 2004.
    """
    signal = _checked_signal(ecg_mv, rate_hz)
    leads = np.ascontiguousarray(signal.T)  # (T, C) -> (C, T): each lead lies in one piece of memory
    flat = _baseline(leads, rate_hz)
    np.subtract(leads, flat, out=flat)
    return zero_phase(flat, rate_hz, order=4, below_hz=LOW_PASS_HZ, settle_s=SETTLE_S).T


def _baseline(leads: Floats, rate_hz: float) -> Floats:
    n_samples = leads.shape[1]
    step = max(1, round(BASELINE_BLOCK_S * rate_hz))
    n_blocks = max(1, n_samples // step)
    used = leads[:, : n_blocks * step] if n_samples >= step else leads
    blocks = used.reshape(len(leads), n_blocks, -1).mean(axis=2)  # (C, T) -> (C, T / step)
    block_rate_hz = rate_hz / step
    centres = (np.arange(n_blocks) + 0.5) * step - 0.5
    at = np.arange(n_samples)
    out = np.empty_like(leads)
    levels = blocks
    for width_s in (BASELINE_QRS_S, BASELINE_T_S):
        levels = moving_median(levels, 2 * round(width_s * block_rate_hz / 2) + 1)
    for lead, level in enumerate(levels):
        out[lead] = np.interp(at, centres, level)
    return out


def aligned_windows(ecg_mv: npt.ArrayLike, peaks: npt.ArrayLike, rate_hz: float) -> Floats32:
    """Cut 1 s around each beat at 180 Hz, with the middle of the QRS complex always at the same place.

    The middle is the centre of the squared slope over all leads near the given position, so that a detector
    that marks another point of the QRS complex than an annotator gives the same windows.

    Parameters
    ----------
    ecg_mv : (T, C) array_like, mV
        A conditioned ECG (`condition_ecg`); noise above 90 Hz would fold back.
    peaks : (N,) array_like of int
        Sample numbers of the beats, strictly rising.
    rate_hz : float
        Sampling rate, at least 90 Hz.

    Returns
    -------
    (N, C, 180) float32, mV
        0.4 s before to 0.6 s after the middle, which lies on sample 72. Outside the signal its edge value is
        repeated.

    Raises
    ------
    ShapeError, UnitError
        As `checked_beats`.
    """
    signal, positions = checked_beats(ecg_mv, peaks, rate_hz)
    leads = np.ascontiguousarray(signal.T, dtype=np.float32)  # (T, C) -> (C, T)
    start = positions.astype(np.float64)
    near = _cut(leads, start, rate_hz, part=window_slice(-SEARCH_S, SEARCH_S))
    return _cut(leads, start + _qrs_shift_s(near) * rate_hz, rate_hz)


def beat_windows(ecg_mv: npt.ArrayLike, peaks: npt.ArrayLike, rate_hz: float) -> Floats32:
    """Cut aligned windows and scale each lead by the usual height of its QRS complexes.

    Parameters
    ----------
    ecg_mv, peaks, rate_hz
        As `aligned_windows`.

    Returns
    -------
    (N, C, 180) float32, dimensionless
        1 is the median height, from lowest to highest point, of the QRS complexes of that lead.

    Raises
    ------
    ShapeError, UnitError
        As `checked_beats`.
    """
    return scale_windows(aligned_windows(ecg_mv, peaks, rate_hz))


def scale_windows(windows_mv: Floats32) -> Floats32:
    """Scale each lead by the usual height of its QRS complexes.

    Parameters
    ----------
    windows_mv : (N, C, 180) float32
        All beats of a record, as `aligned_windows`.

    Returns
    -------
    (N, C, 180) float32, dimensionless
        As `beat_windows`.
    """
    height_mv = median(np.ptp(windows_mv[:, :, QRS], axis=2), axis=0)  # (C,)
    scaled: Floats32 = windows_mv / np.maximum(height_mv, MIN_HEIGHT_MV)[None, :, None]
    return scaled


def _cut(leads: Floats32, centres: Floats, rate_hz: float, *, part: slice = slice(WINDOW_SAMPLES)) -> Floats32:
    """Read the leads around each centre, between samples by a straight line: (C, T), (N,) -> (N, C, W)."""
    n_samples = leads.shape[1]
    offsets_s = np.arange(WINDOW_SAMPLES)[part] / WINDOW_RATE_HZ - WINDOW_BEFORE_S
    at = centres[:, None] + offsets_s * rate_hz  # (N, W)
    np.clip(at, 0, n_samples - 1, out=at)
    left = at.astype(np.int64)
    np.minimum(left, n_samples - 2, out=left)
    at -= left
    weight = at.astype(np.float32)
    windows = np.empty((len(centres), len(leads), len(offsets_s)), dtype=np.float32)
    for lead, wave in enumerate(leads):
        before, after = wave[left], wave[1:][left]
        after -= before
        after *= weight
        np.add(before, after, out=windows[:, lead])
    return windows


def _qrs_shift_s(windows: Floats32) -> Floats:
    slope = np.diff(windows.astype(np.float64), axis=2)
    usual = median(np.sqrt((slope**2).mean(axis=2)), axis=0) + 1e-6  # (C,)
    energy = ((slope / usual[None, :, None]) ** 2).sum(axis=1)  # (N, C, W) -> (N, W)
    at_s = (np.arange(energy.shape[1]) - (energy.shape[1] - 1) / 2) / WINDOW_RATE_HZ
    centre_s = (energy * at_s).sum(axis=1) / (energy.sum(axis=1) + 1e-9)
    near = np.exp(-0.5 * ((at_s - centre_s[:, None]) / NEAR_S) ** 2) * energy
    shift_s: Floats = (near * at_s).sum(axis=1) / (near.sum(axis=1) + 1e-9)
    return shift_s
