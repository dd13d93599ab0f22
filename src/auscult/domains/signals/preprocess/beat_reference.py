"""Which beats of a record are its normal ones, also where the early beats are in the majority; no labels are used.

What is usual in a record is the dominant rhythm in most people. In a person whose atrial ectopic beats come in long
runs it is not: the early beats have the same QRS complex as the normal ones and outnumber them, so that measured
against the commonest beat nothing looks early. Such a record has two rhythms that can be told apart, and the normal one
is the slower.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.domains.signals.preprocess.beats import MIN_HEIGHT_MV, QRS, Floats, Floats32, window_slice

P_WAVE = window_slice(-0.24, -0.07)
FEWEST_BEATS = 10
"""Beats that each of two rhythms must have; a strip of 10 s has too few for two."""
SMALLEST_GAP = 0.2
"""Least distance of two rhythms in the logarithm of the interval: the early one is quicker by a fifth."""
SMALLEST_SEPARATION = 1.5
"""Least distance over the sum of both spreads; halves of one rhythm come to 1.2."""
MOST_STEP = 0.1
"""Most change in the logarithm of the interval, from early beat to early beat or to the next but one. Atrial
fibrillation, whose short intervals are no rhythm, changes by 0.13 and more."""
MOST_P_LIKENESS = 0.85
"""Highest correlation of the two rhythms before the QRS complex. With a pause or a block the P wave stays as it is."""


@dataclass(frozen=True)
class Reference:
    """The beats that the others are compared with.

    Attributes
    ----------
    beats : (N,) bool
        At least one.
    two_rhythms : bool
        Whether they are the slower of two rhythms; else they are the dominant beats.
    """

    beats: npt.NDArray[np.bool_]
    two_rhythms: bool


def reference_beats(windows_mv: Floats32, before_s: Floats, dominant: npt.NDArray[np.bool_]) -> Reference:
    """Find the normal beats of a record.

    Parameters
    ----------
    windows_mv : (N, C, 180) float32, mV
        All beats of a record, as `aligned_windows`.
    before_s : (N,) float64, s
        Interval before each beat.
    dominant : (N,) bool
        Beats of the dominant QRS shape, at least one.

    Returns
    -------
    Reference
        The dominant beats, or those with the longer intervals where these and the early ones are two rhythms: far
        apart for their spreads, the early one steady, and each with its own P wave.

    Notes
    -----
    The limits were chosen on DS1 of the MIT-BIH Arrhythmia Database and on records spliced from it, in which atrial
    beats outnumber the others, or sinus beats are followed by pauses.
    """
    pair = dominant & np.append(True, dominant[:-1])
    if pair.sum() < 2 * FEWEST_BEATS:
        return Reference(dominant, False)
    log_s = np.log(before_s)
    limit = _valley(np.clip(log_s[pair], *np.quantile(log_s[pair], (0.02, 0.98))))
    early, late = pair & (log_s < limit), pair & (log_s >= limit)
    two = min(early.sum(), late.sum()) >= FEWEST_BEATS and _apart(log_s, early, late)
    two = bool(two) and _steady(log_s, early) and _p_likeness(windows_mv, early, late) <= MOST_P_LIKENESS
    return Reference(late if two else dominant, two)


def _valley(values: Floats) -> float:
    """Cut values in two so that the variance between the parts is highest (Otsu 1979, IEEE Trans. SMC 9:62)."""
    ordered = np.sort(values)
    sums, n_values = np.cumsum(ordered), len(ordered)
    below = np.arange(1, n_values)
    gap = sums[:-1] / below - (sums[-1] - sums[:-1]) / (n_values - below)
    best = int((below * (n_values - below) * gap**2).argmax())
    return float(ordered[best] + ordered[best + 1]) / 2


def _apart(log_s: Floats, early: npt.NDArray[np.bool_], late: npt.NDArray[np.bool_]) -> bool:
    gap = float(np.median(log_s[late]) - np.median(log_s[early]))
    return gap >= max(SMALLEST_GAP, SMALLEST_SEPARATION * (_deviation(log_s[early]) + _deviation(log_s[late]) + 1e-3))


def _deviation(values: Floats) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _steady(log_s: Floats, early: npt.NDArray[np.bool_]) -> bool:
    """Whether early beats keep their interval to the next, as in a run, or to the next but one, as in bigeminy."""
    for step in (1, 2):
        both = early[step:] & early[:-step]
        if both.sum() >= FEWEST_BEATS and np.median(np.abs(log_s[step:] - log_s[:-step])[both]) <= MOST_STEP:
            return True
    return False


def _p_likeness(windows_mv: Floats32, early: npt.NDArray[np.bool_], late: npt.NDArray[np.bool_]) -> float:
    """Correlation of the usual P wave of two groups over all leads, each lead in the height of its QRS complex."""
    height_mv = np.maximum(np.median(np.ptp(windows_mv[early | late][:, :, QRS], axis=2), axis=0), MIN_HEIGHT_MV)
    usual = [np.median(windows_mv[group][:, :, P_WAVE], axis=0) / height_mv[:, None] for group in (early, late)]
    first, second = (wave - wave.mean(axis=1, keepdims=True) for wave in usual)  # (C, W)
    return float((first * second).sum() / (np.linalg.norm(first) * np.linalg.norm(second) + 1e-9))
