"""R peaks of one ECG lead by a classical detector: energy peaks, evidence, refractory time, search-back.

Refractory time and search-back follow Pan & Tompkins (IEEE Trans Biomed Eng 1985;32:230-236). Constants
without a source of their own were tuned on DS1 of the MIT-BIH Arrhythmia Database only, as in `qrs_energy`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.filters import moving_median
from auscult.domains.signals.preprocess.qrs_energy import (
    Floats,
    Ints,
    QrsEnergy,
    check_lead,
    moving_mean,
    qrs_energy,
)

REFRACTORY_S = 0.2  # Pan & Tompkins 1985
MISSED_BEAT = 1.66  # usual RR intervals; Pan & Tompkins 1985
RR_BEATS = 9
MIN_RHYTHM_BEATS = 3
SEARCH_BACK = -0.7  # evidence that is enough where a beat is missing
REFINE_S = 0.05  # half the least distance of two peaks, so that positions keep their order
BASE_S = 0.4  # of the average from which a deflection is measured


def detect_qrs(ecg_mv: npt.ArrayLike, rate_hz: float) -> Ints:
    """Find the R peaks of one ECG lead.

    Parameters
    ----------
    ecg_mv : array of float, shape (T,)
        One lead, mV, at least 1 s, without NaN. Its polarity does not matter.
    rate_hz : float
        Sampling rate, at least 100 Hz.

    Returns
    -------
    array of int64, shape (K,)
        Rising sample positions of the largest deflection of each QRS complex.

    Raises
    ------
    ShapeError
        The lead is not one-dimensional, too short, or holds a value that is not finite.
    UnitError
        The rate is below 100 Hz or not a number.
    """
    lead_mv = check_lead(ecg_mv, rate_hz)
    found = qrs_energy(lead_mv, rate_hz)
    return r_positions(lead_mv, rate_hz, found=found)[accept_peaks(found)]


def accept_peaks(found: QrsEnergy) -> Ints:
    """Choose the energy peaks that are beats.

    Parameters
    ----------
    found : QrsEnergy
        What `qrs_energy` gave.

    Returns
    -------
    array of int64, shape (K,)
        Rising indices into ``found.peaks``.
    """
    beats = pick_events(found.peaks, found.evidence, rate_hz=found.rate_hz, threshold=0.0)
    return np.sort(np.concatenate((beats, _search_back(beats, found))))


def _search_back(beats: Ints, found: QrsEnergy) -> Ints:
    """Choose the best peak of each gap that is too long for the rhythm around it, if it is good enough."""
    if beats.size < MIN_RHYTHM_BEATS:
        return np.empty(0, dtype=np.int64)
    at = found.peaks[beats]
    gap = np.diff(at)
    usual = moving_median(gap, min(RR_BEATS, gap.size))
    margin = REFRACTORY_S * found.rate_hz
    added = []
    for before in np.flatnonzero(gap > MISSED_BEAT * usual).tolist():
        first = int(np.searchsorted(found.peaks, at[before] + margin))
        last = int(np.searchsorted(found.peaks, at[before + 1] - margin, side="right"))
        best = first + int(found.evidence[first:last].argmax()) if last > first else -1
        if best >= 0 and found.evidence[best] > SEARCH_BACK:
            added.append(best)
    return np.asarray(added, dtype=np.int64)


def r_positions(lead_mv: Floats, rate_hz: float, *, found: QrsEnergy) -> Ints:
    """Move each energy peak to the largest deflection beside it, in samples of the lead, (N,)."""
    reach = int(REFINE_S * rate_hz)
    centre = found.peaks * found.step + found.step // 2
    window = lead_mv.take(centre[:, None] + np.arange(-reach, reach + 1), mode="clip")  # (N, W)
    window -= moving_mean(found.lead_mv, BASE_S, found.rate_hz)[found.peaks][:, None]
    np.abs(window, out=window)
    positions: Ints = np.clip(centre + window.argmax(axis=1) - reach, 0, lead_mv.size - 1)
    return positions


def pick_events(
    positions: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    rate_hz: float,
    threshold: float,
    refractory_s: float = REFRACTORY_S,
) -> Ints:
    """Keep the best-scored candidates of which no two lie within the refractory time.

    Parameters
    ----------
    positions : array of int, shape (N,)
        Sample positions in rising order.
    scores : array of float, shape (N,)
        One score a candidate; of equal scores the earlier position wins.
    rate_hz : float
        Rate of the positions.
    threshold : float
        Candidates that score below it are left out.
    refractory_s : float
        Two kept candidates are at least this far apart; above 0.

    Returns
    -------
    array of int64, shape (K,)
        Rising indices of the kept candidates.

    Raises
    ------
    ShapeError
        Positions and scores differ in shape, positions do not rise, or a score is NaN.
    UnitError
        The rate or the refractory time is not above 0.
    """
    reach = refractory_s * rate_hz
    if not reach > 0.0:
        raise UnitError(
            f"refractory time: expected seconds and a rate above 0, got {refractory_s:g} s at "
            f"{rate_hz:g} Hz. Pass the rate that the positions are counted in."
        )
    at, score = np.asarray(positions, dtype=np.int64), np.asarray(scores, dtype=np.float64)
    if at.ndim != 1 or at.shape != score.shape:
        raise ShapeError(
            f"candidates: expected positions and scores with axes (N,), got shapes {at.shape} and "
            f"{score.shape}. Pass one score for each position."
        )
    if np.isnan(score).any() or np.any(np.diff(at) < 0):
        raise ShapeError(
            "candidates: expected rising positions and scores without NaN, got positions that fall "
            "or a NaN score. Sort both by position and check what scored them."
        )
    alive = np.flatnonzero(score >= threshold).astype(np.int64)
    at, score = at[alive], score[alive]
    first = np.searchsorted(at, at - reach, side="right").tolist()
    last = np.searchsorted(at, at + reach, side="left").tolist()
    free = bytearray(b"\x01") * at.size
    kept = []
    for index in np.argsort(-score, kind="stable").tolist():
        if free[index]:
            kept.append(index)
            free[first[index] : last[index]] = bytes(last[index] - first[index])
    return alive[np.sort(np.asarray(kept, dtype=np.int64))]
