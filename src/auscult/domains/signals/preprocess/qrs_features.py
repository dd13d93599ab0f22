"""Candidate R peaks and what describes each: the input of a learned detector that replaces the fixed weights.

Heights are logarithms of ratios (to the level around, a neighbour, the record's usual beat) and times are in
seconds or in RR intervals of the record, so that the features carry over to other leads and gains.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.domains.signals.preprocess.filters import zero_phase
from auscult.domains.signals.preprocess.qrs import BASE_S, accept_peaks, r_positions
from auscult.domains.signals.preprocess.qrs_energy import (
    ACTIVITY_S,
    Floats,
    Ints,
    QrsEnergy,
    check_lead,
    log_ratio,
    moving_mean,
    qrs_energy,
    spread,
)

Flags = npt.NDArray[np.bool_]

LEAST_SHARE = 0.04  # of the local level; lower peaks are never beats
NEIGHBOURS = 12  # candidates on each side, which cover more than a second
NEAR_S = (0.25, 0.4, 0.6, 1.0)
FAR_S = 3.0  # distances beyond this are all alike
LEAST_EVIDENCE = -20.0
LOG_RANGE = 3.0  # a twentieth to twenty times: beyond that all ratios are alike
AROUND_S = (0.4, 1.0, 1.5)
SHAPE_S = 0.1  # half the window that is compared with other beats
SHIFT_S = 0.04  # by which it may be moved
SIDE_S = 0.08  # half the window in which deflections are measured
FAST_HZ = 25.0  # above the band of the QRS: muscle and mains
SLOW_S = 0.12  # averages out what is faster than a T wave or flutter
SMALL = 1e-9

QRS_FEATURE_NAMES: tuple[str, ...] = (
    "accepted",
    "evidence",
    *(f"evidence_{side}_{near_s:g}s" for near_s in NEAR_S for side in ("before", "after")),
    *(f"height_to_{side}_{near_s:g}s" for near_s in NEAR_S for side in ("before", "after")),
    *(f"distance_{side}_s" for side in ("before", "after")),
    "height_to_level",
    "height_to_beats",
    "level_to_beats",
    "height_to_around",
    *(f"height_to_around_{around_s:g}s" for around_s in AROUND_S),
    "activity",
    "activity_1s",
    "activity_fast",
    "activity_slow",
    "fast_to_height",
    "slow_to_height",
    "width_s",
    *(f"{what}_to_level" for what in ("up", "down", "rise", "fall")),
    "like_usual",
    "like_usual_unmoved",
    "like_before",
    "like_after",
    "moved_s",
    "since_beat_rr",
    "until_beat_rr",
    "beat_gap_rr",
    "height_to_beat_before",
    "height_to_beat_after",
    "usual_rr_s",
)


def qrs_candidates(ecg_mv: npt.ArrayLike, rate_hz: float) -> tuple[Ints, npt.NDArray[np.float32]]:
    """List every peak of an ECG lead that may be a beat, with its features.

    Parameters
    ----------
    ecg_mv : array of float, shape (T,)
        One lead, mV, at least 1 s, without NaN.
    rate_hz : float
        Sampling rate, at least 100 Hz.

    Returns
    -------
    positions : array of int64, shape (N,)
        Rising sample positions.
    features : array of float32, shape (N, F)
        One column for each of `QRS_FEATURE_NAMES`, finite. ``accepted`` is 1 where `detect_qrs` has a beat.

    Raises
    ------
    ShapeError
        The lead is not one-dimensional, too short, or holds a value that is not finite.
    UnitError
        The rate is below 100 Hz or not a number.
    """
    lead_mv = check_lead(ecg_mv, rate_hz)
    found = qrs_energy(lead_mv, rate_hz)
    accepted = np.zeros(found.peaks.size, dtype=bool)
    accepted[accept_peaks(found)] = True
    kept = np.flatnonzero(accepted | (found.height_mv > LEAST_SHARE * found.level_mv))
    positions = r_positions(lead_mv, rate_hz, found=found)[kept]
    if kept.size == 0:
        return positions, np.zeros((0, len(QRS_FEATURE_NAMES)), dtype=np.float32)
    beats = accepted[kept]
    columns = [beats.astype(np.float64), found.evidence[kept]]
    columns += _neighbours(found, kept)
    columns += _heights(found, kept, beats)
    columns += _noise(found, kept)
    columns += _shapes(found, kept, beats)
    columns += _rhythm(found, kept, beats)
    return positions, np.stack(columns, axis=1).astype(np.float32)


def _relative(value_mv: Floats, reference_mv: Floats) -> Floats:
    """Bounded logarithm of a ratio of heights; where there is nothing to compare with, the upper bound."""
    bounded = np.clip(log_ratio(value_mv, reference_mv), -LOG_RANGE, LOG_RANGE)
    return np.where(reference_mv == 0.0, LOG_RANGE, bounded)


def _neighbours(found: QrsEnergy, kept: Ints) -> list[Floats]:
    """Most evidence and highest neighbour within some times before and after, and the nearest distance."""
    at, height, evidence = found.peaks[kept] / found.rate_hz, found.height_mv[kept], found.evidence[kept]
    steps = np.arange(1, NEIGHBOURS + 1)
    weights, heights, distances = [], [], []
    sides = []
    for sign in (-1, 1):
        near = np.arange(kept.size)[:, None] + sign * steps  # (N, 12)
        inside = (near >= 0) & (near < kept.size)
        near = np.clip(near, 0, kept.size - 1)
        distance = np.where(inside, np.abs(at[near] - at[:, None]), FAR_S)
        distances.append(np.minimum(distance[:, 0], FAR_S))
        sides.append((near, distance))
    for near_s in NEAR_S:
        for near, distance in sides:
            close = distance <= near_s
            weights.append(np.where(close, evidence[near], LEAST_EVIDENCE).max(axis=1))
            heights.append(_relative(height, np.where(close, height[near], 0.0).max(axis=1)))
    return [*weights, *heights, *distances]


def _heights(found: QrsEnergy, kept: Ints, beats: Flags) -> list[Floats]:
    """Height beside the local level, the record's beats and the averages around."""
    height, level = found.height_mv[kept], found.level_mv[kept]
    usual = np.full(kept.size, np.median(height[beats]) if beats.any() else np.median(level))
    columns = [_relative(height, level), _relative(height, usual), _relative(level, usual)]
    columns.append(_relative(height, found.around_mv[kept]))
    for around_s in AROUND_S:
        around = moving_mean(found.energy_mv, around_s, found.rate_hz)[found.peaks[kept]]
        columns.append(_relative(height, around))
    return columns


