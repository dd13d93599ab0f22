"""Beat windows and features on simulated beats; expected numbers follow from how the beats were made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.beat_features import beat_feature_names, beat_features
from auscult.domains.signals.preprocess.beat_groups import group_beats
from auscult.domains.signals.preprocess.beat_rhythm import around
from auscult.domains.signals.preprocess.beats import (
    aligned_windows,
    beat_windows,
    condition_ecg,
    window_slice,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WAVES = ((-0.16, 0.025, 0.15), (0.0, 0.012, 1.0), (0.03, 0.01, -0.25), (0.26, 0.05, 0.3))
"""Centre in s, standard deviation in s and height in mV of P, R, S and T."""
WIDE_WAVES = ((0.0, 0.035, 1.6), (0.28, 0.06, -0.5))
"""A beat of ventricular origin: wide, high, no P wave, T wave the other way."""


def simulate(beats_s: Floats, *, rate_hz: float = 360.0, wide: tuple[int, ...] = ()) -> tuple[Floats, Ints]:
    """Two leads, the second half as high and upside down, with a wide beat at each number in `wide`."""
    time_s = np.arange(int((beats_s[-1] + 1.5) * rate_hz)) / rate_hz
    lead = np.zeros_like(time_s)
    for number, beat_s in enumerate(beats_s):
        for centre_s, width_s, height_mv in WIDE_WAVES if number in wide else WAVES:
            lead += height_mv * np.exp(-0.5 * ((time_s - beat_s - centre_s) / width_s) ** 2)
    return np.stack([lead, -0.5 * lead], axis=1), np.round(beats_s * rate_hz).astype(np.int64)


def columns(ecg_mv: Floats, peaks: Ints, rate_hz: float = 360.0) -> dict[str, npt.NDArray[np.float32]]:
    return dict(zip(beat_feature_names(ecg_mv.shape[1]), beat_features(ecg_mv, peaks, rate_hz).T, strict=True))


REGULAR_S: Floats = 1.0 + 0.8 * np.arange(30, dtype=np.float64)
EARLY_S: Floats = np.where(np.arange(30) == 15, REGULAR_S - 0.24, REGULAR_S)
"""Beat 15 comes 0.24 s early: 0.56 s before it, 1.04 s after it."""


@pytest.mark.parametrize("n_leads", [1, 2])
def test_shapes_and_names(n_leads: int) -> None:
    ecg_mv, peaks = simulate(REGULAR_S)
    names = beat_feature_names(n_leads)
    values = beat_features(ecg_mv[:, :n_leads], peaks, 360.0)
    assert values.shape == (30, len(names))
    assert values.dtype == np.float32
    assert len(names) == len(set(names)) == {1: 79, 2: 116}[n_leads]
    assert np.isfinite(values).all()
    windows = beat_windows(ecg_mv[:, :n_leads], peaks, 360.0)
    assert windows.shape == (30, n_leads, 180)
    assert windows.dtype == np.float32


def test_early_beat_has_the_intervals_computed_by_hand() -> None:
    values = columns(*simulate(EARLY_S))
    assert values["before_local"][15] == pytest.approx(0.56 / 0.8, rel=0.01)
    assert values["after_local"][15] == pytest.approx(1.04 / 0.8, rel=0.01)
    assert values["before_record"][15] == pytest.approx(0.7, rel=0.01)
    assert values["around_local"][15] == pytest.approx(1.0, rel=0.01)
    assert values["before_local"][5] == pytest.approx(1.0, rel=0.01)
    assert values["group_dominant"].all()


def test_wide_beat_is_told_from_the_dominant_beat() -> None:
    values = columns(*simulate(EARLY_S, wide=(15,)))
    others = np.arange(30) != 15
    assert values["group_dominant"][15] == 0
    assert values["group_dominant"][others].all()
    assert values["lead1_qrs_like"][15] < 0.9
    assert values["lead1_qrs_like"][5] > 0.99
    assert values["lead1_width"][15] > 1.5
    assert values["lead1_width"][5] == pytest.approx(1.0, abs=0.05)
    assert values["lead1_t_level_diff"][15] < -0.1
    assert values["lead2_t_level_diff"][15] > 0.1
    assert values["lead1_p_power"][15] < values["lead1_p_power"][5]


def test_in_bigeminy_the_beats_before_the_pause_are_not_dominant() -> None:
    """There is one early beat more than the others, yet they are not the rhythm."""
    gaps_s = np.where(np.arange(41) % 2 == 0, 0.5, 1.1)
    ecg_mv, peaks = simulate(1.0 + np.cumsum(gaps_s), wide=tuple(range(0, 41, 2)))
    np.testing.assert_array_equal(columns(ecg_mv, peaks)["group_dominant"], np.arange(41) % 2 == 1)


def test_features_and_windows_do_not_depend_on_the_gain() -> None:
    ecg_mv, peaks = simulate(EARLY_S, wide=(15,))
    gained = ecg_mv * np.array([3.0, 0.4])
    np.testing.assert_allclose(beat_windows(gained, peaks, 360.0), beat_windows(ecg_mv, peaks, 360.0), atol=1e-4)
    first, second = columns(ecg_mv[:, :1], peaks), columns(gained[:, :1], peaks)
    for name in first:
        np.testing.assert_allclose(second[name], first[name], atol=2e-3, err_msg=name)


@pytest.mark.parametrize("rate_hz", [250.0, 500.0])
def test_features_hardly_depend_on_the_rate(rate_hz: float) -> None:
    values = columns(*simulate(EARLY_S, wide=(20,)))
    other = columns(*simulate(EARLY_S, wide=(20,), rate_hz=rate_hz), rate_hz)
    for name in (
        "before_local",
        "after_record",
        "lead1_width",
        "lead1_qrs_like",
        "lead1_height",
        "lead1_t_level",
    ):
        np.testing.assert_allclose(other[name], values[name], rtol=0.03, atol=0.03, err_msg=name)


def test_windows_do_not_depend_on_where_the_peak_was_marked() -> None:
    ecg_mv, peaks = simulate(REGULAR_S)
    moved = peaks + np.random.default_rng(0).integers(-7, 8, len(peaks))  # 7 samples are 19 ms
    np.testing.assert_allclose(beat_windows(ecg_mv, moved, 360.0), beat_windows(ecg_mv, peaks, 360.0), atol=0.05)


def test_window_holds_the_qrs_at_its_place_and_unit_height() -> None:
    ecg_mv, peaks = simulate(REGULAR_S)
    window = beat_windows(ecg_mv, peaks, 360.0)[10, 0]
    assert abs(int(window.argmax()) - 72) <= 2  # 72 samples at 180 Hz are the 0.4 s before the middle
    assert np.ptp(window[window_slice(-0.09, 0.09)]) == pytest.approx(1.0, abs=1e-5)


def test_edges_repeat_the_first_and_last_value() -> None:
    ecg_mv = np.zeros((400, 1))
    ecg_mv[:, 0] = np.exp(-0.5 * ((np.arange(400) - 20) / 4) ** 2)
    ecg_mv[0] = 0.5
    window = aligned_windows(ecg_mv, np.array([20]), 360.0)[0, 0]
    np.testing.assert_allclose(window[:50], 0.5)


def test_one_beat_has_neutral_intervals() -> None:
    ecg_mv, peaks = simulate(np.array([1.0]))
    values = columns(ecg_mv, peaks)
    assert all(np.isfinite(v).all() for v in values.values())
    assert values["before_local"] == values["after_record"] == values["around_local"] == 1.0
    assert values["group_share"] == values["group_dominant"] == 1.0


def test_flat_lead_stays_finite() -> None:
    ecg_mv, peaks = simulate(REGULAR_S)
    ecg_mv[:, 1] = 0.0
    assert np.isfinite(beat_features(ecg_mv, peaks, 360.0)).all()
    assert np.isfinite(beat_windows(ecg_mv, peaks, 360.0)).all()


def test_condition_takes_out_wander_and_mains_and_keeps_the_beat() -> None:
    ecg_mv, _peaks = simulate(REGULAR_S)
    time_s = np.arange(len(ecg_mv))[:, None] / 360.0
    noisy = ecg_mv + 0.8 + 0.5 * np.sin(2 * np.pi * 0.2 * time_s) + 0.2 * np.sin(2 * np.pi * 60 * time_s)
    inner = slice(720, -720)
    error_mv = (condition_ecg(noisy, 360.0) - ecg_mv)[inner]
    assert np.sqrt((error_mv**2).mean()) < 0.06
    spectrum = np.abs(np.fft.rfft(error_mv[:, 0])) / len(error_mv) * 2
    frequency_hz = np.fft.rfftfreq(len(error_mv), 1 / 360)
    assert spectrum[np.abs(frequency_hz - 60) < 0.5].max() < 0.01


def test_around_matches_numpy_percentiles() -> None:
    values = np.random.default_rng(1).normal(size=50)
    values[7] = np.nan
    expected = [np.nanpercentile(values[max(0, k - 4) : k + 5], [50, 75]) for k in range(50)]
    np.testing.assert_allclose(around(values, 4, (50.0, 75.0)), np.array(expected).T)


def test_groups_count_every_beat_once() -> None:
    ecg_mv, peaks = simulate(EARLY_S, wide=(15, 22))
    groups = group_beats(aligned_windows(ecg_mv, peaks, 360.0), np.ones(30))
    assert groups.n_groups == 2
    assert sorted(np.bincount(groups.label).tolist()) == [2, 28]


@pytest.mark.parametrize("function", [beat_features, beat_windows, aligned_windows])
def test_callers_arrays_are_untouched(function: object) -> None:
    ecg_mv, peaks = simulate(EARLY_S, wide=(15,))
    kept = ecg_mv.copy(), peaks.copy()
    assert callable(function)
    function(ecg_mv, peaks, 360.0)
    condition_ecg(ecg_mv, 360.0)
    np.testing.assert_array_equal(ecg_mv, kept[0])
    np.testing.assert_array_equal(peaks, kept[1])


def test_bad_signals_are_refused() -> None:
    ecg_mv, peaks = simulate(REGULAR_S)
    holed = ecg_mv.copy()
    holed[100, 1] = np.nan
    with pytest.raises(ShapeError, match="expected finite values, got NaN"):
        beat_features(holed, peaks, 360.0)
    with pytest.raises(ShapeError, match="expected finite values, got NaN"):
        condition_ecg(holed, 360.0)
    with pytest.raises(ShapeError, match=r"expected \(T, C\)"):
        beat_windows(ecg_mv[:, 0], peaks, 360.0)
    with pytest.raises(UnitError, match="expected at least 90 Hz, got 50"):
        beat_windows(ecg_mv, peaks, 50.0)


@pytest.mark.parametrize(
    ("peaks", "words"),
    [
        (np.array([], dtype=np.int64), "whole sample numbers"),
        (np.array([10.5, 20.0]), "whole sample numbers"),
        (np.array([400, 300]), "strictly rising"),
        (np.array([300, 10**9]), "strictly rising"),
    ],
)
def test_bad_positions_are_refused(peaks: npt.NDArray[np.generic], words: str) -> None:
    ecg_mv, _ = simulate(REGULAR_S)
    with pytest.raises(ShapeError, match=words):
        beat_features(ecg_mv, peaks, 360.0)


def test_no_leads_is_refused() -> None:
    with pytest.raises(ShapeError, match="expected at least 1, got 0"):
        beat_feature_names(0)
