"""Features of the pulse in a short photoplethysmogram (PPG) segment, read from its averaged beat.

Sources: Takazawa et al., Hypertension 32:365 (1998), the waves a to e of the second derivative and the aging
index; Millasseau et al., Clin Sci 103:371 (2002), stiffness and reflection index; Elgendi, Curr Cardiol Rev
8:14 (2012), widths, areas and augmentation of the finger pulse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import find_peaks

from auscult.domains.signals.preprocess.pulse import (
    GRID_HZ,
    LOW_PASS_HZ,
    AveragePulse,
    Floats,
    average_pulse,
    checked_segments,
)

_WIDTH_LEVELS = (0.1, 0.25, 0.33, 0.5, 0.66, 0.75, 0.9)
_HARMONICS = (2, 3, 4, 5)

PPG_FEATURE_NAMES: tuple[str, ...] = (
    "period_s",
    "log_perfusion",
    "rise_s",
    "rise_fraction",
    "steepest_s",
    "steepest_per_s",
    "fall_steepest_per_s",
    *(f"width{round(100 * level)}_s" for level in _WIDTH_LEVELS),
    *(f"systolic_width{round(100 * level)}_s" for level in _WIDTH_LEVELS),
    *(f"diastolic_width{round(100 * level)}_s" for level in _WIDTH_LEVELS),
    "area",
    "systolic_area",
    "inflection_area_ratio",
    "centroid_fraction",
    "value_spread",
    "value_skew",
    "b_over_a",
    "c_over_a",
    "d_over_a",
    "e_over_a",
    "aging_index",
    "a_to_b_s",
    "b_to_e_s",
    "a_to_f_s",
    "augmentation",
    "notch_height",
    "reflection_index",
    "peak_to_reflection_s",
    *(f"harmonic{k}_log_ratio" for k in _HARMONICS),
    *(f"harmonic{k}_cos" for k in _HARMONICS),
    *(f"harmonic{k}_sin" for k in _HARMONICS),
    "n_beats",
    "quality",
)
"""The columns of `ppg_features`. The unit is in the name; without one a value is a ratio or a count."""

PPG_SHAPE_NAMES: tuple[str, ...] = tuple(
    name for name in PPG_FEATURE_NAMES if name not in {"period_s", "log_perfusion", "n_beats", "quality"}
)
"""The columns that say how the pulse is shaped. The others say how fast it is, or describe the recording:
gain, number of beats and noise belong to a device and a session; a pressure model that uses them learns the
device."""


def ppg_features(segment: ArrayLike, rate_hz: float) -> NDArray[np.float32]:
    """Measure the averaged pulse of one PPG segment, or of many.

    Parameters
    ----------
    segment : array, shape (T,) or (N, T)
        PPG in any unit, pulse upwards; at least 1 s.
    rate_hz : float
        Sampling rate in hertz, at least 40.

    Returns
    -------
    ndarray of float32, shape (F,) or (N, F)
        Columns as in `PPG_FEATURE_NAMES`, always finite. A segment in which no whole beat is found (flat,
        saturated, or too short for its heart rate) has 0 in every column: ``n_beats`` of 0 says that it has
        no answer. Noise in which some beat is found has a ``quality`` near 0.

    Raises
    ------
    ShapeError
        The array has other axes, is shorter than 1 s, or holds NaN or infinity.
    UnitError
        The rate is below 40 Hz or not finite.

    Examples
    --------
    >>> ppg_features(np.zeros(2100), 1000.0).shape == (len(PPG_FEATURE_NAMES),)
    True
    """
    raw = checked_segments(segment, rate_hz)
    rows = np.zeros((len(np.atleast_2d(raw)), len(PPG_FEATURE_NAMES)), dtype=np.float32)
    for i, row in enumerate(np.atleast_2d(raw)):
        rows[i] = _features(average_pulse(row, rate_hz))
    return rows[0] if raw.ndim == 1 else rows


def _features(beat: AveragePulse) -> Floats:
    values = dict.fromkeys(PPG_FEATURE_NAMES, 0.0)
    if beat.n_beats:
        values |= {
            "period_s": beat.period_s,
            "log_perfusion": float(np.log(beat.perfusion)),
            "n_beats": float(beat.n_beats),
            "quality": beat.quality,
        }
        values |= _widths(beat.pulse) | _areas(beat.pulse) | _waves(beat.pulse) | _harmonics(beat.pulse)
    return np.array([values[name] for name in PPG_FEATURE_NAMES])


def _widths(pulse: Floats) -> dict[str, float]:
    """Measure the time above each level by its outermost crossings, so that a notch does not split it."""
    peak = int(pulse.argmax())
    found: dict[str, float] = {}
    for level in _WIDTH_LEVELS:
        above = np.flatnonzero(pulse >= level)
        rise = (peak - above[0] + _overshoot(pulse, int(above[0]), level, step=-1)) / GRID_HZ
        fall = (above[-1] - peak + _overshoot(pulse, int(above[-1]), level, step=1)) / GRID_HZ
        name = f"width{round(100 * level)}_s"
        found |= {name: rise + fall, f"systolic_{name}": rise, f"diastolic_{name}": fall}
    return found


def _overshoot(pulse: Floats, index: int, level: float, *, step: int) -> float:
    """Give the part of a grid step between the last sample above the level and the crossing."""
    beyond = pulse[(index + step) % len(pulse)]
    return float((pulse[index] - level) / max(pulse[index] - beyond, 1e-12)) if beyond < level else 0.0


def _areas(pulse: Floats) -> dict[str, float]:
    peak, total = int(pulse.argmax()), float(pulse.sum())
    return {
        "rise_s": peak / GRID_HZ,
        "rise_fraction": peak / len(pulse),
        "area": total / len(pulse),
        "systolic_area": float(pulse[:peak].sum()) / total,
        "centroid_fraction": float(pulse @ np.arange(len(pulse))) / total / len(pulse),
        "value_spread": float(pulse.std()),
        "value_skew": float(np.mean((pulse - pulse.mean()) ** 3) / max(float(pulse.std()) ** 3, 1e-12)),
    }


def _waves(pulse: Floats) -> dict[str, float]:
    """Find the landmarks of the first and second derivative."""
    lead = round(0.08 * GRID_HZ)  # the a wave starts before the foot
    shifted = np.roll(pulse, lead)
    slope, bend = _derivative(shifted, 1), np.tile(_derivative(shifted, 2), 2)  # (2T,): no window runs out
    after = np.tile(shifted, 2)
    up, peak = int(slope[: shifted.argmax() + 1].argmax()), int(shifted.argmax())
    a = int(bend[: up + 1].argmax())
    b = up + int(bend[up : up + round(0.2 * GRID_HZ)].argmin())
    first, last = b + round(0.1 * GRID_HZ), min(b + round(0.4 * GRID_HZ), round(0.75 * len(pulse)))
    e = first + int(bend[first : max(last, first + 1)].argmax())
    c, d = _middle_waves(bend, b, e)
    f = e + int(bend[e : e + round(0.2 * GRID_HZ)].argmin())
    ratio = {name: float(bend[i] / max(bend[a], 1e-6)) for name, i in zip("bcde", (b, c, d, e), strict=True)}
    return {
        "steepest_s": (up - lead) / GRID_HZ,
        "steepest_per_s": float(slope.max()),
        "fall_steepest_per_s": float(slope.min()),
        **{f"{name}_over_a": value for name, value in ratio.items()},
        "aging_index": ratio["b"] - ratio["c"] - ratio["d"] - ratio["e"],
        "a_to_b_s": (b - a) / GRID_HZ,
        "b_to_e_s": (e - b) / GRID_HZ,
        "a_to_f_s": (f - a) / GRID_HZ,
        "augmentation": float(after[d] / max(after[b], 0.1)),
        "notch_height": float(after[e]),
        "reflection_index": float(after[f]),
        "peak_to_reflection_s": (f - peak) / GRID_HZ,
        "inflection_area_ratio": float(shifted[e:].sum() / max(float(shifted[:e].sum()), 1e-12)),
    }


def _middle_waves(bend: Floats, b: int, e: int) -> tuple[int, int]:
    """Find the waves c and d between b and e; where the curve has no such bump both are its middle."""
    tops = find_peaks(bend[b : e + 1])[0]
    if not len(tops):
        return (b + e) // 2, (b + e) // 2
    c = b + int(tops[0])
    return c, c + int(bend[c : e + 1].argmin())


def _derivative(pulse: Floats, order: int) -> Floats:
    """Differentiate a periodic pulse by its spectrum, per second to the order, low-passed by a Gaussian."""
    frequency_hz = np.fft.rfftfreq(len(pulse), 1.0 / GRID_HZ)
    gain = (2j * np.pi * frequency_hz) ** order * np.exp(-((frequency_hz / LOW_PASS_HZ) ** 2))
    return np.asarray(np.fft.irfft(np.fft.rfft(pulse) * gain, len(pulse)), dtype=np.float64)


def _harmonics(pulse: Floats) -> dict[str, float]:
    """Compare each harmonic with the first: log of the heights, and phase where the first one's is zero."""
    spectrum = np.fft.rfft(pulse)
    first = float(np.angle(spectrum[1]))
    found: dict[str, float] = {}
    for k in _HARMONICS:
        phase = float(np.angle(spectrum[k])) - k * first
        log_ratio = float(np.log((np.abs(spectrum[k]) + 1e-3) / (np.abs(spectrum[1]) + 1e-3)))
        found |= {f"harmonic{k}_log_ratio": log_ratio, f"harmonic{k}_cos": float(np.cos(phase))}
        found[f"harmonic{k}_sin"] = float(np.sin(phase))
    return found
