"""Checks of signals, on simulated records in which one thing at a time is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, Finding, RecordBatch
from auscult.domains.signals import checks
from auscult.domains.signals.simulate.ecg import simulate_ecg

RATE_HZ = 360.0
ALL = (
    checks.lead_off, checks.flat_line, checks.saturation, checks.mains_hum, checks.baseline_wander,
    checks.gaps, checks.rate_change, checks.implausible, checks.signal_quality,
)  # fmt: skip
Values = npt.NDArray[np.floating[Any]]


@pytest.fixture(scope="module")
def clean() -> Values:
    return simulate_ecg(np.random.default_rng(6), duration_s=30.0, rate_hz=RATE_HZ, leads=("I", "II")).signal_mv


def batch(record: str, values: Values, rate_hz: float = RATE_HZ, name: str = "ecg") -> RecordBatch:
    field = Field(name, "array", "TC", unit="mV", rate_hz=rate_hz, ragged=True, missing=True)
    return RecordBatch((field,), {name: Ragged.of([values])}, np.array([record]))


def scalars(name: str, unit: str, values: list[float]) -> RecordBatch:
    names = np.array([f"r{k}" for k in range(len(values))])
    return RecordBatch((Field(name, "scalar", unit=unit),), {name: np.array(values)}, names)


def wave(clean: Values, frequency_hz: float, height: float) -> Values:
    seconds = np.arange(len(clean)) / RATE_HZ
    return np.asarray(clean + height * np.sin(2 * np.pi * frequency_hz * seconds)[:, None])


def lead_dead(clean: Values) -> Values:
    broken = clean.copy()
    broken[:, 1] = np.random.default_rng(0).normal(scale=0.005, size=len(clean))
    return broken


def held(clean: Values) -> Values:
    broken = clean.copy()
    broken[1000:1400, 0] = broken[1000, 0]
    return broken


def holed(clean: Values) -> Values:
    broken = clean.copy()
    broken[360:1080] = np.nan
    return broken


@pytest.mark.parametrize("check", ALL, ids=lambda c: c.__name__)
def test_a_clean_record_gives_no_finding(check: Callable[..., list[Finding]], clean: Values) -> None:
    assert check([batch("a", clean)]) == []
    assert check([]) == []


@pytest.mark.parametrize(
    ("check", "broken", "words"),
    [
        (checks.lead_off, lead_dead, "ecg: 1 of 2 records have a lead that moves by less than 0.05 mV"),
        (checks.flat_line, held, "ecg: 1 of 2 records do not change at all for 1 s or more"),
        (
            checks.saturation,
            lambda c: np.clip(c, -1, 0.1),
            "ecg: 1 of 2 records stay at their largest or smallest",
        ),
        (checks.mains_hum, lambda c: wave(c, 50, 0.2), "ecg: 1 of 2 records hum at 50 or 60 Hz"),
        (checks.mains_hum, lambda c: wave(c, 60.1, 0.2), "ecg: 1 of 2 records hum at 50 or 60 Hz"),
        (
            checks.baseline_wander,
            lambda c: wave(c, 0.2, 1.0),
            "ecg: 1 of 2 records have half of their power below 0.5",
        ),
        # 720 of 2 * 10800 samples; 720 samples are 2 s
        (
            checks.gaps,
            holed,
            "ecg: 1 of 2 records hold gaps: 3.33% of all samples are missing, the longest gap is 2 s",
        ),
        (checks.implausible, lambda c: c * 1000, r"ecg: 1 of 2 records hold values outside -20 to 20 mV"),
    ],
)
def test_what_is_wrong_is_found_and_named(
    check: Callable[..., list[Finding]], broken: Callable[[Values], Values], words: str, clean: Values
) -> None:
    (finding,) = check([batch("good", clean), batch("bad", broken(clean))])
    assert finding.message.startswith(words)
    assert (finding.check, finding.count, finding.records) == (check.__name__, 1, ("bad",))


def test_hum_beyond_the_rate_and_a_harmonic_elsewhere_are_no_hum(clean: Values) -> None:
    seconds = np.arange(3240) / 108.0
    hum = np.sin(2 * np.pi * 50 * seconds)[:, None]
    assert checks.mains_hum([batch("a", hum, rate_hz=108.0)]) == []
    assert checks.mains_hum([batch("a", wave(clean, 100, 0.2))]) == []


def test_line_that_drowns_in_noise_is_no_hum(clean: Values) -> None:
    # noise of power 1 over 180 Hz has 0.008 in 1.5 Hz, the line 0.02: 2 % of the power, but not 10 dB above
    noise = np.random.default_rng(8).normal(size=clean.shape)
    assert checks.mains_hum([batch("a", wave(noise, 50, 0.2))]) == []


def test_offset_of_a_lead_is_not_implausible(clean: Values) -> None:
    assert checks.implausible([batch("a", clean + 300)]) == []


def test_rates_are_counted_and_the_rarer_is_named(clean: Values) -> None:
    batches = [batch("a", clean), batch("b", clean), batch("c", clean, rate_hz=250.0)]
    (finding,) = checks.rate_change(batches)
    assert finding.message.startswith("ecg: recorded at 2 rates: 250 Hz (1), 360 Hz (2)")
    assert finding.records == ("c",)


def test_quality_gives_the_share_of_poor_windows(clean: Values) -> None:
    noise = np.random.default_rng(3).normal(size=clean.shape)
    (finding,) = checks.signal_quality([batch("good", clean), batch("noise", noise)])
    # two leads of three windows each, in two records
    assert finding.message.startswith("ecg: 6 of 12 windows of 10 s (50.0%) have a quality index below 0.5")
    assert (finding.severity, finding.records) == ("warning", ("noise",))


@pytest.mark.parametrize(
    ("name", "unit", "good", "bad"),
    [
        ("sbp", "mmHg", 120.0, 16.0),
        ("dbp", "mmHg", 80.0, 10.6),
        ("heart_rate", "1/min", 60.0, 1.0),
        ("age", "year", 50.0, 1970.0),
        ("bmi", "kg/m2", 23.0, 0.0023),
    ],
)
def test_scalars_outside_their_limits_are_errors(name: str, unit: str, good: float, bad: float) -> None:
    (finding,) = checks.implausible([scalars(name, unit, [good, bad, float("nan")])])
    assert finding.message.startswith(f"{name}: 1 of 3 records hold values outside")
    assert (finding.severity, finding.records) == ("error", ("r1",))
    assert str(bad) not in finding.message


def test_glucose_is_reported_once_at_its_worst() -> None:
    field = Field("glucose", "array", "T", unit="mg/dL", ragged=True)
    rows = [np.array([100.0, 39.0]), np.array([39.0, 5.5]), np.array([100.0])]
    cgm = RecordBatch((field,), {"glucose": Ragged.of(rows)}, np.array(["low", "mmol", "good"]))
    found = checks.implausible([cgm])
    assert [(f.severity, f.records) for f in found] == [("error", ("mmol",)), ("warning", ("low",))]


def test_segments_of_a_pulse_are_checked_along_time() -> None:
    field = Field("ppg", "array", "CT", unit="1", rate_hz=1000.0, ragged=True)
    pulses = np.random.default_rng(1).normal(size=(3, 2100))
    pulses[2, 500:1600] = 0.0
    values = Ragged.of([pulses], ragged_axes=2)
    (finding,) = checks.flat_line([RecordBatch((field,), {"ppg": values}, np.array(["p"]))])
    assert finding.message.startswith("ppg: 1 of 1 records do not change")


def test_at_most_twenty_records_are_named(clean: Values) -> None:
    (finding,) = checks.gaps([batch(f"r{k}", holed(clean)) for k in range(25)])
    assert finding.count == 25
    assert finding.records == tuple(f"r{k}" for k in range(20))


def test_every_limit_is_in_the_home_unit_of_its_field() -> None:
    from auscult.base.units import UNITS

    for name, rows in checks.PLAUSIBLE.items():
        assert [UNITS[r.unit].home for r in rows] == [r.unit for r in rows], name
        assert all(r.low < r.high and r.source for r in rows), name
