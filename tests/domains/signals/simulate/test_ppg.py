"""Simulated PPG: same seed, same segments; pressure shapes the pulse; refusals."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UnitError
from auscult.domains.signals.preprocess.ppg import PPG_FEATURE_NAMES, ppg_features
from auscult.domains.signals.simulate.ppg import pulse_of_stiffness, simulate_ppg


def test_shapes_units_and_subjects() -> None:
    ppg = simulate_ppg(np.random.default_rng(0), n_segments=7, duration_s=1.5, rate_hz=200.0)
    assert ppg.segments.shape == (7, 300)
    assert ppg.segments.dtype == np.float32
    assert ppg.rate_hz == 200.0
    assert ppg.simulated
    assert ppg.subject.tolist() == [0, 0, 0, 1, 1, 1, 2]
    for values, low, high in (
        (ppg.sbp_mmhg, 80, 200),
        (ppg.age_years, 20, 90),
        (ppg.bmi_kg_m2, 16, 38),
        (ppg.heart_rate_bpm, 55, 105),
    ):
        assert values.shape == (7,)
        assert len(set(values[:3].tolist())) == 1  # one value a subject
        assert ((values >= low) & (values <= high)).all()
    assert (ppg.sbp_mmhg - ppg.dbp_mmhg >= 20.0).all()


def test_same_seed_same_segments() -> None:
    first, second = (simulate_ppg(np.random.default_rng(5), n_segments=3) for _ in range(2))
    np.testing.assert_array_equal(first.segments, second.segments)
    other = simulate_ppg(np.random.default_rng(6), n_segments=3)
    assert not np.array_equal(first.segments, other.segments)


def test_stiffer_pulse_has_an_earlier_and_higher_reflection() -> None:
    time_s = np.arange(800) / 1000.0
    soft, stiff = pulse_of_stiffness(time_s, -2.0), pulse_of_stiffness(time_s, 2.0)
    reflection = slice(200, 330)
    assert stiff[reflection].max() > soft[reflection].max()
    rise = np.flatnonzero(soft >= 0.5)[-1], np.flatnonzero(stiff >= 0.5)[-1]
    assert rise[1] > rise[0]  # the plateau lasts longer
    np.testing.assert_array_equal(pulse_of_stiffness(time_s, 3.0), pulse_of_stiffness(time_s, 9.0))


def test_pressure_can_be_read_from_the_simulated_pulse() -> None:
    ppg = simulate_ppg(np.random.default_rng(7), n_segments=180)
    rows = ppg_features(ppg.segments, ppg.rate_hz)
    found = rows[:, PPG_FEATURE_NAMES.index("n_beats")] > 0
    assert found.mean() > 0.9
    augmentation = rows[found, PPG_FEATURE_NAMES.index("augmentation")]
    assert np.corrcoef(augmentation, ppg.sbp_mmhg[found])[0, 1] > 0.4
    rate_bpm = 60.0 / rows[found, PPG_FEATURE_NAMES.index("period_s")]
    assert np.median(np.abs(rate_bpm - ppg.heart_rate_bpm[found])) < 3.0


def test_refusals_say_what_was_expected() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(ShapeError, match=r"expected 1 segment or more, 1 s or more, got 0 of 2\.1 s"):
        simulate_ppg(rng, n_segments=0)
    with pytest.raises(ShapeError, match=r"got 2 of 0\.5 s"):
        simulate_ppg(rng, n_segments=2, duration_s=0.5)
    with pytest.raises(UnitError, match="at least 40 Hz, got 10; raise rate_hz"):
        simulate_ppg(rng, n_segments=1, rate_hz=10.0)
