"""EDF, EDF+ and BDF against pyedflib as reference, hand-written files, and damaged input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyedflib
import pytest

from auscult.base.contracts import RecordBatch
from auscult.base.errors import ReadError, UnitError
from auscult.domains.signals.readers.edf import EdfReader

SECRET = "Mustermann"


def write(
    path: Path,
    signals: Sequence[tuple[str, str, npt.NDArray[np.int64]]],
    *,
    patient: str = "X X X X",
    recording: str = "Startdate X X X X",
    kind: str = "EDF+C",
    duration: str = "1",
    records: str | None = None,
    limits: tuple[str, str, str, str] = ("-3.2768", "3.2767", "-32768", "32767"),
    starts: Sequence[float] | None = None,
) -> Path:
    """Write a file by hand: each signal is (label, unit, (records, samples a record))."""
    parts = [values.astype("<i2") for _, _, values in signals]
    labels = [(label, unit) for label, unit, _ in signals]
    if starts is not None:
        notes = [f"+{s:.1f}\x14\x14\0".encode().ljust(20, b"\0") for s in starts]
        parts.append(np.frombuffer(b"".join(notes), dtype="<i2").reshape(len(starts), 10))
        labels.append(("EDF Annotations", ""))
    count = len(parts)
    head = f"{'0':8}{patient:80}{recording:80}02.03.0204.05.06{256 * (count + 1):<8}{kind:44}"
    head += f"{records or len(parts[0]):<8}{duration:8}{count:<4}"
    columns = [(16, [n for n, _ in labels]), (80, [""] * count), (8, [u for _, u in labels])]
    columns += [(8, [text] * count) for text in limits]
    columns += [(80, [""] * count), (8, [str(p.shape[1]) for p in parts]), (32, [""] * count)]
    head += "".join(f"{text:{width}}" for width, texts in columns for text in texts)
    path.write_bytes(
        head.encode("latin-1") + b"".join(b"".join(p[i].tobytes() for p in parts) for i in range(len(parts[0])))
    )
    return path


def random(shape: tuple[int, int], seed: int = 5) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(-32768, 32768, size=shape)


def read(path: Path) -> list[RecordBatch]:
    reader = EdfReader()
    (source,) = reader.detect([path])
    assert source.name == path.stem
    batches = list(reader.read(source))
    assert all(isinstance(b, RecordBatch) for b in batches)
    return [b for b in batches if isinstance(b, RecordBatch)]


@pytest.mark.parametrize("kind", [pyedflib.FILETYPE_EDF, pyedflib.FILETYPE_EDFPLUS, pyedflib.FILETYPE_BDFPLUS])
def test_equals_pyedflib(tmp_path: Path, kind: int) -> None:
    path = tmp_path / ("a.bdf" if kind == pyedflib.FILETYPE_BDFPLUS else "a.edf")
    rng = np.random.default_rng(2)
    wide = kind == pyedflib.FILETYPE_BDFPLUS
    with pyedflib.EdfWriter(str(path), 3, file_type=kind) as writer:
        for i, (label, unit, rate) in enumerate([("ECG II", "uV", 256), ("EEG Fp1", "uV", 128), ("V5", "mV", 256)]):
            high = 5000.0 if unit == "uV" else 5.0
            writer.setSignalHeader(
                i,
                {
                    "label": label,
                    "dimension": unit,
                    "sample_frequency": rate,
                    "physical_max": high,
                    "physical_min": -high,
                    "digital_max": 8388607 if wide else 32767,
                    "digital_min": -8388608 if wide else -32768,
                    "transducer": "",
                    "prefilter": "",
                },
            )
        writer.writeSamples([rng.normal(size=256 * 9) * 900, rng.normal(size=128 * 9), rng.normal(size=256 * 9)])
    (batch,) = read(path)
    field = batch.field("ecg")
    assert (field.unit, field.rate_hz, field.channels) == ("mV", 256.0, ("II", "V5"))
    with pyedflib.EdfReader(str(path)) as reference:
        expected = np.stack([reference.readSignal(0) * 1e-3, reference.readSignal(2)], axis=1)
    np.testing.assert_allclose(batch.ragged("ecg")[0], expected, rtol=1e-6, atol=1e-7)


def test_values_by_hand(tmp_path: Path) -> None:
    # digital 0..100 stands for -1..1 mV: 25 -> -0.5
    path = write(tmp_path / "a.edf", [("EKG", "mV", np.array([[0, 25, 50, 100]]))], limits=("-1", "1", "0", "100"))
    (batch,) = read(path)
    np.testing.assert_allclose(batch.ragged("ecg")[0][:, 0], [-1, -0.5, 0, 1], atol=1e-7)
    assert batch.field("ecg").rate_hz == 4


def test_rates_go_into_batches_of_their_own(tmp_path: Path) -> None:
    signals = [
        ("Pleth", "", random((3, 50))),
        ("ABP", "mmHg", random((3, 100))),
        ("ECG I", "mV", random((3, 100))),
    ]
    first, second = read(write(tmp_path / "a.edf", signals))
    assert [(f.name, f.rate_hz) for f in first.fields] == [("ecg", 100.0), ("abp", 100.0)]
    assert [(f.name, f.rate_hz, f.unit) for f in second.fields] == [("ppg", 50.0, "1")]
    assert first.record.tolist() == second.record.tolist() == ["a"]


def test_gaps_are_nan(tmp_path: Path) -> None:
    values = random((3, 10))
    path = write(tmp_path / "a.edf", [("ECG", "mV", values)], kind="EDF+D", starts=[3.0, 4.0, 6.5])
    (batch,) = read(path)
    got = batch.ragged("ecg")[0][:, 0]
    assert len(got) == 45
    assert np.isnan(got[20:35]).all()
    assert batch.field("ecg").missing
    whole = read(write(tmp_path / "b.edf", [("ECG", "mV", values)], starts=[0, 1, 2]))[0].ragged("ecg")[0][:, 0]
    np.testing.assert_array_equal(got[~np.isnan(got)], whole)


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        ([0, 1, 1.5], r"a.edf: expected data records in order of time, got some that overlap"),
        (
            [0, 1, 1e9],
            r"a.edf: the gaps between its data records are far longer than the records; split the file",
        ),
        (None, r"a.edf: expected an 'EDF Annotations' signal in a file with gaps"),
    ],
)
def test_gap_errors(tmp_path: Path, starts: list[float] | None, words: str) -> None:
    path = write(tmp_path / "a.edf", [("ECG", "mV", random((3, 10)))], kind="EDF+D", starts=starts)
    with pytest.raises(ReadError, match=words):
        read(path)


def test_gap_file_without_start_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [("ECG", "mV", random((3, 10)))], kind="EDF+D", starts=[0, 1, 2])
    path.write_bytes(path.read_bytes().replace(b"+1.0\x14", b"    \x14"))
    with pytest.raises(ReadError, match=r"expected the start time of each data record \(EDF\+D\), got 1 without"):
        read(path)


@pytest.mark.parametrize(
    ("patient", "recording", "subject", "groups"),
    [
        (
            f"P-7 F 02-MAY-1951 {SECRET}",
            "Startdate 02-MAR-2002 X X Holter_3",
            "P-7",
            ("F", "40-64", "Holter_3"),
        ),
        ("X M X X", "Startdate X X X X", None, ("M", "unknown", "unknown")),
        (
            "P8 X 03-MAR-1984 X",
            "Startdate X X X X",
            "P8",
            ("unknown", "0-17", "unknown"),
        ),  # 1 day before 18, from 02.03.02
        (f"{SECRET} Max 1951", "any text", None, ("unknown", "unknown", "unknown")),
        ("", "", None, ("unknown", "unknown", "unknown")),
    ],
)
def test_person(tmp_path: Path, patient: str, recording: str, subject: str | None, groups: tuple[str, ...]) -> None:
    path = write(tmp_path / "a.edf", [("ECG", "mV", random((2, 10)))], patient=patient, recording=recording)
    (batch,) = read(path)
    assert (
        (batch.subject is None)
        if subject is None
        else (batch.subject is not None and batch.subject.tolist() == [subject])
    )
    assert tuple(str(batch.groups[k][0]) for k in ("sex", "age_band", "device_model")) == groups
    assert SECRET not in repr(batch) + str(batch.groups) + str(batch.subject)


def test_person_as_pyedflib_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    with pyedflib.EdfWriter(str(path), 1, file_type=pyedflib.FILETYPE_EDFPLUS) as writer:
        writer.setSignalHeader(0, pyedflib.highlevel.make_signal_header("ECG", "uV", 100))
        writer.setHeader(
            {
                "technician": "",
                "recording_additional": "",
                "patientname": SECRET,
                "patient_additional": "",
                "patientcode": "c17",
                "equipment": "dev9",
                "admincode": "",
                "sex": "Female",
                "startdate": datetime(2010, 5, 1),
                "birthdate": datetime(1940, 1, 1),
            }
        )
        writer.writeSamples([np.zeros(300)])
    (batch,) = read(path)
    assert batch.subject is not None
    assert batch.subject.tolist() == ["c17"]
    assert {k: v.tolist() for k, v in batch.groups.items()} == {
        "sex": ["F"],
        "age_band": ["65+"],
        "device_model": ["dev9"],
    }


def test_unknown_number_of_records(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [("ECG", "mV", random((4, 10)))], records="-1")
    assert len(read(path)[0].ragged("ecg")[0]) == 40


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"records": "5"},
            r"a.edf: expected 612 bytes for 5 data records, got 592 bytes; the file is cut off",
        ),
        ({"records": "99999999"}, r"expected 2000000492 bytes for 99999999 data records, got 592 bytes"),
        ({"records": "0"}, r"a.edf: expected at least 1 data record, got 0; export it again"),
        ({"duration": "1\x1c"}, r"duration of a data record: expected a number with a decimal point"),
        ({"duration": "0"}, r"a.edf: expected data records longer than 0 s, got 0 s"),
        (
            {"duration": "0,5"},
            r"duration of a data record: expected a number with a decimal point, got another text",
        ),
        (
            {"limits": ("1", "1", "-9", "9")},
            r"a.edf, signal 'ECG': expected physical and digital limits that differ",
        ),
        (
            {"limits": ("1", "2", "9", "9")},
            r"a.edf, signal 'ECG': expected physical and digital limits that differ",
        ),
        ({"limits": ("x", "2", "9", "9")}, r"a.edf: signal 1, physical limit: expected a number"),
    ],
)
def test_header_errors(tmp_path: Path, arguments: dict[str, object], words: str) -> None:
    path = write(tmp_path / "a.edf", [("ECG", "mV", random((4, 10)))], **arguments)  # type: ignore[arg-type]
    with pytest.raises(ReadError, match=words):
        read(path)


def test_other_errors(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [("EEG Fp1", "uV", random((4, 10))), ("Airflow", "", random((4, 10)))])
    with pytest.raises(ReadError, match=r"expected an ECG, ABP or PPG signal, got 2 signals of other kind; label the"):
        read(path)
    with pytest.raises(UnitError, match=r"unknown unit 'Volts' in b.edf, signal 'ECG'"):
        read(write(tmp_path / "b.edf", [("ECG", "Volts", random((4, 10)))]))
    with pytest.raises(ReadError, match=r"c.edf: expected a record of at least 2 samples, got 1"):
        read(write(tmp_path / "c.edf", [("ECG", "mV", random((1, 1)))]))


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\xff\xd8\xff\xe0", "JPEG"), (b"", "empty file"), (b"PK\x03\x04", "ZIP"), (b"time;ecg\n", "text")],
)
def test_wrong_content(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.edf").write_bytes(content)
    with pytest.raises(
        ReadError, match=f"a.edf: expected an EDF header that starts with '0       ', got {kind}; export"
    ):
        read(tmp_path / "a.edf")


def test_cut_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [("ECG", "mV", random((4, 10)))])
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(ReadError, match=r"a.edf: expected a header of 512 bytes for its signals, got 400 bytes"):
        read(path)


def test_found_by_content(tmp_path: Path) -> None:
    write(tmp_path / "export.bin", [("ECG", "mV", random((4, 10)))])
    (tmp_path / "numbers.txt").write_text("0       1       2\n" * 40)
    assert [s.name for s in EdfReader().detect(sorted(tmp_path.iterdir()))] == ["export"]


def test_survives_damage(tmp_path: Path, survives: Callable[..., int]) -> None:
    write(tmp_path / "a.edf", [("ECG", "mV", random((40, 100)))], kind="EDF+D", starts=[*range(39), 60])
    assert survives(EdfReader(), tmp_path, ["a.edf"], 300) > 10
