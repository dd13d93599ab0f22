"""What is no usable ECG is refused before anything answers it."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import InputError, ReadError, UnitError
from auscult.domains.signals.preprocess.leads import checked_rate, choose_leads, prepare_ecg, to_rate, usable_ecg
from auscult.domains.signals.simulate.ecg import simulate_ecg

RATE_HZ = 250.0
TIME_S = np.arange(int(60 * RATE_HZ)) / RATE_HZ
ECG = simulate_ecg(np.random.default_rng(3), duration_s=60, rate_hz=RATE_HZ).signal_mv
RNG = np.random.default_rng(0)

REFUSED = {
    "microvolt read as millivolt": (1000 * ECG, "check unit and gain"),
    "millivolt read as volt": (ECG / 1000, "check unit and gain"),
    "mains hum": (np.sin(2 * np.pi * 50 * TIME_S)[:, None], "noise, hum or drift"),
    "square wave": (np.sign(np.sin(2 * np.pi * 1.2 * TIME_S))[:, None], "noise, hum or drift"),
    "white noise": (RNG.normal(size=(len(TIME_S), 1)), "noise, hum or drift"),
    "random walk": (0.02 * np.cumsum(RNG.normal(size=(len(TIME_S), 1)), axis=0), "noise, hum or drift"),
    "a flat lead": (np.column_stack([ECG[:, 0], np.zeros(len(TIME_S))]), "a flat line in 1 of 2 leads"),
    "a gap": (np.where(np.arange(len(TIME_S)) < 100, np.nan, ECG[:, 0])[:, None], "100 of 15000 samples missing"),
    "one second": (ECG[:250], "expected at least 5 s, got 1.00 s"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_ecg_is_refused_in_words(name: str) -> None:
    signal, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        usable_ecg(signal.astype(np.float32), RATE_HZ)


def test_an_ecg_passes() -> None:
    usable_ecg(ECG, RATE_HZ)


def test_leads_are_chosen_by_name_and_too_few_are_refused() -> None:
    field = Field("ecg", "array", "TC", unit="mV", rate_hz=360, channels=("V5", "MLII"), ragged=True)
    assert choose_leads(field, 1) == [1]
    assert choose_leads(field, 2) == [1, 0]
    with pytest.raises(ReadError, match="at least 3 leads, got 2"):
        choose_leads(field, 3)


@pytest.mark.parametrize("rate", [None, 0.0, 50.0, 20_000.0])
def test_a_rate_that_cannot_be_is_refused(rate: float | None) -> None:
    with pytest.raises(UnitError, match="expected a rate from 100 to 10000 Hz"):
        checked_rate(Field("ecg", "array", "TC", rate_hz=rate))


def test_resampling_keeps_a_sine() -> None:
    sine = np.sin(2 * np.pi * 5 * np.arange(2500) / 250)[:, None].astype(np.float32)
    found = to_rate(sine, 250, 360)
    expected = np.sin(2 * np.pi * 5 * np.arange(3600) / 360)[:, None]
    assert found.shape == (3600, 1)
    np.testing.assert_allclose(found[360:-360], expected[360:-360], atol=0.01)


def _recorded() -> RecordBatch:
    """The simulated ECG as leads V5 and MLII, with beats at samples 101, 1000 and the last one."""
    ecg = Field("ecg", "array", "TC", unit="mV", rate_hz=RATE_HZ, channels=("V5", "MLII"), ragged=True)
    beats = [Field(name, "array", "L", ragged=True) for name in ("beat_position", "beat_symbol")]
    age = Field("age", "scalar")
    columns = {
        "ecg": Ragged.of([ECG[:, ::-1].astype(np.float32)]),
        "beat_position": Ragged.of([np.array([101, 1000, len(ECG) - 1])]),
        "beat_symbol": Ragged.of([np.array([78, 86, 78])]),
        "age": np.array([50.0]),
    }
    return RecordBatch((ecg, *beats, age), columns, np.array(["a"]))


def test_preparing_chooses_leads_and_brings_signal_and_beats_to_the_rate() -> None:
    made = prepare_ecg(_recorded(), rate_hz=500.0, leads=2, annotations=("beat_position", "beat_symbol"))
    assert sorted(made.columns) == ["beat_position", "beat_symbol", "ecg"]
    assert (made.field("ecg").rate_hz, made.field("ecg").channels) == (500.0, ("lead1", "lead2"))
    assert made.ragged("ecg")[0].shape == (2 * len(ECG), 2)
    assert made.ragged("beat_position")[0].tolist() == [202, 2000, 2 * len(ECG) - 2]
    np.testing.assert_allclose(made.ragged("ecg")[0][::2], ECG.astype(np.float32), atol=0.05)


def test_preparing_takes_the_first_channel_where_no_leads_are_asked_for() -> None:
    made = prepare_ecg(_recorded(), rate_hz=RATE_HZ, leads=None)
    assert sorted(made.columns) == ["ecg"]
    np.testing.assert_array_equal(made.ragged("ecg")[0], ECG[:, 1:].astype(np.float32))


def test_preparing_something_else_is_refused() -> None:
    batch = RecordBatch((Field("glucose", "scalar"),), {"glucose": np.array([100.0])}, np.array(["a"]))
    with pytest.raises(ReadError, match="expected an ECG, got glucose; this release answers ECGs"):
        prepare_ecg(batch, rate_hz=360.0, leads=1)
