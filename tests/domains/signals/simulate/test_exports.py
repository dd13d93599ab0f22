"""Simulated exports: what is written is what the reference readers read back."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from auscult.base.errors import ShapeError, UsageError
from auscult.domains.signals.simulate.cgm import SimulatedCgm, simulate_cgm
from auscult.domains.signals.simulate.ecg import SimulatedEcg, simulate_ecg
from auscult.domains.signals.simulate.exports import (
    simulate_folder,
    write_cgm_csv,
    write_csv_with_sidecar,
    write_edf,
    write_hl7_aecg,
    write_ppg_bp,
    write_wfdb,
)
from auscult.domains.signals.simulate.person import SimulatedPerson
from auscult.domains.signals.simulate.ppg import SimulatedPpg

HL7 = {"h": "urn:hl7-org:v3"}


@pytest.fixture(scope="module")
def ecg() -> SimulatedEcg:
    return simulate_ecg(np.random.default_rng(11), duration_s=30.0, premature_ventricular=0.15)


@pytest.fixture(scope="module")
def cgm() -> SimulatedCgm:
    simulated = simulate_cgm(np.random.default_rng(2), n_days=2)
    glucose = simulated.glucose_mgdl.copy()
    glucose[[10, 20]] = 40.0, 400.0
    return replace(simulated, glucose_mgdl=glucose)


# Quantisation: half a step of 5 µV (gain 200) and of 1 µV (gain 1000).
@pytest.mark.parametrize(("storage", "half_step_mv"), [("212", 0.0025), ("16", 0.0005)])
@pytest.mark.parametrize("leads", [("MLII",), ("MLII", "V1"), ("I", "II", "V5")])
@pytest.mark.parametrize("n_samples", [10_800, 10_799])
def test_wfdb_package_reads_the_same(
    tmp_path: Path, storage: str, half_step_mv: float, leads: tuple[str, ...], n_samples: int
) -> None:
    wfdb = pytest.importorskip("wfdb")
    ecg = simulate_ecg(np.random.default_rng(1), duration_s=30.0, leads=leads)
    ecg = replace(ecg, signal_mv=ecg.signal_mv[:n_samples])
    header = write_wfdb(tmp_path, "sim1", ecg, comments=("63 F simulated", "None"), storage=storage)
    record = wfdb.rdrecord(str(header.with_suffix("")))
    assert np.abs(record.p_signal - ecg.signal_mv).max() <= half_step_mv + 1e-6
    assert record.sig_name == list(leads)
    assert record.units == ["mV"] * len(leads)
    assert record.fs == 360
    assert record.comments == ["63 F simulated", "None"]
    stored = wfdb.rdrecord(str(header.with_suffix("")), physical=False)
    assert stored.calc_checksum() == [value % 65536 for value in stored.checksum]
    assert stored.init_value == stored.d_signal[0].tolist()


@pytest.mark.parametrize("storage", ["212", "16"])
def test_wfdb_package_reads_nan_where_a_sample_is_missing(tmp_path: Path, ecg: SimulatedEcg, storage: str) -> None:
    wfdb = pytest.importorskip("wfdb")
    signal = ecg.signal_mv.copy()
    signal[100:200, 1] = np.nan
    header = write_wfdb(tmp_path, "gap", replace(ecg, signal_mv=signal), storage=storage)
    read = wfdb.rdrecord(str(header.with_suffix(""))).p_signal
    np.testing.assert_array_equal(np.isnan(read), np.isnan(signal))


def test_wfdb_package_reads_the_same_beats_even_after_long_pauses(tmp_path: Path, ecg: SimulatedEcg) -> None:
    wfdb = pytest.importorskip("wfdb")
    peaks = np.array([3, 400, 1423, 1424 + 1023, 200_000], np.int64)  # intervals around and far above 1023
    symbols = np.array(["N", "V", "A", "F", "N"])
    for case in (ecg, replace(ecg, peaks=peaks, symbols=symbols)):
        header = write_wfdb(tmp_path, "beats", case)
        read = wfdb.rdann(str(header.with_suffix("")), "atr")
        assert read.symbol[0] == "+"
        assert read.aux_note[0].rstrip("\0") == "(N"
        np.testing.assert_array_equal(read.sample[1:], case.peaks)
        np.testing.assert_array_equal(read.symbol[1:], case.symbols)


def test_wfdb_without_annotations_and_with_unknown_storage(tmp_path: Path, ecg: SimulatedEcg) -> None:
    write_wfdb(tmp_path, "plain", ecg, annotations=False)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".dat", ".hea"]
    with pytest.raises(UsageError, match=r"unknown storage format '24'.*Known: 16, 212"):
        write_wfdb(tmp_path, "other", ecg, storage="24")


@pytest.mark.parametrize("rate_hz", [250.0, 360.0, 128.5])
def test_pyedflib_reads_the_same(tmp_path: Path, rate_hz: float) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    ecg = simulate_ecg(np.random.default_rng(4), duration_s=20.3, rate_hz=rate_hz, leads=("II", "V1", "V5"))
    path = write_edf(tmp_path / "sim.edf", ecg, person=SimulatedPerson("SIM-0042", 50, "M"))
    reader = pyedflib.EdfReader(str(path))
    try:
        n_samples = len(ecg.signal_mv)
        for lead in range(3):
            read = reader.readSignal(lead)
            assert np.abs(read[:n_samples] - ecg.signal_mv[:, lead]).max() < 1e-4  # a step is 0.15 µV
            np.testing.assert_array_equal(read[n_samples:], read[n_samples - 1])
        assert reader.getSignalLabels() == ["ECG II", "ECG V1", "ECG V5"]
        assert reader.getPhysicalDimension(0) == "mV"
        assert reader.getSampleFrequency(0) == rate_hz
        assert reader.getPatientCode() == "SIM-0042"
        assert reader.getSex() == "Male"
        onset_s, _, text = reader.readAnnotations()
        np.testing.assert_allclose(onset_s, ecg.peaks / rate_hz, atol=6e-5)
        np.testing.assert_array_equal(text, ecg.symbols)
    finally:
        reader.close()


def read_rows(path: Path, encoding: str = "utf-8") -> list[list[str]]:
    with path.open(newline="", encoding=encoding) as file:
        return list(csv.reader(file))


def test_clarity_export(tmp_path: Path, cgm: SimulatedCgm) -> None:
    path = write_cgm_csv(tmp_path / "clarity.csv", cgm, flavour="dexcom")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in path.read_bytes()
    header, *rows = read_rows(path, "utf-8-sig")
    assert all(len(row) == len(header) == 14 for row in rows)
    assert [row[2] for row in rows[:4]] == ["FirstName", "LastName", "DateOfBirth", "Device"]
    readings = [row for row in rows if row[header.index("Event Type")] == "EGV"]
    words = [row[header.index("Glucose Value (mg/dL)")] for row in readings]
    assert words[10] == "Low"
    assert words[20] == "High"
    read = [float({"Low": "40", "High": "400"}.get(word, word)) for word in words]
    np.testing.assert_array_equal(read, cgm.glucose_mgdl)
    times = np.array([row[1] for row in readings], "datetime64[s]")
    np.testing.assert_array_equal((times - times[0]).astype(int), cgm.time_s)
    assert sum(row[2] == "Carbs" for row in rows) == np.sum(cgm.meals[:, 0] >= 0)


def test_libreview_export(tmp_path: Path, cgm: SimulatedCgm) -> None:
    title, header, *rows = read_rows(write_cgm_csv(tmp_path / "libre.csv", cgm, flavour="libreview"))
    assert title[0] == "Glucose Data"
    assert len(title) == 5
    assert header[:5] == [
        "Device",
        "Serial Number",
        "Device Timestamp",
        "Record Type",
        "Historic Glucose mg/dL",
    ]
    assert all(len(row) == len(header) == 19 for row in rows)
    np.testing.assert_array_equal([float(row[4]) for row in rows if row[3] == "0"], cgm.glucose_mgdl)
    assert rows[0][2].startswith("18-03-2021 ")


def test_plain_export(tmp_path: Path, cgm: SimulatedCgm) -> None:
    header, *rows = read_rows(write_cgm_csv(tmp_path / "plain.csv", cgm, flavour="glucobench", subject="SIM-9"))
    assert header == ["id", "time", "gl"]
    assert {row[0] for row in rows} == {"SIM-9"}
    np.testing.assert_array_equal([float(row[2]) for row in rows], cgm.glucose_mgdl)
    with pytest.raises(UsageError, match="unknown flavour 'medtronic'"):
        write_cgm_csv(tmp_path / "other.csv", cgm, flavour="medtronic")


def test_csv_with_sidecar(tmp_path: Path, ecg: SimulatedEcg) -> None:
    signal = ecg.signal_mv.copy()
    signal[5, 1] = np.nan
    path = write_csv_with_sidecar(tmp_path / "sim.csv", replace(ecg, signal_mv=signal))
    read = np.genfromtxt(path, delimiter=",", skip_header=1)
    np.testing.assert_allclose(read, signal, atol=6e-5)
    sidecar = json.loads((tmp_path / "sim.csv.json").read_text())
    column = {"quantity": "ecg", "unit": "mV"}
    assert sidecar["rate_hz"] == 360.0
    assert sidecar["columns"] == {"MLII": column, "V1": column}
    assert sidecar["subject"] == "SIM-0001"
    assert sidecar["groups"]["device_model"] == "simulated"
    assert path.read_text().splitlines()[0] == "MLII,V1"


def found(element: ElementTree.Element, path: str) -> ElementTree.Element:
    below = element.find(path, HL7)
    assert below is not None
    return below


def test_hl7_aecg(tmp_path: Path) -> None:
    ecg = simulate_ecg(np.random.default_rng(4), duration_s=10.0, rate_hz=500.0, leads=("MLII", "aVR", "V6"))
    path = write_hl7_aecg(tmp_path / "sim.xml", ecg, person=SimulatedPerson("SIM-7", 40, "F"))
    root = ElementTree.parse(path).getroot()  # noqa: S314 - a file that this test wrote
    assert root.tag == "{urn:hl7-org:v3}AnnotatedECG"
    sequences = root.findall("h:component/h:series/h:component/h:sequenceSet/h:component/h:sequence", HL7)
    codes = [found(sequence, "h:code").attrib["code"] for sequence in sequences]
    assert codes == ["TIME_ABSOLUTE", "MDC_ECG_LEAD_II", "MDC_ECG_LEAD_AVR", "MDC_ECG_LEAD_V6"]
    assert float(found(sequences[0], "h:value/h:increment").attrib["value"]) == 0.002
    for lead, sequence in enumerate(sequences[1:]):
        scale = found(sequence, "h:value/h:scale").attrib
        digits = np.array((found(sequence, "h:value/h:digits").text or "").split(), float)
        assert scale["unit"] == "uV"
        step_mv = float(scale["value"]) / 1000.0
        assert np.abs(digits * step_mv - ecg.signal_mv[:, lead]).max() <= step_mv / 2 + 1e-6
    assert found(root, ".//h:trialSubject/h:id").attrib["extension"] == "SIM-7"


@pytest.mark.parametrize("write", [write_edf, write_hl7_aecg])
def test_formats_without_missing_values_refuse_nan(
    tmp_path: Path, ecg: SimulatedEcg, write: Callable[[Path, SimulatedEcg], Path]
) -> None:
    signal = ecg.signal_mv.copy()
    signal[0] = np.nan
    with pytest.raises(ShapeError, match="expected a signal without NaN, got one with NaN"):
        write(tmp_path / "sim.out", replace(ecg, signal_mv=signal))
    assert not list(tmp_path.iterdir())


def test_ppg_bp_layout(tmp_path: Path) -> None:
    segments = np.random.default_rng(0).uniform(1800, 2200, (5, 2100)).astype(np.float32)
    ppg = SimulatedPpg(
        segments=segments,
        rate_hz=1000.0,
        subject=np.array([3, 3, 3, 8, 8]),
        sbp_mmhg=np.repeat([150.0, 110.0], [3, 2]),
        dbp_mmhg=np.repeat([85.0, 70.0], [3, 2]),
        age_years=np.full(5, 60.0),
        bmi_kg_m2=np.full(5, 25.0),
        heart_rate_bpm=np.full(5, 72.0),
    )
    sheet = write_ppg_bp(tmp_path, ppg)
    assert sheet.name == "PPG-BP dataset.csv"
    assert sorted(p.name for p in tmp_path.glob("*.txt")) == [
        "3_1.txt",
        "3_2.txt",
        "3_3.txt",
        "8_1.txt",
        "8_2.txt",
    ]
    np.testing.assert_allclose(np.loadtxt(tmp_path / "3_2.txt"), segments[1], atol=0.06)
    header, first, second = read_rows(sheet)
    assert header[:4] == ["Num.", "subject_ID", "Sex(M/F)", "Age(year)"]
    assert dict(zip(header, first, strict=True))["Systolic Blood Pressure(mmHg)"] == "150"
    stages = [dict(zip(header, row, strict=True))["Hypertension"] for row in (first, second)]
    assert stages == ["Stage 1 hypertension", "Normal"]  # JNC 7: 150/85 is stage 1, 110/70 is normal


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_folder_is_mixed_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    written = simulate_folder(tmp_path / "a", 5, n_ecg=7, ecg_minutes=0.1, n_cgm=3, n_days=1)
    simulate_folder(tmp_path / "b", 5, n_ecg=7, ecg_minutes=0.1, n_cgm=3, n_days=1)
    simulate_folder(tmp_path / "c", 6, n_ecg=7, ecg_minutes=0.1, n_cgm=3, n_days=1)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if not name.endswith(".json"))
    assert len(written) == 10
    assert all(path.exists() for path in written)
    assert {path.suffix for path in written} == {".hea", ".edf", ".csv", ".xml"}


def test_broken_files_are_broken_in_three_ways(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    *_, cut, lost, picture = simulate_folder(tmp_path, 5, n_ecg=1, ecg_minutes=0.1, n_cgm=0, broken=True)
    with pytest.raises(ValueError, match="could not broadcast"):
        wfdb.rdrecord(str(cut.with_suffix("")))
    with pytest.raises(FileNotFoundError):
        wfdb.rdrecord(str(lost.with_suffix("")))
    assert picture.suffix == ".edf"
    assert picture.read_bytes().startswith(b"\xff\xd8\xff")


def test_folder_of_one_format_only(tmp_path: Path) -> None:
    written = simulate_folder(tmp_path, 1, n_ecg=3, ecg_minutes=0.1, n_cgm=0, ecg_formats=("wfdb212",))
    assert [path.name for path in written] == ["sim001.hea", "sim002.hea", "sim003.hea"]
    with pytest.raises(UsageError, match="unknown ECG format 'scp'"):
        simulate_folder(tmp_path, 1, ecg_formats=("scp",))


def test_everything_says_that_it_is_simulated(tmp_path: Path) -> None:
    written = simulate_folder(tmp_path, 5, n_ecg=7, ecg_minutes=0.1, n_cgm=3, n_days=1)
    for path in written:
        assert path.name.startswith("sim")
        sidecar = path.with_name(path.name + ".json")
        content = (path.read_bytes() + (sidecar.read_bytes() if sidecar.exists() else b"")).lower()
        assert b"simulated" in content or b"sim-" in content
