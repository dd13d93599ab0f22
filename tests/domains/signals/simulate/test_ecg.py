"""Simulated ECG: physiology, determinism, labels, refusals."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from auscult.base.errors import UsageError
from auscult.domains.signals.simulate.ecg import SimulatedEcg, simulate_ecg
from auscult.domains.signals.simulate.heart import LEAD_VECTORS, sample_traits


@pytest.fixture(scope="module")
def ecg() -> SimulatedEcg:
    return simulate_ecg(np.random.default_rng(3), duration_s=900.0, noise_mv=0.0, wander_mv=0.0)


def qrs_width_s(ecg: SimulatedEcg, symbol: str) -> float:
    """Median time around the peak in which the slope is above a tenth of its largest."""
    speed = np.linalg.norm(np.diff(ecg.signal_mv, axis=0), axis=1)
    half = round(0.1 * ecg.rate_hz)
    widths = []
    for peak in ecg.peaks[ecg.symbols == symbol]:
        if half <= peak < len(speed) - half:
            near = speed[peak - half : peak + half]
            fast = np.flatnonzero(near > 0.1 * near.max())
            widths.append((fast[-1] - fast[0]) / ecg.rate_hz)
    return float(np.median(widths))


def intervals_before(ecg: SimulatedEcg) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.str_]]:
    """Interval before each beat, its code, and the code of the beat before."""
    return np.diff(ecg.peaks) / ecg.rate_hz, ecg.symbols[1:], ecg.symbols[:-1]


def test_shapes_and_types(ecg: SimulatedEcg) -> None:
    assert ecg.signal_mv.shape == (900 * 360, 2)
    assert ecg.signal_mv.dtype == np.float32
    assert ecg.peaks.dtype == np.int64
    assert len(ecg.peaks) == len(ecg.symbols)
    assert set(ecg.symbols) == {"N", "V", "A", "F"}
    assert np.all(np.diff(ecg.peaks) > 0.25 * 360)
    assert ecg.peaks[0] >= 0
    assert ecg.peaks[-1] < 900 * 360
    assert np.isfinite(ecg.signal_mv).all()


@pytest.mark.parametrize("bpm", [50.0, 72.0, 110.0])
def test_mean_heart_rate_is_what_was_asked(bpm: float) -> None:
    sinus: dict[str, Any] = {"premature_ventricular": 0.0, "premature_supraventricular": 0.0, "fusion": 0.0}
    ecg = simulate_ecg(np.random.default_rng(1), duration_s=600.0, heart_rate_bpm=bpm, **sinus)
    assert 60.0 / (np.diff(ecg.peaks).mean() / ecg.rate_hz) == pytest.approx(bpm, rel=0.02)


def test_shares_of_premature_beats() -> None:
    records = [
        simulate_ecg(np.random.default_rng(seed), duration_s=1800.0, premature_ventricular=0.08, rate_hz=60.0)
        for seed in range(16)
    ]
    symbols = np.concatenate([record.symbols for record in records])
    assert np.mean(symbols == "V") == pytest.approx(0.08, rel=0.12)
    assert np.mean(symbols == "A") == pytest.approx(0.03, rel=0.15)
    assert np.mean(symbols == "F") == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("seed", range(6))
def test_ventricular_qrs_is_wide_and_normal_is_narrow(seed: int) -> None:
    ecg = simulate_ecg(np.random.default_rng(seed), duration_s=300.0, noise_mv=0.0, wander_mv=0.0)
    # Surawicz et al. 2009, J Am Coll Cardiol 53:976: a normal adult QRS lasts at most about 110 ms.
    assert 0.05 <= qrs_width_s(ecg, "N") <= 0.12
    assert qrs_width_s(ecg, "V") > qrs_width_s(ecg, "N") + 0.03


def test_premature_beats_are_early_and_only_ventricular_ones_compensate(ecg: SimulatedEcg) -> None:
    interval_s, symbol, before = intervals_before(ecg)
    normal_s = float(np.median(interval_s[(symbol == "N") & (before == "N")]))
    for code in "VA":
        assert np.median(interval_s[(symbol == code) & (before == "N")]) < 0.9 * normal_s
    around = {
        code: np.median(
            [
                interval_s[i] + interval_s[i + 1]
                for i in range(1, len(symbol) - 1)
                if symbol[i] == code and before[i] == symbol[i + 1] == "N"
            ]
        )
        for code in "VA"
    }
    assert around["V"] == pytest.approx(2 * normal_s, rel=0.05)  # the sinus node kept its time
    assert around["A"] < 0.95 * 2 * normal_s


def test_peaks_stand_on_the_qrs(ecg: SimulatedEcg) -> None:
    speed = np.linalg.norm(np.diff(ecg.signal_mv, axis=0), axis=1)
    reach = round(0.15 * ecg.rate_hz)
    for peak in ecg.peaks[1:-1]:
        steepest = peak - reach + int(np.argmax(speed[peak - reach : peak + reach]))
        assert abs(steepest - peak) <= 0.08 * ecg.rate_hz


def test_leads_obey_einthoven_and_goldberger() -> None:
    names = ("I", "II", "III", "aVR", "aVL", "aVF", "MLII")
    ecg = simulate_ecg(np.random.default_rng(2), duration_s=5.0, leads=names, noise_mv=0.0, wander_mv=0.0)
    lead = dict(zip(names, ecg.signal_mv.T, strict=True))
    np.testing.assert_allclose(lead["III"], lead["II"] - lead["I"], atol=1e-5)
    np.testing.assert_allclose(lead["aVR"] + lead["aVL"] + lead["aVF"], 0.0, atol=1e-5)
    np.testing.assert_array_equal(lead["MLII"], lead["II"])


def test_same_seed_same_record_and_another_seed_another() -> None:
    first, again, other = (simulate_ecg(np.random.default_rng(s), duration_s=20.0) for s in (7, 7, 8))
    np.testing.assert_array_equal(first.signal_mv, again.signal_mv)
    np.testing.assert_array_equal(first.symbols, again.symbols)
    assert not np.array_equal(first.signal_mv, other.signal_mv)


def test_one_subject_looks_alike_and_two_differ() -> None:
    def mean_beat(ecg: SimulatedEcg) -> NDArray[np.float64]:
        peaks = ecg.peaks[(ecg.peaks > 100) & (ecg.peaks < len(ecg.signal_mv) - 100) & (ecg.symbols == "N")]
        beats = np.stack([ecg.signal_mv[p - 50 : p + 80, 0] for p in peaks])
        return np.asarray(beats.mean(axis=0) - np.median(beats), np.float64)

    def record(subject: int, seed: int) -> NDArray[np.float64]:
        traits = sample_traits(np.random.default_rng(subject))
        return mean_beat(simulate_ecg(np.random.default_rng(seed), duration_s=120.0, traits=traits))

    same = np.abs(record(1, 10) - record(1, 11)).max()
    assert same < 0.1
    assert np.abs(record(1, 10) - record(2, 10)).max() > 2 * same


def test_noise_and_wander_have_the_asked_size() -> None:
    quiet = simulate_ecg(np.random.default_rng(4), duration_s=600.0, noise_mv=0.0, wander_mv=0.0)
    noisy = simulate_ecg(np.random.default_rng(4), duration_s=600.0, noise_mv=0.1, wander_mv=0.0)
    drift = simulate_ecg(np.random.default_rng(4), duration_s=600.0, noise_mv=0.0, wander_mv=0.1)
    assert np.std(noisy.signal_mv - quiet.signal_mv) == pytest.approx(0.1, rel=0.3)
    assert np.std(drift.signal_mv - quiet.signal_mv, axis=0).mean() == pytest.approx(0.1, rel=0.5)


def test_half_an_hour_is_fast() -> None:
    start_s = time.process_time()
    simulate_ecg(np.random.default_rng(0), duration_s=1800.0)
    assert time.process_time() - start_s < 1.0  # 0.2 s on a quiet core; the limit leaves room for a busy one


def test_unknown_lead_lists_the_known() -> None:
    with pytest.raises(UsageError, match="unknown lead 'V7'") as caught:
        simulate_ecg(np.random.default_rng(0), duration_s=5.0, leads=("V7",))
    assert all(name in str(caught.value) for name in LEAD_VECTORS)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"duration_s": 0.5}, "duration_s must be in 1 .. 1e\\+06, got 0.5"),
        ({"duration_s": 5.0, "rate_hz": 10.0}, "rate_hz must be in 50 .. 100000, got 10"),
        ({"duration_s": 5.0, "heart_rate_bpm": 400.0}, "heart_rate_bpm must be in 25 .. 220, got 400"),
        ({"duration_s": 5.0, "fusion": -0.1}, "shares of V, A and F that are not negative"),
        ({"duration_s": 5.0, "premature_ventricular": 0.7}, "together at most 0.6"),
        ({"duration_s": 5.0, "leads": ()}, "at least one lead"),
        ({"duration_s": float("nan")}, "duration_s must be in"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        simulate_ecg(np.random.default_rng(0), **wrong)


def test_traits_and_rate_together_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="expected heart_rate_bpm or traits, got both"):
        simulate_ecg(rng, duration_s=5.0, heart_rate_bpm=60.0, traits=sample_traits(rng))
