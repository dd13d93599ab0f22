"""Numbers that describe each beat against its own record: rhythm, QRS shape, P wave and T wave."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError
from auscult.domains.signals.preprocess.beat_groups import SHAPE, BeatGroups, group_beats
from auscult.domains.signals.preprocess.beat_reference import P_WAVE, reference_beats
from auscult.domains.signals.preprocess.beat_rhythm import (
    NEAR_BEATS,
    RHYTHM,
    around,
    intervals_s,
    normal_interval_s,
    rhythm_features,
)
from auscult.domains.signals.preprocess.beats import (
    MIN_HEIGHT_MV,
    QRS,
    WINDOW_RATE_HZ,
    Floats,
    Floats32,
    Ints,
    aligned_windows,
    checked_beats,
    window_slice,
)
from auscult.domains.signals.preprocess.filters import median

T_WAVE = window_slice(0.15, 0.45)
ST_SEGMENT = window_slice(0.07, 0.15)
MOST_LAG = 5
"""Samples (28 ms) by which a beat may be moved when it is compared with the normal beat."""
GROUPING = (
    "group_share", "group_likeness", "group_dominant", "group_before", "group_after", "like_previous",
    "like_next",
)  # fmt: skip
"""What the beats of the same shape have in common, and likeness with the neighbours."""
LEAD = (
    "height", "highest", "lowest", "highest_diff", "lowest_diff", "area", "width", "half_width", "slope",
    "qrs_like", "beat_like", "p_like", "p_like_moved", "t_like", "qrs_rest", "p_rest", "t_rest", "p_share",
    "p_highest", "p_lowest", "p_power", "p_level", "t_level", "t_level_diff", "st_level_diff",
    "qrs_like_diff", "qrs_like_score", "qrs_rest_diff", "qrs_rest_score", "p_like_diff", "p_like_score",
    "p_rest_diff", "p_rest_score", "p_power_diff", "p_power_score", "beat_like_diff", "beat_like_score",
)  # fmt: skip
"""`like` is a correlation with the usual normal beat, `rest` what differs from it, `diff` and `score` how far it
lies from the usual value of the normal beats, plain and over its spread."""
RECORD_RELATIVE = ("qrs_like", "qrs_rest", "p_like", "p_rest", "p_power", "beat_like")
ACROSS = (
    "qrs_like", "p_like", "p_like_moved", "qrs_rest", "p_rest_score", "p_like_score", "qrs_rest_score",
    "width", "area",
)  # fmt: skip
"""Of these the highest and the lowest value over the leads are given too."""
P_RHYTHM = ("p_like_local", "p_like_drop", "p_like_moved_local", "p_like_moved_drop")
"""How like the normal P wave the P waves around are, and how much less this one is; without P waves, as in
fibrillation, all are low."""


def beat_feature_names(n_leads: int) -> tuple[str, ...]:
    """Name the columns of `beat_features`, in order.

    Parameters
    ----------
    n_leads : int
        Number of leads, at least 1.

    Returns
    -------
    tuple of str
        79 names for one lead, 37 more for each further lead.

    Raises
    ------
    ShapeError
        `n_leads` is below 1.
    """
    if n_leads < 1:
        raise ShapeError(f"n_leads: expected at least 1, got {n_leads}; beats need a lead")
    lead = tuple(f"lead{k + 1}_{name}" for k in range(n_leads) for name in LEAD)
    across = tuple(f"{side}_{name}" for name in ACROSS for side in ("most", "least"))
    return RHYTHM + GROUPING + lead + across + P_RHYTHM


def beat_features(ecg_mv: npt.ArrayLike, peaks: npt.ArrayLike, rate_hz: float) -> Floats32:
    """Describe each beat against the normal beats and the usual rhythm of its own record.

    Nothing is learned and no label is used. A beat needs the beat after it; the local rhythm reaches up to 60
    beats ahead and the normal beat (`reference_beats`) comes from all that is given, so a whole record is answered
    at its end, and a stream in blocks.

    Parameters
    ----------
    ecg_mv : (T, C) array_like, mV
        A conditioned ECG (`condition_ecg`), lead MLII or II first where there is one.
    peaks : (N,) array_like of int
        Sample numbers of all beats of the record, strictly rising; beats of no interest included, for they
        make the rhythm.
    rate_hz : float
        Sampling rate, at least 90 Hz.

    Returns
    -------
    (N, F) float32
        Columns as `beat_feature_names`, all finite. Ratios, correlations, logarithms and shares without
        unit: heights are in units of the normal QRS complex of the same lead.

    Raises
    ------
    ShapeError, UnitError
        As `checked_beats`.

    Notes
    -----
    Ideas from de Chazal 2004 (intervals over local and record means) and M. Llamedo, J. P. Martinez,
    "Heartbeat classification using feature selection driven by database generalization criteria", IEEE Trans.
    Biomed. Eng. 58(3), 2011 (few, record-relative features carry over to new patients).
    """
    signal, positions = checked_beats(ecg_mv, peaks, rate_hz)
    return features_of_windows(aligned_windows(signal, positions, rate_hz), positions, rate_hz)


def features_of_windows(windows_mv: Floats32, positions: Ints, rate_hz: float) -> Floats32:
    """Describe beats whose windows were cut already; the values are those of `beat_features`.

    Parameters
    ----------
    windows_mv : (N, C, 180) float32
        As `aligned_windows`.
    positions : (N,) int64
        Sample numbers of the beats, strictly rising.
    rate_hz : float
        Sampling rate of the positions.

    Returns
    -------
    (N, F) float32
        Columns as `beat_feature_names`.
    """
    before_s, after_s = intervals_s(positions, rate_hz)
    groups = group_beats(windows_mv, before_s / after_s)
    reference = reference_beats(windows_mv, before_s, groups.dominant)
    usual_s = normal_interval_s(before_s, reference)
    table = rhythm_features(before_s, after_s, reference) | _grouping(groups, before_s / usual_s, after_s / usual_s)
    n_leads = windows_mv.shape[1]
    leads = _leads(windows_mv.astype(np.float64), reference.beats)
    table |= {f"lead{k + 1}_{name}": leads[name][k] for k in range(n_leads) for name in LEAD}
    across = np.stack([leads[name] for name in ACROSS])  # (A, C, N)
    table |= {f"most_{name}": values for name, values in zip(ACROSS, across.max(axis=1), strict=True)}
    table |= {f"least_{name}": values for name, values in zip(ACROSS, across.min(axis=1), strict=True)}
    table |= _p_rhythm(table, reference.beats)
    return np.stack([table[name] for name in beat_feature_names(n_leads)], axis=1).astype(np.float32)


def _p_rhythm(table: dict[str, Floats], normal: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    names = ("p_like", "p_like_moved")
    like = np.stack([table[f"most_{name}"] for name in names])  # (2, N)
    local = np.nan_to_num(around(np.where(normal, like, np.nan), 2 * NEAR_BEATS, (50.0,))[0])
    drop = like - local
    out = {f"{name}_local": values for name, values in zip(names, local, strict=True)}
    return out | {f"{name}_drop": values for name, values in zip(names, drop, strict=True)}


def _grouping(groups: BeatGroups, before: Floats, after: Floats) -> dict[str, Floats]:
    """Describe groups; the intervals are in units of the record's normal one."""
    n_beats = len(before)
    count = np.bincount(groups.label, minlength=groups.n_groups + 1)
    both = np.stack([before, after])  # (2, N)
    usual = np.ones((2, groups.n_groups + 1))
    for group in np.flatnonzero(count[:-1]).tolist():
        usual[:, group] = median(both[:, groups.label == group], axis=1)
    index = np.arange(n_beats)
    shapes = groups.shapes
    return {
        "group_share": (count / n_beats)[groups.label],
        "group_likeness": groups.likeness,
        "group_dominant": groups.dominant.astype(np.float64),
        "group_before": usual[0][groups.label],
        "group_after": usual[1][groups.label],
        "like_previous": (shapes * shapes[np.maximum(index - 1, 0)]).sum(axis=1),
        "like_next": (shapes * shapes[np.minimum(index + 1, n_beats - 1)]).sum(axis=1),
    }


