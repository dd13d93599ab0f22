"""Numbers that describe each beat against its own record: rhythm, QRS shape, P wave and T wave."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ShapeError
from auscult.domains.signals.preprocess.beat_groups import SHAPE, BeatGroups, group_beats
from auscult.domains.signals.preprocess.beat_rhythm import (
    NEAR_BEATS,
    RHYTHM,
    around,
    intervals_s,
    rhythm_features,
)
from auscult.domains.signals.preprocess.beats import (
    MIN_HEIGHT_MV,
    QRS,
    WINDOW_RATE_HZ,
    Floats,
    Floats32,
    aligned_windows,
    checked_beats,
    window_slice,
)

P_WAVE = window_slice(-0.24, -0.07)
T_WAVE = window_slice(0.15, 0.45)
ST_SEGMENT = window_slice(0.07, 0.15)
MOST_LAG = 5
"""Samples (28 ms) by which a beat may be moved when it is compared with the dominant beat."""
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
"""`like` is a correlation with the dominant beat, `rest` what differs from it, `diff` and `score` how far it
lies from the usual value of the dominant beats, plain and over its spread."""
RECORD_RELATIVE = ("qrs_like", "qrs_rest", "p_like", "p_rest", "p_power", "beat_like")
ACROSS = (
    "qrs_like", "p_like", "p_like_moved", "qrs_rest", "p_rest_score", "p_like_score", "qrs_rest_score",
    "width", "area",
)  # fmt: skip
"""Of these the highest and the lowest value over the leads are given too."""
P_RHYTHM = ("p_like_local", "p_like_drop", "p_like_moved_local", "p_like_moved_drop")
"""How like the dominant P wave the P waves around are, and how much less this one is; without P waves, as in
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
        80 names for one lead, 37 more for each further lead.

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
    """Describe each beat against the dominant beat and the usual rhythm of its own record.

    Nothing is learned and no label is used. A beat needs the beat after it; the local rhythm reaches up to 60
    beats ahead and the dominant beat comes from all that is given, so a whole record is answered at its end,
    and a stream in blocks.

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
        unit: heights are in units of the dominant QRS complex of the same lead.

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
    windows_mv = aligned_windows(signal, positions, rate_hz)
    before_s, after_s = intervals_s(positions, rate_hz)
    groups = group_beats(windows_mv, before_s / after_s)
    table = rhythm_features(before_s, after_s, groups.dominant) | _grouping(groups, before_s, after_s)
    leads = _leads(windows_mv.astype(np.float64), groups.dominant)
    for k, lead in enumerate(leads):
        table |= {f"lead{k + 1}_{name}": values for name, values in lead.items()}
    for name in ACROSS:
        both = np.stack([lead[name] for lead in leads])  # (C, N)
        table |= {f"most_{name}": both.max(axis=0), f"least_{name}": both.min(axis=0)}
    table |= _p_rhythm(table, groups.dominant)
    return np.stack([table[name] for name in beat_feature_names(len(leads))], axis=1).astype(np.float32)


def _p_rhythm(table: dict[str, Floats], dominant: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    out: dict[str, Floats] = {}
    for name in ("p_like", "p_like_moved"):
        like = table[f"most_{name}"]
        local = np.nan_to_num(around(np.where(dominant, like, np.nan), 2 * NEAR_BEATS, (50.0,))[0])
        out |= {f"{name}_local": local, f"{name}_drop": like - local}
    return out


def _grouping(groups: BeatGroups, before_s: Floats, after_s: Floats) -> dict[str, Floats]:
    n_beats = len(before_s)
    usual_s = float(np.median(before_s))
    share, before, after = (np.ones(groups.n_groups + 1) for _ in range(3))
    for group in range(groups.n_groups + 1):
        member = groups.label == group
        share[group] = member.mean()
        if member.any() and group < groups.n_groups:
            before[group] = np.median(before_s[member]) / usual_s
            after[group] = np.median(after_s[member]) / usual_s
    index = np.arange(n_beats)
    shapes = groups.shapes
    return {
        "group_share": share[groups.label],
        "group_likeness": groups.likeness,
        "group_dominant": groups.dominant.astype(np.float64),
        "group_before": before[groups.label],
        "group_after": after[groups.label],
        "like_previous": (shapes * shapes[np.maximum(index - 1, 0)]).sum(axis=1),
        "like_next": (shapes * shapes[np.minimum(index + 1, n_beats - 1)]).sum(axis=1),
    }


def _leads(windows_mv: Floats, dominant: npt.NDArray[np.bool_]) -> list[dict[str, Floats]]:
    template_mv = np.median(windows_mv[dominant], axis=0)  # (C, W)
    height_mv = np.maximum(np.ptp(template_mv[:, QRS], axis=1), MIN_HEIGHT_MV)
    out = []
    for k in range(windows_mv.shape[1]):
        beats, template = windows_mv[:, k] / height_mv[k], template_mv[k] / height_mv[k]
        lead = _qrs(beats, template) | _waves(beats, template)
        for name in RECORD_RELATIVE:
            usual = np.median(lead[name][dominant])
            spread = (
                1.4826 * np.median(np.abs(lead[name][dominant] - usual)) + 0.25 * lead[name][dominant].std()
            )
            lead[f"{name}_diff"] = lead[name] - usual
            lead[f"{name}_score"] = np.clip((lead[name] - usual) / (spread + 1e-3), -20, 20)
        out.append(lead)
    return out


def _qrs(beats: Floats, template: Floats) -> dict[str, Floats]:
    qrs, wide = beats[:, QRS], beats[:, SHAPE]
    slope = np.diff(wide, axis=1) ** 2
    usual_slope = np.diff(template[SHAPE]) ** 2
    return {
        "height": np.log(np.ptp(qrs, axis=1) + 1e-3),
        "highest": qrs.max(axis=1),
        "lowest": qrs.min(axis=1),
        "highest_diff": qrs.max(axis=1) - template[QRS].max(),
        "lowest_diff": qrs.min(axis=1) - template[QRS].min(),
        "area": np.abs(wide).mean(axis=1) / (np.abs(template[SHAPE]).mean() + 1e-3),
        "width": _spread(slope) / max(float(_spread(usual_slope[None])[0]), 1e-3),
        "half_width": _half_width(wide) / float(_half_width(template[None, SHAPE])[0]),
        "slope": np.log(np.sqrt(slope.max(axis=1)) / (np.sqrt(usual_slope.max()) + 1e-3) + 1e-3),
        "qrs_like": _moved_likeness(beats, template, SHAPE),
        "beat_like": _likeness(beats, template),
        "qrs_rest": _rms((beats - template)[:, SHAPE]),
    }


def _waves(beats: Floats, template: Floats) -> dict[str, Floats]:
    p_wave, usual_p = beats[:, P_WAVE], template[P_WAVE]
    level = p_wave.mean(axis=1)
    centred = usual_p - usual_p.mean()
    ramp = np.linspace(0, 1, p_wave.shape[1])
    bump = p_wave - (p_wave[:, :1] * (1 - ramp) + p_wave[:, -1:] * ramp)
    t_level = beats[:, T_WAVE].mean(axis=1)
    return {
        "p_like": _likeness(p_wave, usual_p),
        "p_like_moved": _moved_likeness(beats, template, P_WAVE),
        "t_like": _likeness(beats[:, T_WAVE], template[T_WAVE]),
        "p_rest": _rms((beats - template)[:, P_WAVE]),
        "t_rest": _rms((beats - template)[:, T_WAVE]),
        "p_share": np.clip((p_wave - level[:, None]) @ centred / ((centred**2).sum() + 1e-4), -5, 5),
        "p_highest": bump.max(axis=1),
        "p_lowest": bump.min(axis=1),
        "p_power": p_wave.std(axis=1),
        "p_level": level - usual_p.mean(),
        "t_level": t_level,
        "t_level_diff": t_level - template[T_WAVE].mean(),
        "st_level_diff": beats[:, ST_SEGMENT].mean(axis=1) - template[ST_SEGMENT].mean(),
    }


def _rms(values: Floats) -> Floats:
    out: Floats = np.sqrt((values**2).mean(axis=1))
    return out


def _likeness(beats: Floats, template: Floats) -> Floats:
    """Pearson correlation of each row with the template: (N, W), (W,) -> (N,)."""
    beats = beats - beats.mean(axis=1, keepdims=True)
    template = template - template.mean()
    size = np.sqrt((beats**2).sum(axis=1) * (template**2).sum()) + 1e-6
    out: Floats = beats @ template / size
    return out


def _moved_likeness(beats: Floats, template: Floats, part: slice) -> Floats:
    lags = range(-MOST_LAG, MOST_LAG + 1)
    moved = [_likeness(beats[:, part.start + lag : part.stop + lag], template[part]) for lag in lags]
    out: Floats = np.max(moved, axis=0)
    return out


def _spread(energy: Floats) -> Floats:
    """Measure the standard deviation in seconds of where the energy lies: (N, W) -> (N,)."""
    at_s = np.arange(energy.shape[1]) / WINDOW_RATE_HZ
    total = energy.sum(axis=1) + 1e-9
    middle_s = (energy * at_s).sum(axis=1) / total
    out: Floats = np.sqrt((energy * (at_s - middle_s[:, None]) ** 2).sum(axis=1) / total)
    return out


def _half_width(beats: Floats) -> Floats:
    size = np.abs(beats)
    out: Floats = (size >= 0.5 * size.max(axis=1, keepdims=True)).mean(axis=1)
    return out
