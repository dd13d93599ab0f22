"""The slope energy of one ECG lead, its peaks, and the evidence that each peak is a beat.

Band-pass, slope and moving energy follow Pan & Tompkins (IEEE Trans Biomed Eng 1985;32:230-236). Their
recursive thresholds are replaced by a weighted sum that compares each peak with the seconds on both sides, so
that nothing runs sample by sample. Constants without a source of their own were tuned on DS1 of the MIT-BIH
Arrhythmia Database only (the split of de Chazal et al., IEEE Trans Biomed Eng 2004;51:1196-1206).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess import filters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_RATE_HZ = 100.0
MIN_LENGTH_S = 1.0
WORK_RATE_HZ = 120.0  # a lead is averaged down to the lowest whole fraction of its rate not below this
BAND_HZ = (5.0, 28.0)
ENERGY_S = 0.12
PEAK_SPACING_S = 0.1
FLOOR_MV = 0.002  # below the resolution of the usual recorders (0.005 mV): a flat line has no peaks
LEVEL_BLOCK_S = 1.5  # holds a beat at 40 beats a minute
LEVEL_BLOCKS = 11
LEAST_LEVEL = 0.05  # of the record's level
AROUND_S = 0.65
ACTIVITY_S = 3.0
SPREAD_STEP_S = 0.1
# Logistic weights fitted to DS1: logarithms of the height beside the local level, the record's level and the
# average around the peak; then the activity. They do not depend on the gain or the polarity of the lead.
EVIDENCE_WEIGHTS = (0.6, 2.0, 5.3, -6.2)
EVIDENCE_BASE = 2.9


@dataclass(frozen=True)
class QrsEnergy:
    """The slope energy of a lead and its peaks, at a working rate.

    Attributes
    ----------
    rate_hz : float
        Working rate.
    step : int
        Samples of the lead per working sample.
    lead_mv : array of float64, shape (T,)
        The lead, averaged down.
    slope_mv : array of float64, shape (T,)
        Band-passed slope, scaled so that a sine in the middle of the band keeps its height.
    energy_mv : array of float64, shape (T,)
        Root mean square of ``slope_mv`` in a window of a QRS length.
    peaks : array of int64, shape (N,)
        Rising working samples at which ``energy_mv`` has a peak.
    height_mv : array of float64, shape (N,)
        Energy at each peak.
    level_mv : array of float64, shape (N,)
        Usual height of a beat's peak in the seconds around each peak.
    around_mv : array of float64, shape (N,)
        Average energy around each peak.
    activity : array of float64, shape (N,)
        How evenly energy is spread over the seconds around each peak, 0 to 1: high in flutter and noise.
    evidence : array of float64, shape (N,)
        Log odds that the peak is a beat.
    """

    rate_hz: float
    step: int
    lead_mv: Floats
    slope_mv: Floats
    energy_mv: Floats
    peaks: Ints
    height_mv: Floats
    level_mv: Floats
    around_mv: Floats
    activity: Floats
    evidence: Floats


def check_lead(ecg_mv: npt.ArrayLike, rate_hz: float) -> Floats:
    """Return the lead as float64, or refuse it; the errors are those of ``detect_qrs``."""
    if not np.isfinite(rate_hz) or rate_hz < MIN_RATE_HZ:
        raise UnitError(
            f"ECG rate: expected at least {MIN_RATE_HZ:g} Hz, got {rate_hz:g} Hz. "
            "Check the rate in the file's header; a slower recording cannot show a QRS complex."
        )
    lead_mv = np.asarray(ecg_mv, dtype=np.float64)
    if lead_mv.ndim != 1:
        raise ShapeError(
            f"ECG lead: expected one lead with axes (T,), got shape {lead_mv.shape}. Pass one lead at a time."
        )
    if lead_mv.size < MIN_LENGTH_S * rate_hz:
        raise ShapeError(
            f"ECG lead: expected at least {MIN_LENGTH_S:g} s, got {lead_mv.size / rate_hz:.3g} s "
            f"({lead_mv.size} samples at {rate_hz:g} Hz). Pass a longer window."
        )
    finite = np.isfinite(lead_mv)
    if not finite.all():
        bad = lead_mv.size - int(np.count_nonzero(finite))
        raise ShapeError(
            f"ECG lead: expected finite values, got {bad} of {lead_mv.size} that are NaN or infinite. "
            "Cut the gap out or ask for the repair step."
        )
    return lead_mv


def qrs_energy(lead_mv: Floats, rate_hz: float) -> QrsEnergy:
    """Compute the slope energy of a checked lead, its peaks, and the evidence that each is a beat."""
    step = max(1, int(rate_hz // WORK_RATE_HZ))
    work_hz = rate_hz / step
    low = _average_down(lead_mv, step)
    # Written in place: a new array of a long lead costs more than the arithmetic that fills it.
    slope: Floats = np.gradient(filters.zero_phase(low, work_hz, order=2, above_hz=BAND_HZ[0], below_hz=BAND_HZ[1]))
    slope *= work_hz / (2.0 * np.pi * np.sqrt(BAND_HZ[0] * BAND_HZ[1]))
    energy = moving_mean(slope * slope, ENERGY_S, work_hz)
    np.maximum(energy, 0.0, out=energy)
    np.sqrt(energy, out=energy)
    top = filters.moving_max(energy, round(PEAK_SPACING_S * work_hz))
    peaks = np.flatnonzero((energy == top) & (energy > FLOOR_MV)).astype(np.int64)
    height = energy[peaks]
    local, record = _levels(energy, peaks, work_hz)
    around = moving_mean(energy, AROUND_S, work_hz)[peaks]
    activity = spread(energy, peaks, rate_hz=work_hz, window_s=ACTIVITY_S)
    parts = (log_ratio(height, local), log_ratio(height, record), log_ratio(height, around), activity)
    evidence = np.stack(parts, axis=1) @ np.asarray(EVIDENCE_WEIGHTS) + EVIDENCE_BASE  # (N, 4) -> (N,)
    return QrsEnergy(
        rate_hz=work_hz,
        step=step,
        lead_mv=low,
        slope_mv=slope,
        energy_mv=energy,
        peaks=peaks,
        height_mv=height,
        level_mv=local,
        around_mv=around,
        activity=activity,
        evidence=evidence,
    )


def _average_down(lead_mv: Floats, step: int) -> Floats:
    """Average each ``step`` samples, (T,) -> (T // step,); the rest at the end is left out."""
    end = lead_mv.size // step * step
    low = lead_mv[:end:step].copy()
    for offset in range(1, step):
        low += lead_mv[offset:end:step]
    low /= step
    return low


def _levels(energy: Floats, peaks: Ints, rate_hz: float) -> tuple[Floats, Floats]:
    """Beat heights by the highest energy of blocks: their running median at each peak, and their median."""
    block = int(LEVEL_BLOCK_S * rate_hz)
    tops = np.maximum.reduceat(energy, np.arange(0, energy.size, block))
    record = float(filters.median(tops))
    side = LEVEL_BLOCKS // 2
    median = filters.moving_median(np.pad(tops, side, mode="symmetric"), LEVEL_BLOCKS)[side:-side]
    local = np.maximum(median, LEAST_LEVEL * record)
    return np.interp(peaks / block - 0.5, np.arange(tops.size), local), np.full(peaks.size, record)


def moving_mean(values: Floats, window_s: float, rate_hz: float) -> Floats:
    """Average over a centred window, (T,) -> (T,); at the ends the outermost value is repeated."""
    return filters.moving_mean(values, max(1, round(window_s * rate_hz)))


def spread(values: Floats, at: Ints, *, rate_hz: float, window_s: float) -> Floats:
    """How evenly values fill a window around some samples: squared mean by mean square, (T,) -> (N,).

    It is 1 for a constant, and for an on-off signal the share of time that is on. The window moves by 0.1 s.
    """
    block = int(SPREAD_STEP_S * rate_hz)
    starts = np.arange(0, values.size, block)
    length = np.diff(starts, append=values.size)
    mean = moving_mean(np.add.reduceat(values, starts) / length, window_s, rate_hz / block)
    square = moving_mean(np.add.reduceat(values * values, starts) / length, window_s, rate_hz / block)
    ratio: Floats = mean * mean / np.maximum(square, FLOOR_MV**2)
    return ratio[at // block]


def log_ratio(value_mv: Floats, reference_mv: Floats) -> Floats:
    """Logarithm of a ratio of heights, (N,), both held above the floor, so that no signal gives a finite value."""
    ratio: Floats = np.log(np.maximum(value_mv, FLOOR_MV) / np.maximum(reference_mv, FLOOR_MV))
    return ratio
