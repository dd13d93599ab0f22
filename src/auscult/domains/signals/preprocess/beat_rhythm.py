"""The rhythm around each beat: intervals over those of its surroundings and of its record, and regularity."""

from __future__ import annotations

import numpy as np

from auscult.domains.signals.preprocess.beat_reference import MOST_STEP, Reference
from auscult.domains.signals.preprocess.beats import Floats, Ints
from auscult.domains.signals.preprocess.filters import median, sliding

LOCAL_BEATS = 40
"""Beats on either side that make the local rhythm."""
NEAR_BEATS = 10
"""Beats on either side that make the local irregularity."""
USUAL_INTERVAL_S = 0.8
"""Stands for the interval of a lone beat, which has none; its ratios are then 1."""

RHYTHM = (
    "before_local", "after_local", "before_record", "after_record", "before_median", "around_local",
    "before_spread", "spread_half", "spread_high", "irregular_near", "irregular_wide",
    "irregular_high", "irregular_normal",
)  # fmt: skip
"""Intervals before and after the beat over the local, record and usual interval; regularity of the rhythm."""


def intervals_s(positions: Ints, rate_hz: float) -> tuple[Floats, Floats]:
    """Measure the interval before and after each beat.

    Parameters
    ----------
    positions : (N,) int64
        Sample numbers, strictly rising.
    rate_hz : float
        Sampling rate.

    Returns
    -------
    tuple of two (N,) float64, s
        The median interval stands before the first beat and after the last.
    """
    between_s = np.diff(positions) / rate_hz
    usual_s = float(median(between_s)) if len(between_s) else USUAL_INTERVAL_S
    return np.append(usual_s, between_s), np.append(between_s, usual_s)


def around(values: Floats, n_beats: int, percents: tuple[float, ...]) -> Floats:
    """Take percentiles over the beats around each beat.

    Parameters
    ----------
    values : (..., N) float64
        One or more rows; NaN is left out.
    n_beats : int
        Beats on either side.
    percents : tuple of float
        0 to 100.

    Returns
    -------
    (P, ..., N) float64
        One row a percentile; NaN where there is no value around.
    """
    padded = np.full((*values.shape[:-1], values.shape[-1] + 2 * n_beats), np.nan)
    padded[..., n_beats : n_beats + values.shape[-1]] = values
    rows = np.sort(sliding(padded, 2 * n_beats + 1), axis=-1)  # NaN sorts last
    last = np.maximum(np.isfinite(rows).sum(axis=-1, keepdims=True) - 1, 0)  # (..., N, 1)
    at = last * np.asarray(percents) / 100  # (..., N, P)
    low = at.astype(np.int64)
    bottom = np.take_along_axis(rows, low, axis=-1)
    top = np.take_along_axis(rows, np.minimum(low + 1, last), axis=-1)
    out: Floats = np.moveaxis(bottom + (top - bottom) * (at - low), -1, 0)
    return out


def rhythm_features(before_s: Floats, after_s: Floats, reference: Reference) -> dict[str, Floats]:
    """Compare the intervals of each beat with those between normal beats, around it and in the record.

    Where the normal beats are the slower of two rhythms, many of them end a pause, so that their interval is taken
    from the lower part of theirs, and their spread says nothing about regularity.

    Parameters
    ----------
    before_s, after_s : (N,) float64, s
        As `intervals_s`.
    reference : Reference
        The normal beats.

    Returns
    -------
    dict of (N,) float64
        A column for each name in `RHYTHM`, without unit, all finite.
    """
    two = reference.two_rhythms
    normal = reference.beats & (np.append(True, reference.beats[:-1]) | two)
    middle_percent, long_percent = (25.0, 40.0) if two else (50.0, 75.0)
    usual_s = float(np.percentile(before_s[reference.beats] if two else before_s, middle_percent))
    record_s = normal_interval_s(before_s, reference)
    local = around(np.where(normal, before_s, np.nan), LOCAL_BEATS, (middle_percent, long_percent))
    middle_s, long_s = np.where(np.isfinite(local), local, record_s)
    change = np.abs(np.diff(np.log(before_s), prepend=np.log(before_s[0])))
    near = around(change, NEAR_BEATS, (50.0, 75.0))
    wide = around(change, 6 * NEAR_BEATS, (50.0,))[0]
    normal_log = np.where(normal, np.log(before_s), np.nan)
    spread = np.nan_to_num(around(np.abs(normal_log - np.log(middle_s)), LOCAL_BEATS, (50.0, 75.0)))
    spread_half, spread_high = np.minimum(spread, MOST_STEP) if two else spread
    step = np.abs(np.diff(normal_log, prepend=np.nan))
    return {
        "before_local": before_s / long_s,
        "after_local": after_s / long_s,
        "before_record": before_s / record_s,
        "after_record": after_s / record_s,
        "before_median": before_s / usual_s,
        "around_local": (before_s + after_s) / (2 * middle_s),
        "before_spread": np.log(before_s / long_s) / (spread_high + 0.03),
        "spread_half": spread_half,
        "spread_high": spread_high,
        "irregular_near": near[0],
        "irregular_wide": wide,
        "irregular_high": near[1],
        "irregular_normal": np.nan_to_num(around(step, 2 * NEAR_BEATS, (50.0,))[0]),
    }


def normal_interval_s(before_s: Floats, reference: Reference) -> float:
    """Usual interval between two normal beats of a record, in s."""
    two = reference.two_rhythms
    normal = reference.beats & (np.append(True, reference.beats[:-1]) | two)
    return float(np.percentile(before_s[normal] if normal.sum() > 2 else before_s, 25.0 if two else 50.0))