def _noise(found: QrsEnergy, kept: Ints) -> list[Floats]:
    """How busy the lead is around each candidate in the band of the QRS, above it and below it."""
    at, rate_hz, height = found.peaks[kept], found.rate_hz, found.height_mv[kept]
    lead = found.lead_mv
    fast = np.abs(zero_phase(lead, rate_hz, order=2, above_hz=FAST_HZ))
    slow = np.abs(moving_mean(lead, SLOW_S, rate_hz) - moving_mean(lead, 2 * BASE_S, rate_hz))
    return [
        found.activity[kept],
        spread(found.energy_mv, at, rate_hz=rate_hz, window_s=1.0),
        spread(fast, at, rate_hz=rate_hz, window_s=ACTIVITY_S),
        spread(slow, at, rate_hz=rate_hz, window_s=ACTIVITY_S),
        _relative(moving_mean(fast, SLOW_S, rate_hz)[at], height),
        _relative(moving_mean(slow, 1.0, rate_hz)[at], height),
    ]


def _shapes(found: QrsEnergy, kept: Ints, beats: Flags) -> list[Floats]:
    """Width, deflections, and likeness to the record's usual beat and to the beats before and after."""
    at, rate_hz, level = found.peaks[kept], found.rate_hz, found.level_mv[kept]
    reach, shift, side = int(SHAPE_S * rate_hz), int(SHIFT_S * rate_hz), int(SIDE_S * rate_hz)
    energy = _window(found.energy_mv, at, 2 * reach)
    width = (energy > 0.5 * found.height_mv[kept][:, None]).sum(axis=1) / rate_hz
    lead = _window(found.lead_mv - moving_mean(found.lead_mv, BASE_S, rate_hz), at, side)
    slope = _window(found.slope_mv, at, side)
    columns = [width]
    columns += [_relative(top.max(axis=1), level) for top in (lead, -lead, slope, -slope)]
    wide = _window(found.slope_mv, at, reach + shift)  # (N, 2 (R + S) + 1)
    unit = wide[:, shift : wide.shape[1] - shift]
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), SMALL)
    chosen = np.flatnonzero(beats) if beats.any() else np.arange(kept.size)
    usual = np.median(unit[chosen], axis=0)
    usual = usual / max(float(np.linalg.norm(usual)), SMALL)
    like, moved = _likeness(wide, np.broadcast_to(usual, unit.shape), shift)
    index = np.arange(kept.size)
    before = chosen[np.maximum(np.searchsorted(chosen, index) - 1, 0)]
    after = chosen[np.minimum(np.searchsorted(chosen, index, side="right"), chosen.size - 1)]
    columns += [like, unit @ usual]
    columns += [_likeness(wide, unit[other], shift)[0] for other in (before, after)]
    return [*columns, moved / rate_hz]


def _window(values: Floats, at: Ints, reach: int) -> Floats:
    """Cut a window around each sample, the ends repeated, (T,) -> (N, 2 R + 1)."""
    index = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, values.size - 1)
    window: Floats = values[index]
    return window


def _likeness(wide: Floats, pattern: Floats, shift: int) -> tuple[Floats, Floats]:
    """Highest correlation of a pattern with a window that may move, and by how many samples it moved."""
    size = pattern.shape[1]
    scores = []
    for start in range(2 * shift + 1):
        part = wide[:, start : start + size]  # (N, 2 R + 1)
        power = np.einsum("nw,nw->n", part, part)
        scores.append(np.einsum("nw,nw->n", part, pattern) / np.sqrt(np.maximum(power, SMALL)))
    score = np.stack(scores, axis=1)  # (N, 2 S + 1)
    best = score.argmax(axis=1)
    return score[np.arange(best.size), best], np.abs(best - shift).astype(np.float64)


def _rhythm(found: QrsEnergy, kept: Ints, beats: Flags) -> list[Floats]:
    """Time and height beside the accepted beats before and after, in usual RR intervals."""
    at, height = found.peaks[kept] / found.rate_hz, found.height_mv[kept]
    chosen = np.flatnonzero(beats)
    usual = float(np.median(np.diff(at[chosen]))) if chosen.size > 1 else 1.0
    time = np.concatenate(([-np.inf], at[chosen], [np.inf]))
    tall = np.concatenate(([0.0], height[chosen], [0.0]))
    index = np.arange(kept.size)
    before = np.searchsorted(chosen, index)  # into time: the beat before
    after = np.searchsorted(chosen, index, side="right") + 1
    since = np.minimum(at - time[before], FAR_S) / usual
    until = np.minimum(time[after] - at, FAR_S) / usual
    return [
        since,
        until,
        since + until,
        _relative(height, tall[before]),
        _relative(height, tall[after]),
        np.full(kept.size, usual),
    ]
