"""The filters against scipy.ndimage and scipy.signal, which they stand in for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage, signal

from auscult.domains.signals.preprocess import filters
from auscult.domains.signals.preprocess.filters import moving_max, moving_mean, moving_median, zero_phase

LENGTHS = (1, 2, 7, 50, 1000)


def _noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, n))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("size", [1, 2, 3, 8, 25])
def test_moving_windows_are_those_of_scipy(n: int, size: int) -> None:
    x = _noise(n)
    mean = ndimage.uniform_filter1d(x, size, axis=-1, mode="nearest")
    np.testing.assert_allclose(moving_mean(x, size), mean, atol=1e-12)
    np.testing.assert_array_equal(moving_median(x, size), ndimage.median_filter(x, (1, size), mode="nearest"))
    odd = 2 * size + 1
    np.testing.assert_array_equal(moving_max(x, size), ndimage.maximum_filter1d(x, odd, mode="nearest"))


def test_moving_mean_keeps_the_digits_of_a_large_offset() -> None:
    x = _noise(100_000) + 1e6
    np.testing.assert_allclose(moving_mean(x, 14), ndimage.uniform_filter1d(x, 14, mode="nearest"), rtol=1e-12)


BANDS = {
    "band-pass": ({"order": 2, "above_hz": 5.0, "below_hz": 28.0}, (2, (5.0, 28.0), "bandpass")),
    "low-pass": ({"order": 4, "below_hz": 40.0}, (4, 40.0, "lowpass")),
    "high-pass": ({"order": 2, "above_hz": 32.0}, (2, 32.0, "highpass")),
}


@pytest.mark.parametrize("n", [600, 5_000, 50_000])
@pytest.mark.parametrize("band", sorted(BANDS))
def test_zero_phase_is_a_butterworth_filter_forward_and_backward(n: int, band: str) -> None:
    ours, (order, edges, kind) = BANDS[band]
    x = np.cumsum(_noise(n), axis=1) if "above_hz" in ours else _noise(n)
    sections = signal.butter(order, edges, kind, fs=120.0, output="sos")
    theirs = signal.sosfiltfilt(sections, x, axis=1, padlen=min(n - 1, 240))
    inside = slice(240, -240)  # at the ends the two differ in how far the signal goes on
    np.testing.assert_allclose(zero_phase(x, 120.0, **ours)[:, inside], theirs[:, inside], atol=1e-6)
    np.testing.assert_allclose(zero_phase(x, 120.0, **ours), theirs, atol=0.05 * theirs.std())


@pytest.mark.parametrize("n", [2, 3, 40])
def test_a_signal_shorter_than_the_filter_remembers_stays_finite(n: int) -> None:
    assert np.isfinite(zero_phase(_noise(n), 120.0, order=2, above_hz=5.0, below_hz=28.0)).all()


def test_the_input_is_not_written_to() -> None:
    x = _noise(3_000)
    kept = x.copy()
    zero_phase(x, 120.0, order=4, below_hz=40.0)
    moving_median(x, 5)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 17])
def test_medians_and_runs_are_those_of_numpy(dtype: type[np.floating[Any]], size: int) -> None:
    values = np.random.default_rng(size).normal(size=(3, size, 5)).astype(dtype)
    for axis in (0, 1, -1):
        found = filters.median(values, axis)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.median(values, axis=axis))
    across = np.moveaxis(values, 1, -1)  # not one after the other in memory
    for run in range(1, size + 1):
        wanted = np.lib.stride_tricks.sliding_window_view(across, run, axis=-1)
        np.testing.assert_array_equal(filters.sliding(across, run), wanted)
