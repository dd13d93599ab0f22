"""Normal beats where early beats are rare, where they are the majority, and where a slow rhythm is no ectopic one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.domains.signals.preprocess.beat_features import beat_feature_names, beat_features
from auscult.domains.signals.preprocess.beat_reference import Reference, reference_beats
from auscult.domains.signals.preprocess.beats import aligned_windows

RATE_HZ = 360.0
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def simulate(intervals_s: Floats, own_p: Bools) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Beats of one QRS shape after each interval; those in `own_p` have a P wave upside down and earlier."""
    at_s = 1.0 + np.cumsum(intervals_s + np.random.default_rng(5).normal(0, 0.008, len(intervals_s)))
    time_s = np.arange(int((at_s[-1] + 1.5) * RATE_HZ)) / RATE_HZ
    lead = np.zeros_like(time_s)
    for beat_s, other in zip(at_s, own_p, strict=True):
        p_wave = (-0.2, 0.02, -0.12) if other else (-0.15, 0.025, 0.15)
        for centre_s, width_s, height_mv in (p_wave, (0.0, 0.012, 1.0), (0.03, 0.01, -0.25), (0.22, 0.03, 0.2)):
            lead += height_mv * np.exp(-0.5 * ((time_s - beat_s - centre_s) / width_s) ** 2)
    return np.stack([lead, -0.5 * lead], axis=1), np.round(at_s * RATE_HZ).astype(np.int64)


def found(intervals_s: Floats, own_p: Bools) -> Reference:
    ecg_mv, peaks = simulate(intervals_s, own_p)
    before_s = np.append(np.median(intervals_s), np.diff(peaks) / RATE_HZ)
    return reference_beats(aligned_windows(ecg_mv, peaks, RATE_HZ), before_s, np.ones(len(peaks), dtype=np.bool_))


NUMBER = np.arange(200)
ATRIAL: Bools = NUMBER % 5 > 0
"""Runs of four atrial beats after each sinus beat."""
RUNS_S: Floats = np.where(ATRIAL, 0.6, 1.1)


def test_sinus_beats_are_normal_where_atrial_beats_are_four_in_five() -> None:
    reference = found(RUNS_S, ATRIAL)
    assert reference.two_rhythms
    np.testing.assert_array_equal(reference.beats[1:], ~ATRIAL[1:])  # before the first beat nothing was measured


def test_in_atrial_bigeminy_the_late_beats_are_normal() -> None:
    early = NUMBER % 2 == 0
    reference = found(np.where(early, 0.6, 1.0), early)
    assert reference.two_rhythms
    np.testing.assert_array_equal(reference.beats[1:], ~early[1:])


def test_pauses_do_not_make_a_rhythm_ectopic() -> None:
    """Four in five intervals are short, but the P wave is one and the same: pauses or a block."""
    reference = found(RUNS_S, np.zeros(200, dtype=np.bool_))
    assert not reference.two_rhythms
    assert reference.beats.all()


def test_an_irregular_rhythm_is_not_cut_in_two() -> None:
    """As in atrial fibrillation: intervals without an order, and other waves before each beat."""
    rng = np.random.default_rng(2)
    intervals_s = np.exp(rng.normal(np.log(0.7), 0.25, 200))
    assert not found(intervals_s, rng.random(200) < 0.5).two_rhythms


def test_one_rhythm_and_a_short_strip_have_their_dominant_beats() -> None:
    assert not found(np.full(200, 0.8), np.zeros(200, dtype=np.bool_)).two_rhythms
    assert not found(RUNS_S[:19], ATRIAL[:19]).two_rhythms


def test_only_dominant_beats_are_normal() -> None:
    ecg_mv, peaks = simulate(RUNS_S, ATRIAL)
    dominant = NUMBER != 100
    before_s = np.append(1.0, np.diff(peaks) / RATE_HZ)
    reference = reference_beats(aligned_windows(ecg_mv, peaks, RATE_HZ), before_s, dominant)
    np.testing.assert_array_equal(reference.beats, ~ATRIAL & dominant)


def test_atrial_beats_look_early_also_where_they_are_the_majority() -> None:
    values = dict(zip(beat_feature_names(2), beat_features(*simulate(RUNS_S, ATRIAL), RATE_HZ).T, strict=True))
    inner = (NUMBER > 4) & (NUMBER < 195)
    for name in ("before_local", "before_record", "before_median"):
        np.testing.assert_allclose(values[name][inner & ATRIAL], 0.6 / 1.1, atol=0.04, err_msg=name)
        np.testing.assert_allclose(values[name][inner & ~ATRIAL], 1.0, atol=0.05, err_msg=name)
    assert values["most_p_like"][inner & ATRIAL].max() < values["most_p_like"][inner & ~ATRIAL].min()
