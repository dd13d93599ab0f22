"""The averaged beat: found where it is, averaged, and refused where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.pulse import GRID_HZ, average_pulse
from auscult.domains.signals.simulate.ppg import pulse_of_stiffness

RATE_HZ = 500.0
PERIOD_S = 0.8
FIRST_FOOT_S = 0.1


def train_of_pulses(*, duration_s: float = 2.1, height: float = 100.0) -> np.ndarray:
    """Pulses every 0.8 s, the first at 0.1 s, on a level of 1000."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    feet = FIRST_FOOT_S + PERIOD_S * np.arange(-1, 4)
    return 1000.0 + height * sum(pulse_of_stiffness(time_s - foot, 0.0) for foot in feet)


def test_known_pulse_train_gives_its_period_and_shape() -> None:
    beat = average_pulse(train_of_pulses(), RATE_HZ)
    assert beat.n_beats == 2  # feet near 0.15, 0.95 and 1.75 s lie inside 2.1 s
    assert beat.period_s == pytest.approx(PERIOD_S, abs=1.5 / GRID_HZ)  # by construction, to the grid
    assert len(beat.pulse) == round(beat.period_s * GRID_HZ)
    assert beat.pulse[0] < 0.15  # the tangent meets a Gaussian flank at exp(-2)
    assert beat.pulse.min() == 0.0
    assert beat.pulse.max() == pytest.approx(1.0)
    assert beat.quality > 0.99


def test_baseline_and_gain_do_not_change_the_beat() -> None:
    plain = train_of_pulses()
    ramp = np.linspace(0.0, 30.0, len(plain))
    moved = average_pulse(7.0 * plain + ramp, RATE_HZ)
    still = average_pulse(plain, RATE_HZ)
    assert moved.n_beats == still.n_beats
    np.testing.assert_allclose(moved.pulse, still.pulse, atol=0.02)


def test_averaging_keeps_the_shape_under_noise() -> None:
    plain = train_of_pulses(duration_s=4.0)
    noisy = plain + np.random.default_rng(1).normal(0.0, 8.0, len(plain))  # 8 % of the pulse
    clean, rough = average_pulse(plain, RATE_HZ), average_pulse(noisy, RATE_HZ)
    phase = np.linspace(0.0, 0.95, 50)
    shapes = [np.interp(phase, np.arange(len(b.pulse)) / len(b.pulse), b.pulse) for b in (clean, rough)]
    assert np.corrcoef(*shapes)[0, 1] > 0.99
    assert 0.8 < rough.quality < clean.quality


def test_the_callers_array_is_not_written_to() -> None:
    raw = train_of_pulses()
    raw.flags.writeable = False
    average_pulse(raw, RATE_HZ)


@pytest.mark.parametrize("level", [0.0, 4095.0])
def test_flat_or_saturated_segment_has_no_pulse(level: float) -> None:
    beat = average_pulse(np.full(1050, level), RATE_HZ)
    assert (beat.n_beats, beat.quality, beat.period_s, len(beat.pulse)) == (0, 0.0, 0.0, 0)


def test_one_lone_upstroke_is_no_beat() -> None:
    time_s = np.arange(1050) / RATE_HZ
    assert average_pulse(pulse_of_stiffness(time_s - 0.8, 0.0), RATE_HZ).n_beats == 0


def test_noise_alone_has_low_quality() -> None:
    noise = np.random.default_rng(2).normal(size=(50, 1050))
    assert max(average_pulse(row, RATE_HZ).quality for row in noise) < 0.5


def test_refusals_say_what_was_expected() -> None:
    raw = train_of_pulses()
    with pytest.raises(ShapeError, match=r"expected one segment with axes \(T,\), got \(1, 1050\)"):
        average_pulse(raw[None], RATE_HZ)
    with pytest.raises(ShapeError, match=r"1 s \(500 samples\), got \(100,\); record for longer"):
        average_pulse(raw[:100], RATE_HZ)
    with pytest.raises(ShapeError, match="got NaN or infinity; cut the segment"):
        average_pulse(np.where(np.arange(len(raw)) == 5, np.nan, raw), RATE_HZ)
    with pytest.raises(UnitError, match="at least 40 Hz, got 25; give the rate of the device"):
        average_pulse(raw, 25.0)
