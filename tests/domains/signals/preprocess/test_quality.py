"""Quality of waveforms, on simulated signals whose quality is known by construction."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import pytest

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.quality import (
    Floats,
    longest_flat_s,
    longest_gap_s,
    quality_index,
    saturated_share,
    silent_share,
    spectrum,
)
from auscult.domains.signals.simulate.ecg import simulate_ecg

RATE_HZ = 360.0


@pytest.fixture(scope="module")
def ecg() -> Floats:
    return simulate_ecg(np.random.default_rng(4), duration_s=60.0, rate_hz=RATE_HZ, leads=("I", "II")).signal_mv


def seconds(signal: Floats) -> npt.NDArray[np.float64]:
    return np.asarray((np.arange(len(signal)) / RATE_HZ)[:, None])


def test_clean_ecg_is_good_and_has_a_value_a_window(ecg: Floats) -> None:
    quality = quality_index(ecg, RATE_HZ)
    assert quality.shape == (6, 2)
    assert quality.dtype == np.float32
    assert quality.min() > 0.6
    assert quality.max() <= 1.0


def test_noise_lowers_the_quality_step_by_step(ecg: Floats) -> None:
    noise = np.random.default_rng(0).normal(size=ecg.shape)
    means = [float(quality_index(ecg + a * noise, RATE_HZ).mean()) for a in (0.0, 0.2, 1.0, 10.0)]
    assert means == sorted(means, reverse=True)
    assert means[-1] < 0.5


def test_white_noise_has_only_its_quiet_baseline() -> None:
    noise = np.random.default_rng(1).normal(size=(36000, 1))
    # kurtosis 3 gives 0; 9 of 45 Hz give 0; power below 1 Hz is 1/40, so the baseline term is 1: a third
    np.testing.assert_allclose(quality_index(noise, RATE_HZ), 1 / 3, atol=0.1)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_pure_hum_is_unusable(ecg: Floats, mains_hz: float) -> None:
    assert quality_index(np.sin(2 * np.pi * mains_hz * seconds(ecg)), RATE_HZ).max() < 0.5


def test_flat_clipped_and_missing_windows_are_zero(ecg: Floats) -> None:
    broken = ecg.astype(np.float64)
    broken[:3600] = 0.1
    broken[3600:7200] = np.nan
    quality = quality_index(broken, RATE_HZ)
    assert (quality[:2] == 0).all()
    assert quality[2:].min() > 0.5
    assert (quality_index(np.clip(ecg, -0.02, 0.02), RATE_HZ) == 0).all()


def test_half_a_window_of_gap_halves_what_is_present(ecg: Floats) -> None:
    broken = ecg[:3600].copy()
    broken[:1800] = np.nan
    quality = quality_index(broken, RATE_HZ)
    assert quality.max() <= 0.5
    assert quality.min() > 0.3


def test_input_is_left_as_it_was_and_a_short_signal_is_one_window(ecg: Floats) -> None:
    part = ecg[:720].copy()
    part[:10] = np.nan
    before = part.copy()
    assert quality_index(part, RATE_HZ).shape == (1, 2)
    np.testing.assert_array_equal(part, before)


def test_what_cannot_be_rated_is_refused(ecg: Floats) -> None:
    with pytest.raises(UnitError, match=r"quality: expected a rate of at least 60 Hz, got 50; resample first"):
        quality_index(ecg, 50.0)
    with pytest.raises(ShapeError, match=r"quality: expected axes \(T, C\) and at least 1 s, got \(359, 2\) at 360 Hz"):
        quality_index(ecg[:359], RATE_HZ)
    with pytest.raises(ShapeError, match=r"expected axes \(T, C\)"):
        quality_index(ecg[:, 0], RATE_HZ)


def test_half_an_hour_of_two_leads_takes_no_time() -> None:
    signal = np.random.default_rng(2).normal(size=(648_000, 2)).astype(np.float32)
    quality_index(signal, RATE_HZ)
    spent = []
    for _ in range(5):
        start = time.process_time()
        quality_index(signal, RATE_HZ)
        spent.append(time.process_time() - start)
    # 0.03 s of processor time on one core; the limit leaves room for a slow machine
    assert min(spent) < 0.2


def test_runs_are_measured_in_seconds() -> None:
    signal = np.arange(20.0)[:, None].repeat(2, axis=1)
    signal[5:10, 0] = 7.0
    signal[12:15, 1] = np.nan
    # five equal samples span four steps; three missing samples are three
    assert longest_flat_s(signal, 2.0).tolist() == [2.0, 0.0]
    assert longest_gap_s(signal, 2.0).tolist() == [0.0, 1.5]


def test_saturated_share_counts_samples_that_stay_at_an_extreme() -> None:
    triangle = np.concatenate([np.arange(10.0), np.arange(10.0)[::-1]])
    signal = np.stack([np.minimum(triangle, 7.0), triangle, np.ones(20)], axis=1)
    # clipped at 7: six samples are there, of which five follow one at 7; the peak of the triangle is two wide
    assert saturated_share(signal).tolist() == [5 / 20, 1 / 20, 0.0]


def test_silent_share_counts_still_and_missing_windows() -> None:
    signal = np.zeros((80, 1))
    signal[0:20:2] = 1.0
    signal[20:40] = np.nan
    assert silent_share(signal, 10.0, limit=0.05).tolist() == [0.75]


def test_spectrum_has_its_line_where_the_sine_is() -> None:
    sine = np.sin(2 * np.pi * 20 * np.arange(4000) / 200)[:, None]
    frequency_hz, power = spectrum(sine, 200.0, segment_s=4.0)
    assert frequency_hz[np.argmax(power[:, 0])] == 20.0
    assert frequency_hz[1] == 0.25
