"""Lead names, and what a signal is by its name. Expected values by hand."""

from __future__ import annotations

import pytest

from auscult.base.errors import UnitError
from auscult.domains.signals.readers.common import normal_lead
from auscult.domains.signals.readers.waveforms import factor_of, kind_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ii", "II"),
        ("AVR", "aVR"),
        (" v5 ", "V5"),
        ("ECG II", "II"),
        ("EKG-V1", "V1"),
        ("Lead III", "III"),
        ("MDC_ECG_LEAD_aVF", "aVF"),
        ("ECG I-REF", "I"),
        ("mlii", "MLII"),
        ("ECG", "ECG"),
        ("MCL1", "MCL1"),
        ("V7", "V7"),
        ("", ""),
    ],
)
def test_normal_lead(name: str, expected: str) -> None:
    assert normal_lead(name) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[(n, "ecg") for n in ("avl", "MLI", "MCL1", "ECG", "ECG1", "ekg 2", "V1-V2", "vx", "V4R", "ES", "mod.V1")],
        *[(n, "abp") for n in ("ABP", "ART", "ABP Mean", "ART1")],
        *[(n, "ppg") for n in ("PLETH", "ppg", "SpO2 Pleth", "Pleth R")],
        *[(n, None) for n in ("RESP", "EEG Fp1", "SCG", "C4-A1", "CVP", "PAP", "SpO2", "I/O", "Artefact")],
    ],
)
def test_kind_of(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_unnamed_signal_in_volts_is_an_ecg_only_where_asked() -> None:
    assert kind_of("", "mV", unnamed_is_ecg=True) == kind_of("signal 0", "uV", unnamed_is_ecg=True) == "ecg"
    assert kind_of("", "mV") is None
    assert kind_of("", "mmHg", unnamed_is_ecg=True) is None


def test_factor_of() -> None:
    assert factor_of("ecg", "uV", where="a") == 1e-3
    assert factor_of("ppg", "NU", where="a") == 1.0
    assert factor_of("ppg", "mV", where="a") is None
    assert factor_of("abp", "volume", where="a") is None
    with pytest.raises(UnitError, match="a: expected a unit of voltage, got 'mmHg'"):
        factor_of("ecg", "mmHg", where="a")
