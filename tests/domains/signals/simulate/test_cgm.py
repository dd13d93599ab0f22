"""Simulated glucose: range, dynamics, meals, gaps, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auscult.base.errors import UsageError
from auscult.domains.signals.simulate.cgm import CONTROLS, SimulatedCgm, simulate_cgm

SEEDS = range(8)


def records(control: str, **options: Any) -> list[SimulatedCgm]:
    return [simulate_cgm(np.random.default_rng(s), n_days=10, control=control, **options) for s in SEEDS]


@pytest.mark.parametrize("control", CONTROLS)
def test_range_rate_and_autocorrelation(control: str) -> None:
    for cgm in records(control):
        glucose = cgm.glucose_mgdl.astype(np.float64)
        assert glucose.min() >= 40
        assert glucose.max() <= 400
        assert np.all(glucose == np.round(glucose))
        step = np.diff(glucose)[np.diff(cgm.time_s) == 300.0]
        assert np.mean(np.abs(step) > 25) < 0.01  # 5 mg/dL a minute: faster is an artefact
        centred = glucose - glucose.mean()
        assert np.sum(centred[1:] * centred[:-1]) / np.sum(centred**2) > 0.9


def test_groups_differ_as_their_names_say() -> None:
    # Time in range is 70 .. 180 mg/dL: Battelino et al. 2019, Diabetes Care 42:1593.
    in_range = {
        control: np.mean([np.mean((r.glucose_mgdl >= 70) & (r.glucose_mgdl <= 180)) for r in records(control)])
        for control in CONTROLS
    }
    assert in_range["healthy"] > 0.95
    assert 0.4 < in_range["type1"] < 0.85
    variation = {
        control: np.mean([r.glucose_mgdl.std() / r.glucose_mgdl.mean() for r in records(control)])
        for control in CONTROLS
    }
    assert variation["healthy"] < variation["type2"] < variation["type1"]


def test_hypoglycaemia_happens_in_type_1_and_is_rare_in_health() -> None:
    low = {c: np.mean([np.mean(r.glucose_mgdl < 70) for r in records(c)]) for c in ("healthy", "type1")}
    assert 0.01 < low["type1"] < 0.15
    assert low["healthy"] < 0.02


def test_meals_raise_glucose_within_90_minutes() -> None:
    rises = []
    for cgm in records("type1", noise_mgdl=0.0, gaps_per_day=0.0):
        for meal_s, grams in cgm.meals:
            now, later = np.searchsorted(cgm.time_s, [meal_s, meal_s + 5400.0])
            if meal_s > 0 and grams > 40 and later < len(cgm.time_s):
                rises.append(cgm.glucose_mgdl[now : later + 1].max() - cgm.glucose_mgdl[now])
    assert np.mean(np.array(rises) > 15) > 0.85


def test_gaps_are_missing_rows_and_can_be_switched_off() -> None:
    with_gaps = simulate_cgm(np.random.default_rng(1), n_days=14, gaps_per_day=1.0)
    whole = simulate_cgm(np.random.default_rng(1), n_days=14, gaps_per_day=0.0)
    assert len(whole.time_s) == 14 * 288
    assert np.all(np.diff(whole.time_s) == 300.0)
    assert np.max(np.diff(with_gaps.time_s)) >= 900.0
    assert len(with_gaps.time_s) < len(whole.time_s)
    assert np.isfinite(with_gaps.glucose_mgdl).all()
    assert with_gaps.time_s[0] == 0.0


def test_interval_is_kept() -> None:
    cgm = simulate_cgm(np.random.default_rng(1), n_days=2, interval_s=900.0, gaps_per_day=0.0)
    assert len(cgm.time_s) == 192
    assert cgm.interval_s == 900.0


def test_sensor_noise_has_the_asked_size_and_a_correlation_time_of_15_minutes() -> None:
    clean, noisy = (
        simulate_cgm(np.random.default_rng(3), n_days=30, noise_mgdl=size, gaps_per_day=0.0, control="type2")
        for size in (0.0, 5.0)
    )
    inside = (clean.glucose_mgdl > 60) & (clean.glucose_mgdl < 380)  # away from the ends, where values are cut
    noise = (noisy.glucose_mgdl - clean.glucose_mgdl).astype(np.float64)[inside]
    assert noise.std() == pytest.approx(5.0, rel=0.05)
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(np.exp(-300 / 900), abs=0.04)


def test_same_seed_same_record() -> None:
    first, again, other = (simulate_cgm(np.random.default_rng(s), n_days=3) for s in (5, 5, 6))
    np.testing.assert_array_equal(first.glucose_mgdl, again.glucose_mgdl)
    np.testing.assert_array_equal(first.meals, again.meals)
    assert not np.array_equal(first.glucose_mgdl[:300], other.glucose_mgdl[:300])


def test_unknown_control_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown control 'type3'.*Known: healthy, type1, type2"):
        simulate_cgm(np.random.default_rng(0), n_days=1, control="type3")


@pytest.mark.parametrize("wrong", [{"n_days": 0.0}, {"n_days": 1, "interval_s": 1.0}, {"n_days": float("nan")}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"expected n_days above 0, interval_s in 60 \.\. 1800"):
        simulate_cgm(np.random.default_rng(0), **wrong)
