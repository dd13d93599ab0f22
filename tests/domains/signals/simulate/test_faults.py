"""Device faults: what every fault owes, then what each one does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal as sps

from auscult.base.errors import ShapeError, UsageError
from auscult.domains.signals.simulate.ecg import simulate_ecg
from auscult.domains.signals.simulate.faults import FAULTS

RATE_HZ = 360.0


@pytest.fixture(scope="module")
def clean() -> NDArray[np.float32]:
    signal = simulate_ecg(np.random.default_rng(0), duration_s=60.0).signal_mv
    signal.setflags(write=False)
    return signal


def apply(name: str, signal: NDArray[np.float32], severity: float, seed: int = 1) -> NDArray[np.float32]:
    return np.asarray(FAULTS[name](signal, RATE_HZ, np.random.default_rng(seed), severity))


@pytest.mark.parametrize("name", FAULTS)
def test_contract(name: str, clean: NDArray[np.float32]) -> None:
    out = apply(name, clean, 0.7)  # the clean signal is read-only: writing to it would raise
    assert out.shape == clean.shape
    assert out.dtype == clean.dtype
    assert not np.array_equal(out, clean, equal_nan=True)
    np.testing.assert_array_equal(out, apply(name, clean, 0.7))
    none = apply(name, clean, 0.0)
    np.testing.assert_array_equal(none, clean)
    assert not np.shares_memory(none, clean)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (400, 12)])
def test_short_single_lead_and_gappy_signals_survive(name: str, shape: tuple[int, int]) -> None:
    signal = np.random.default_rng(0).standard_normal(shape).astype(np.float64)
    signal[0, 0] = np.nan
    out = FAULTS[name](signal, RATE_HZ, np.random.default_rng(0), 1.0)
    assert out.shape == shape
    assert out.dtype == np.float64


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"lead_off", "lead_reversal", "gain_error", "electrode_motion"}))
def test_harm_grows_with_severity(name: str, clean: NDArray[np.float32]) -> None:
    def harm(severity: float) -> float:
        out = np.nan_to_num(apply(name, clean, severity), nan=10.0)
        return float(np.mean((out - clean) ** 2))

    assert harm(0.1) < harm(0.4) < harm(1.0)


@pytest.mark.parametrize("seed", range(6))
def test_hum_is_a_line_at_50_or_60_hz(seed: int, clean: NDArray[np.float32]) -> None:
    added = apply("mains_hum", clean, 1.0, seed)[:, 0] - clean[:, 0]
    frequency_hz, power = sps.periodogram(added, RATE_HZ)
    peak_hz = float(frequency_hz[np.argmax(power)])
    assert min(abs(peak_hz - 50.0), abs(peak_hz - 60.0)) < 0.3
    line = np.abs(frequency_hz - peak_hz) < 2.0
    third = np.abs(frequency_hz - 3 * peak_hz) < 4.0
    assert power[line | third].sum() > 0.97 * power.sum()


def test_hum_above_half_the_rate_is_left_out() -> None:
    slow = np.random.default_rng(0).standard_normal((500, 1))
    np.testing.assert_array_equal(FAULTS["mains_hum"](slow, 80.0, np.random.default_rng(0), 1.0), slow)


def test_wander_is_below_1_hz_and_muscle_above_15_hz(clean: NDArray[np.float32]) -> None:
    for name, low_hz, high_hz in (("baseline_wander", 0.0, 1.0), ("muscle_noise", 15.0, 180.0)):
        added = (apply(name, clean, 1.0) - clean)[:, 0]
        frequency_hz, power = sps.periodogram(added - added.mean(), RATE_HZ)
        inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
        assert power[inside].sum() > 0.95 * power.sum()


@pytest.mark.parametrize("seed", range(6))
def test_lead_off_is_flat_on_one_lead_for_its_share(seed: int, clean: NDArray[np.float32]) -> None:
    out = apply("lead_off", clean, 0.5, seed)
    changed = out != clean
    lead = int(np.argmax(changed.sum(axis=0)))
    assert not changed[:, 1 - lead].any()
    level = np.unique(out[changed[:, lead], lead])
    assert len(level) == 1
    assert level[0] == 0.0 or abs(level[0]) > np.abs(clean[:, lead]).max()
    assert changed[:, lead].mean() == pytest.approx(0.5, abs=0.01)


def test_saturation_stays_inside_the_signal(clean: NDArray[np.float32]) -> None:
    out = apply("saturate", clean, 1.0)
    assert np.ptp(out) < 0.4 * np.ptp(clean)
    assert np.mean(np.isclose(out[:, 0], out[:, 0].max())) > 0.01


def test_gap_is_nan_in_all_leads_for_up_to_a_third(clean: NDArray[np.float32]) -> None:
    lost = np.isnan(apply("gap", clean, 1.0))
    assert np.array_equal(lost[:, 0], lost[:, 1])
    assert 0.15 < lost.mean() <= 0.34


def test_dropout_holds_the_last_value(clean: NDArray[np.float32]) -> None:
    out = apply("dropout", clean, 1.0)
    held = out[1:, 0] == out[:-1, 0]
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], held.astype(int), [0]]))))[::2]
    assert np.sum(runs >= 71) > 20  # packets of 0.2 s are 72 samples
    assert np.isin(out[:, 0], clean[:, 0]).all()


def test_gain_error_is_one_factor_per_lead(clean: NDArray[np.float32]) -> None:
    out = apply("gain_error", clean, 1.0)
    for lead in range(2):
        factor = float(np.dot(out[:, lead], clean[:, lead]) / np.dot(clean[:, lead], clean[:, lead]))
        np.testing.assert_allclose(out[:, lead], factor * clean[:, lead], rtol=1e-4, atol=1e-5)
        assert 0.24 < factor < 0.35 or 3.0 < factor < 4.1


def test_reversal_inverts_one_lead_or_swaps_two(clean: NDArray[np.float32]) -> None:
    kinds = set()
    for seed in range(12):
        out = apply("lead_reversal", clean, 1.0, seed)
        if np.array_equal(out, clean[:, ::-1]):
            kinds.add("swapped")
        elif any(np.array_equal(out, clean * np.array(sign, np.float32)) for sign in ((1, -1), (-1, 1))):
            kinds.add("inverted")
        else:
            kinds.add("neither")
    assert kinds == {"swapped", "inverted"}


def test_motion_decays(clean: NDArray[np.float32]) -> None:
    added = np.abs(apply("electrode_motion", clean, 1.0) - clean)
    assert added.max() > 0.5
    assert np.median(added) < 0.5 * added.max()


@pytest.mark.parametrize("name", FAULTS)
def test_wrong_arguments_are_refused(name: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match=r"expected a signal \(T, C\) of floats.*got shape \(5,\)"):
        FAULTS[name](np.zeros(5), RATE_HZ, rng, 0.5)
    with pytest.raises(ShapeError, match="at least one value"):
        FAULTS[name](np.zeros((0, 2)), RATE_HZ, rng, 0.5)
    with pytest.raises(UsageError, match=r"expected severity in 0 \.\. 1"):
        FAULTS[name](np.zeros((5, 1)), RATE_HZ, rng, 1.5)
    with pytest.raises(UsageError, match="rate_hz above 0"):
        FAULTS[name](np.zeros((5, 1)), 0.0, rng, 0.5)
