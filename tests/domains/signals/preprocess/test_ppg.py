"""Features of the pulse: their meaning on pulses known by construction, and no NaN anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.ppg import PPG_FEATURE_NAMES, PPG_SHAPE_NAMES, ppg_features
from auscult.domains.signals.simulate.ppg import pulse_of_stiffness, simulate_ppg

RATE_HZ = 1000.0


def train_of_pulses(stiffness: float = 0.0, *, rate_hz: float = RATE_HZ) -> np.ndarray:
    """Pulses every 0.8 s, the first at 0.1 s."""
    time_s = np.arange(round(2.1 * rate_hz)) / rate_hz
    pulses = [pulse_of_stiffness(time_s - 0.1 - 0.8 * k, stiffness) for k in range(-1, 4)]
    return np.asarray(1000.0 + 200.0 * np.sum(pulses, axis=0))


def named(segment: np.ndarray, rate_hz: float = RATE_HZ) -> dict[str, float]:
    """The features of one segment by name."""
    return dict(zip(PPG_FEATURE_NAMES, ppg_features(segment, rate_hz).tolist(), strict=True))


def test_names_are_unique_and_shape_names_are_among_them() -> None:
    assert len(set(PPG_FEATURE_NAMES)) == len(PPG_FEATURE_NAMES)
    assert set(PPG_FEATURE_NAMES) - set(PPG_SHAPE_NAMES) == {
        "period_s",
        "log_perfusion",
        "n_beats",
        "quality",
    }


def test_triangle_has_the_widths_of_a_triangle() -> None:
    """A triangle of 0.4 s, once a second, is 0.2 s wide at half its height; the low-pass costs little."""
    phase = (np.arange(3200) / RATE_HZ - 0.3) % 1.0
    triangle = np.clip(1.0 - np.abs(phase - 0.2) / 0.2, 0.0, None)
    found = named(100.0 * triangle)
    assert found["period_s"] == pytest.approx(1.0, abs=0.004)
    assert found["width50_s"] == pytest.approx(0.2, abs=0.015)
    assert found["systolic_width50_s"] == pytest.approx(0.1, abs=0.008)
    assert found["area"] == pytest.approx(0.2, abs=0.025)  # half of 0.4 s of 1 s; the low-pass undershoots
    assert found["steepest_per_s"] == pytest.approx(5.0, rel=0.15)  # 1 in 0.2 s
    assert found["fall_steepest_per_s"] == pytest.approx(-5.0, rel=0.15)


def test_widths_are_the_sum_of_their_parts() -> None:
    found = named(train_of_pulses())
    for level in (10, 25, 33, 50, 66, 75, 90):
        parts = found[f"systolic_width{level}_s"] + found[f"diastolic_width{level}_s"]
        assert found[f"width{level}_s"] == pytest.approx(parts, abs=1e-6)


def test_stiffer_artery_reads_as_more_augmented() -> None:
    soft, stiff = named(train_of_pulses(-2.0)), named(train_of_pulses(2.0))
    assert stiff["augmentation"] > soft["augmentation"]
    assert stiff["d_over_a"] < soft["d_over_a"]
    assert stiff["aging_index"] > soft["aging_index"]
    assert stiff["b_over_a"] > -2.0
    assert soft["b_over_a"] < 0.0  # b is a trough by definition


def test_gain_and_sampling_rate_do_not_change_the_shape() -> None:
    base = named(train_of_pulses())
    louder = named(5.0 * train_of_pulses())
    slower = named(train_of_pulses(rate_hz=250.0), 250.0)
    for name in PPG_SHAPE_NAMES:
        assert louder[name] == pytest.approx(base[name], rel=1e-3, abs=1e-4), name
        assert slower[name] == pytest.approx(base[name], rel=0.1, abs=0.05), name


def test_batch_equals_single_rows() -> None:
    segments = simulate_ppg(np.random.default_rng(3), n_segments=4).segments
    rows = ppg_features(segments, RATE_HZ)
    assert rows.shape == (4, len(PPG_FEATURE_NAMES))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[2], ppg_features(segments[2], RATE_HZ))
    assert ppg_features(segments[:0], RATE_HZ).shape == (0, len(PPG_FEATURE_NAMES))


def test_no_pulse_is_all_zero() -> None:
    assert not ppg_features(np.full(2100, 4095.0), RATE_HZ).any()


@pytest.mark.parametrize("kind", ["white", "walk", "spikes", "square", "short periods"])
def test_nonsense_stays_finite_and_bounded(kind: str) -> None:
    rng = np.random.default_rng(4)
    time_s = np.arange(2100) / RATE_HZ
    noise = rng.normal(size=(60, 2100))
    segments = {
        "white": noise,
        "walk": noise.cumsum(axis=1),
        "spikes": np.where(noise > 3.0, 1e6, 0.0),
        "square": np.sign(np.sin(2.0 * np.pi * rng.uniform(0.6, 3.0, (60, 1)) * time_s)),
        "short periods": np.sin(2.0 * np.pi * rng.uniform(1.5, 6.0, (60, 1)) * time_s) + 0.3 * noise,
    }[kind]
    rows = ppg_features(segments, RATE_HZ)
    assert np.isfinite(rows).all()
    quality = rows[:, PPG_FEATURE_NAMES.index("quality")]
    assert ((quality >= 0.0) & (quality <= 1.0)).all()


def test_refusals_say_what_was_expected() -> None:
    with pytest.raises(ShapeError, match=r"expected axes \(T,\) or \(N, T\) and 1 s .*got \(2, 1, 2100\)"):
        ppg_features(np.zeros((2, 1, 2100)), RATE_HZ)
    with pytest.raises(ShapeError, match="expected finite samples, got NaN"):
        ppg_features(np.full(2100, np.nan), RATE_HZ)
    with pytest.raises(UnitError, match="PPG rate: expected at least 40 Hz, got nan"):
        ppg_features(np.zeros(2100), float("nan"))


def test_real_segments_nearly_all_have_a_pulse() -> None:
    """On the PPG-BP set (Liang et al., Sci Data 5:180020, 2018) at most 3 % have no whole beat."""
    folder = Path(os.environ.get("AUSCULT_DATA", "nowhere")) / "signals" / "ppg_bp"
    if not folder.is_dir():
        pytest.skip("AUSCULT_DATA names no folder with signals/ppg_bp")
    files = sorted(folder.glob("[0-9]*_[123].txt"))[::2]
    rows = ppg_features(np.stack([np.loadtxt(file).ravel()[:2100] for file in files]), RATE_HZ)
    assert np.isfinite(rows).all()
    assert (rows[:, PPG_FEATURE_NAMES.index("n_beats")] == 0).mean() <= 0.03
