"""DICOM ECG: files made here with pydicom from simulated samples; values are pydicom's ``waveform_array``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError, ShapeError, UnitError
from auscult.domains.signals.readers.dicom_ecg import DicomEcgReader

pydicom = pytest.importorskip("pydicom")
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import (  # noqa: E402
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

ECG_12 = "1.2.840.10008.5.1.4.1.1.9.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"


def item(**elements: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def channel(code: str = "5.6.3-9-1", unit: str = "uV", **more: Any) -> Dataset:
    return item(
        ChannelSourceSequence=[item(CodeValue=code, CodeMeaning=f"Lead {code} (Einthoven)")],
        ChannelSensitivity="1.25",
        ChannelSensitivityUnitsSequence=[item(CodeValue=unit)],
        WaveformBitsStored=16,
        **more,
    )


def group(samples: npt.NDArray[np.int16], *channels: Dataset, rate_hz: float = 500, **more: Any) -> Dataset:
    return item(
        NumberOfWaveformChannels=samples.shape[1],
        NumberOfWaveformSamples=samples.shape[0],
        SamplingFrequency=str(rate_hz),
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        ChannelDefinitionSequence=list(channels),
        WaveformData=samples.astype("<i2").tobytes(),
        **more,
    )


def save(path: Path, *groups: Dataset, storage: str = ECG_12, syntax: str = ExplicitVRLittleEndian) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(storage)
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    meta.TransferSyntaxUID = UID(syntax)
    dataset = Dataset()
    dataset.file_meta, dataset.preamble = meta, b"\0" * 128
    dataset.SOPClassUID, dataset.SOPInstanceUID = storage, "1.2.3"
    dataset.PatientName, dataset.PatientID, dataset.PatientSex, dataset.PatientAge = (
        "Sample^Ada",
        "P7",
        "F",
        "070Y",
    )
    dataset.ManufacturerModelName, dataset.SoftwareVersions = "Box 3", "1.2"
    dataset.WaveformSequence = list(groups)
    dataset.save_as(path, enforce_file_format=True)
    return path


def samples(n_samples: int, n_channels: int, seed: int = 0) -> npt.NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-800, 800, (n_samples, n_channels)).astype(np.int16)


def read(path: Path) -> list[RecordBatch | SetAside]:
    reader = DicomEcgReader()
    (source,) = reader.detect([path])
    return list(reader.read(source))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_values_are_those_of_pydicom(tmp_path: Path, syntax: str) -> None:
    first = group(
        samples(50, 2),
        channel("5.6.3-9-2", ChannelSensitivityCorrectionFactor="1.1", ChannelBaseline="12"),
        channel("2:64"),
    )
    second = group(samples(20, 1, 1), channel("2:3", "mV"), rate_hz=1000)
    path = save(tmp_path / "rest.dcm", first, second, syntax=syntax)
    dataset = pydicom.dcmread(path)
    one, two = read(path)
    assert isinstance(one, RecordBatch)
    assert isinstance(two, RecordBatch)
    np.testing.assert_allclose(one.ragged("ecg")[0], dataset.waveform_array(0) * 1e-3, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(two.ragged("ecg")[0], dataset.waveform_array(1), rtol=1e-6)
    assert [b.record.item() for b in (one, two)] == ["rest#1", "rest#2"]
    assert [b.field("ecg").rate_hz for b in (one, two)] == [500.0, 1000.0]
    assert one.field("ecg").channels == ("II", "aVF")
    assert two.field("ecg").channels == ("V1",)


def test_big_endian_samples_are_swapped(tmp_path: Path) -> None:
    stored = samples(30, 1)
    item_ = group(stored, channel())
    item_.WaveformData = stored.astype(">i2").tobytes()
    item_["WaveformData"].VR = "OW"
    (batch,) = read(save(tmp_path / "big.dcm", item_, syntax=ExplicitVRBigEndian))
    assert isinstance(batch, RecordBatch)
    # 1.25 uV a step
    np.testing.assert_allclose(batch.ragged("ecg")[0], stored * 1.25e-3, rtol=1e-6)


def test_padding_becomes_missing(tmp_path: Path) -> None:
    stored = samples(10, 1)
    stored[3:5] = -32768
    (batch,) = read(save(tmp_path / "a.dcm", group(stored, channel(), WaveformPaddingValue=b"\x00\x80")))
    assert isinstance(batch, RecordBatch)
    assert np.flatnonzero(np.isnan(batch.ragged("ecg")[0])).tolist() == [3, 4]
    assert batch.field("ecg").missing


def test_person_is_reduced_to_id_sex_and_age_band(tmp_path: Path) -> None:
    (batch,) = read(save(tmp_path / "a.dcm", group(samples(10, 1), channel())))
    assert isinstance(batch, RecordBatch)
    assert batch.subject is not None
    assert (batch.record.item(), batch.subject.item()) == ("a", "P7")
    want = {"sex": "F", "age_band": "65+", "device_model": "Box 3", "firmware": "1.2"}
    assert {k: v.item() for k, v in batch.groups.items()} == want


def test_lead_is_taken_from_meaning_or_label_where_the_code_is_unknown(tmp_path: Path) -> None:
    meaning = channel("X")
    meaning.ChannelSourceSequence[0].CodeMeaning = "Lead aVL (augmented)"
    label = channel(ChannelLabel="v5")
    del label.ChannelSourceSequence
    nothing = channel()
    del nothing.ChannelSourceSequence
    (batch,) = read(save(tmp_path / "a.dcm", group(samples(10, 3), meaning, label, nothing)))
    assert isinstance(batch, RecordBatch)
    assert batch.field("ecg").channels == ("aVL", "V5", "channel 3")


def test_one_bad_group_is_set_aside(tmp_path: Path) -> None:
    bad = group(samples(10, 1), channel(unit="furlong"))
    batch, aside = read(save(tmp_path / "a.dcm", bad, group(samples(10, 1), channel())))
    assert isinstance(batch, RecordBatch)
    assert isinstance(aside, SetAside)
    assert (batch.record.item(), aside.row) == ("a#2", 1)
    assert "unknown unit 'furlong' in a.dcm, multiplex group 1, channel 1" in aside.reason


def without(dataset: Dataset, keyword: str) -> Dataset:
    delattr(dataset, keyword)
    return dataset


def changed(dataset: Dataset, **elements: Any) -> Dataset:
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def plain() -> Dataset:
    return group(samples(10, 1), channel())


@pytest.mark.parametrize(
    ("broken", "kind", "words"),
    [
        (group(samples(10, 2), channel()), ReadError, "a definition for each of 2 channels, got 1"),
        (
            without(plain(), "SamplingFrequency"),
            ReadError,
            "expected a number as SamplingFrequency, got none",
        ),
        (changed(plain(), SamplingFrequency="0"), ReadError, "expected a rate of 1 to 100000 Hz, got 0 Hz"),
        (
            changed(plain(), NumberOfWaveformSamples=11),
            ReadError,
            "expected 22 bytes of 11 samples in 1 channels, got 20",
        ),
        (
            changed(plain(), NumberOfWaveformSamples=0),
            ReadError,
            "expected samples and channels, got 0 and 1",
        ),
        (
            changed(plain(), WaveformSampleInterpretation="MB"),
            ReadError,
            "expected samples of 8 SB.*got another kind",
        ),
        (without(plain(), "WaveformData"), ReadError, "got 0; the file is cut off"),
        (
            group(samples(10, 1), without(channel(), "ChannelSensitivityUnitsSequence")),
            UnitError,
            "sensitivity with its unit",
        ),
        (group(samples(10, 1), channel(unit="mm[Hg]")), UnitError, "expected a unit of voltage"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    tmp_path: Path, broken: Dataset, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=rf"a.dcm, multiplex group 1.*{words}") as caught:
        read(save(tmp_path / "a.dcm", broken))
    assert "Sample" not in str(caught.value)


def test_other_waveforms_are_refused_and_other_dicom_is_not_claimed(tmp_path: Path) -> None:
    voice = save(tmp_path / "voice.dcm", plain(), storage="1.2.840.10008.5.1.4.1.1.9.4.1")
    with pytest.raises(ReadError, match=r"voice.dcm: expected one of the ECG waveform classes \(12-lead ECG"):
        read(voice)
    image = save(tmp_path / "image.dcm", plain(), storage=CT)
    assert list(DicomEcgReader().detect([image, tmp_path / "gone.edf"])) == []
    (tmp_path / "photo.dcm").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(
        ReadError, match=r"photo.dcm: expected DICOM with its preamble \('DICM' at byte 128\), got JPEG"
    ):
        read(tmp_path / "photo.dcm")
    with pytest.raises(ReadError, match=r"none.dcm: expected a waveform sequence, got none"):
        read(save(tmp_path / "none.dcm"))


def test_damaged_files_raise_input_errors_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    whole = save(tmp_path / "a.dcm", group(samples(10, 2), channel(), channel("2:2")), plain()).read_bytes()
    reader = DicomEcgReader()
    for trial in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole))] if trial % 3 == 0 else whole)
        for at in rng.integers(min(132, len(data) - 1), len(data), size=3):
            data[at] = rng.integers(0, 256)
        (tmp_path / "b.dcm").write_bytes(data)
        for source in reader.detect([tmp_path / "b.dcm"]):
            try:
                assert list(reader.read(source))
            except (ReadError, UnitError, ShapeError) as error:
                assert str(tmp_path) not in str(error)  # noqa: PT017


@pytest.mark.skipif("AUSCULT_DATA" not in os.environ, reason="AUSCULT_DATA is not set: no real data here")
def test_recording_of_the_conformance_set(tmp_path: Path) -> None:
    folder = Path(os.environ["AUSCULT_DATA"]) / "imaging" / "dicom_conformance"
    path = next(iter(folder.rglob("waveform_ecg.dcm")), None)
    if path is None:
        pytest.skip("dicom_conformance is not in AUSCULT_DATA")
    dataset = pydicom.dcmread(path)
    for place, batch in enumerate(read(path)):
        assert isinstance(batch, RecordBatch)
        want = dataset.waveform_array(place) * 1e-3
        np.testing.assert_allclose(batch.ragged("ecg")[0], want, rtol=1e-6, atol=1e-9)