def _leads(windows_mv: Floats, normal: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    """Describe all leads at once: (N, C, W) -> a column (C, N) for each name in `LEAD`."""
    template_mv = median(windows_mv[normal], axis=0)  # (C, W)
    height_mv = np.maximum(np.ptp(template_mv[:, QRS], axis=1), MIN_HEIGHT_MV)
    beats = windows_mv.transpose(1, 0, 2) / height_mv[:, None, None]  # (C, N, W)
    template = (template_mv / height_mv[:, None])[:, None]  # (C, 1, W)
    out = _qrs(beats, template) | _waves(beats, template)
    plain = np.stack([out[name] for name in RECORD_RELATIVE])  # (R, C, N)
    own = plain[..., normal]
    usual = median(own)[..., None]
    spread = 1.4826 * median(np.abs(own - usual)) + 0.25 * own.std(axis=-1)
    diff = plain - usual
    score = np.clip(diff / (spread[..., None] + 1e-3), -20, 20)
    for k, name in enumerate(RECORD_RELATIVE):
        out |= {f"{name}_diff": diff[k], f"{name}_score": score[k]}
    return out


def _qrs(beats: Floats, template: Floats) -> dict[str, Floats]:
    """Describe the QRS complex: (C, N, W) and (C, 1, W) -> columns (C, N)."""
    qrs, wide = beats[..., QRS], beats[..., SHAPE]
    usual_qrs, usual_wide = template[..., QRS], template[..., SHAPE]
    slope, usual_slope = np.diff(wide) ** 2, np.diff(usual_wide) ** 2
    highest, lowest = qrs.max(axis=-1), qrs.min(axis=-1)
    return {
        "height": np.log(highest - lowest + 1e-3),
        "highest": highest,
        "lowest": lowest,
        "highest_diff": highest - usual_qrs.max(axis=-1),
        "lowest_diff": lowest - usual_qrs.min(axis=-1),
        "area": np.abs(wide).mean(axis=-1) / (np.abs(usual_wide).mean(axis=-1) + 1e-3),
        "width": _spread(slope) / np.maximum(_spread(usual_slope), 1e-3),
        "half_width": _half_width(wide) / _half_width(usual_wide),
        "slope": np.log(np.sqrt(slope.max(axis=-1)) / (np.sqrt(usual_slope.max(axis=-1)) + 1e-3) + 1e-3),
        "qrs_like": _moved_likeness(beats, template, SHAPE),
        "beat_like": _likeness(beats, template),
        "qrs_rest": _rms(wide - usual_wide),
    }


def _waves(beats: Floats, template: Floats) -> dict[str, Floats]:
    """Describe P wave, ST segment and T wave: (C, N, W) and (C, 1, W) -> columns (C, N)."""
    p_wave, usual_p = beats[..., P_WAVE], template[..., P_WAVE]
    t_wave, usual_t = beats[..., T_WAVE], template[..., T_WAVE]
    level = p_wave.mean(axis=-1)
    usual_level = usual_p.mean(axis=-1, keepdims=True)
    centred = usual_p - usual_level
    share = _products(p_wave - level[..., None], centred) / ((centred**2).sum(axis=-1) + 1e-4)
    ramp = np.linspace(0, 1, p_wave.shape[-1])
    bump = p_wave - (p_wave[..., :1] * (1 - ramp) + p_wave[..., -1:] * ramp)
    t_level = t_wave.mean(axis=-1)
    return {
        "p_like": _likeness(p_wave, usual_p),
        "p_like_moved": _moved_likeness(beats, template, P_WAVE),
        "t_like": _likeness(t_wave, usual_t),
        "p_rest": _rms(p_wave - usual_p),
        "t_rest": _rms(t_wave - usual_t),
        "p_share": np.clip(share, -5, 5),
        "p_highest": bump.max(axis=-1),
        "p_lowest": bump.min(axis=-1),
        "p_power": p_wave.std(axis=-1),
        "p_level": level - usual_level[..., 0],
        "t_level": t_level,
        "t_level_diff": t_level - usual_t.mean(axis=-1),
        "st_level_diff": beats[..., ST_SEGMENT].mean(axis=-1) - template[..., ST_SEGMENT].mean(axis=-1),
    }


def _rms(values: Floats) -> Floats:
    out: Floats = np.sqrt((values**2).mean(axis=-1))
    return out


def _products(beats: Floats, template: Floats) -> Floats:
    """Sum of the products of each row with its lead's template: (C, N, W), (C, 1, W) -> (C, N)."""
    out: Floats = (beats @ template.swapaxes(1, 2))[..., 0]
    return out


def _likeness(beats: Floats, template: Floats) -> Floats:
    """Pearson correlation of each row with its lead's template: (C, N, W), (C, 1, W) -> (C, N)."""
    beats = beats - beats.mean(axis=-1, keepdims=True)
    template = template - template.mean(axis=-1, keepdims=True)
    size = np.sqrt((beats**2).sum(axis=-1) * (template**2).sum(axis=-1)) + 1e-6
    out: Floats = _products(beats, template) / size
    return out


def _moved_likeness(beats: Floats, template: Floats, part: slice) -> Floats:
    """Highest correlation of a part of the template with each beat, which may be moved by `MOST_LAG` samples.

    A product with a matrix whose columns hold the moved template gives all lags at once; sums and squares over
    the moved parts come from the same matrix filled with ones.
    """
    wide = beats[..., part.start - MOST_LAG : part.stop + MOST_LAG]
    wide = wide - wide.mean(axis=-1, keepdims=True)  # (C, N, V); a common level changes no correlation
    usual = template[..., part] - template[..., part].mean(axis=-1, keepdims=True)  # (C, 1, W)
    size = usual.shape[-1]
    moved = np.zeros((2, len(usual), wide.shape[-1], 2 * MOST_LAG + 1))  # (2, C, V, lags)
    for lag in range(2 * MOST_LAG + 1):
        moved[0, :, lag : lag + size, lag] = usual[:, 0]
        moved[1, :, lag : lag + size, lag] = 1.0
    sums = wide @ moved[1]
    power = np.maximum((wide**2) @ moved[1] - sums**2 / size, 0.0)  # (C, N, lags)
    length = np.sqrt(power * (usual**2).sum(axis=-1, keepdims=True)) + 1e-6
    out: Floats = (wide @ moved[0] / length).max(axis=-1)
    return out


def _spread(energy: Floats) -> Floats:
    """Measure the standard deviation in seconds of where the energy lies: (C, N, W) -> (C, N)."""
    at_s = np.arange(energy.shape[-1]) / WINDOW_RATE_HZ
    total = energy.sum(axis=-1) + 1e-9
    middle_s = (energy * at_s).sum(axis=-1) / total
    out: Floats = np.sqrt((energy * (at_s - middle_s[..., None]) ** 2).sum(axis=-1) / total)
    return out


def _half_width(beats: Floats) -> Floats:
    size = np.abs(beats)
    out: Floats = (size >= 0.5 * size.max(axis=-1, keepdims=True)).mean(axis=-1)
    return out
