"""DICOM images: values by hand, series by geometry, and every kind of bad file refused by tag and name."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    SecondaryCaptureImageStorage,
)

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.errors import ReadError
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.readers import dicom_header
from auscult.domains.imaging.tasks.image_classification import ImageClassification, ImageClassificationConfig
from auscult.engine.sources import find_sources, read_source

RAMP = np.arange(12, dtype="<u2").reshape(3, 4) * 100


def header(values: np.ndarray[Any, Any], **more: Any) -> FileDataset:
    """A minimal single-frame image."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = more.get("SOPClassUID", SecondaryCaptureImageStorage)
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    made = FileDataset("x", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, "2.25.1"
    made.Modality, made.PatientID, made.PatientName = "DX", "person-1", "Name^Secret"
    made.Rows, made.Columns = values.shape[:2]
    made.SamplesPerPixel = 3 if values.ndim == 3 else 1
    made.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
    if values.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8 * values.dtype.itemsize
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(values.dtype.kind == "i")
    made.PixelData = values.tobytes()
    for name, value in more.items():
        setattr(made, name, value)
    return made


def slices(folder: Path, places_mm: list[float], **more: Any) -> None:
    for k, place in enumerate(places_mm):
        made = header(
            np.full((3, 4), k, dtype="<i2"), SOPClassUID=CTImageStorage, Modality="CT", SeriesInstanceUID="2.25.7",
            ImagePositionPatient=[1, 2, place], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[0.5, 0.25],
            RescaleSlope=2, RescaleIntercept=-1000,
        )  # fmt: skip
        for name, value in more.items():
            setattr(made, name, value[k])
        made.save_as(folder / f"s{len(places_mm) - k:02d}.dcm", enforce_file_format=True)


def read(folder: Path) -> list[RecordBatch | SetAside]:
    return [part for s in find_sources(folder, DOMAIN).sources for part in read_source(s, DOMAIN)]


def one(folder: Path) -> RecordBatch:
    (part,) = read(folder)
    assert isinstance(part, RecordBatch), part
    return part


def reason(folder: Path) -> str:
    (part,) = read(folder)
    assert isinstance(part, SetAside), part
    return part.reason


def test_window_and_inverse(tmp_path: Path) -> None:
    """PS3.3 C.11.2.1.2: ((x - (c - 0.5)) / (w - 1) + 0.5), so c - 0.5 is the middle; MONOCHROME1 turns it round."""
    made = header(RAMP, WindowCenter=500.5, WindowWidth=1001, PhotometricInterpretation="MONOCHROME1")
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    image = one(tmp_path).ragged("image")[0]
    np.testing.assert_allclose(image, 1 - np.clip(RAMP / 1000.0, 0, 1), atol=1e-6)


def test_without_a_window_the_stored_bits_are_the_range(tmp_path: Path) -> None:
    made = header(RAMP, BitsStored=12, HighBit=11)
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_allclose(one(tmp_path).ragged("image")[0], RAMP / 4095.0, atol=1e-6)


def test_colour_is_last_and_zero_to_one(tmp_path: Path) -> None:
    values = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7
    header(values).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    batch = one(tmp_path)
    assert batch.field("image").axes == "HWC"
    np.testing.assert_allclose(batch.ragged("image")[0], values / 255.0, atol=1e-6)


def test_no_name_identifier_or_date_enters_a_batch(tmp_path: Path) -> None:
    made = header(
        RAMP, PatientBirthDate="19500102", StudyDate="20200304", PatientSex="F", InstitutionName="Secret Hospital"
    )
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    batch = one(tmp_path)
    assert batch.subject is not None
    assert batch.subject.tolist() == ["person-1"]  # which the engine replaces before anything is written
    told = repr({**batch.groups, "fields": batch.fields, "record": batch.record})
    assert batch.groups["age_band"].tolist() == ["65+"]
    for word in ("Secret", "1950", "2020", "person-1"):
        assert word not in told


def test_a_series_is_sorted_by_place_and_keeps_its_geometry(tmp_path: Path) -> None:
    slices(tmp_path, [30.0, 10.0, 20.0])
    batch = one(tmp_path)
    field = batch.field("image")
    assert (field.axes, field.unit, field.spacing_mm) == ("DHW", "HU", (10.0, 0.5, 0.25))
    assert batch.ragged("image")[0][:, 0, 0].tolist() == [-998.0, -996.0, -1000.0]  # 2 x - 1000 of slices 1, 2, 0
    affine = batch.dense("affine")[0]
    np.testing.assert_allclose(affine @ [2, 1, 3, 1], [1 + 3 * 0.25, 2 + 1 * 0.5, 30, 1])


@pytest.mark.parametrize(
    ("places", "more", "words"),
    [
        ([0, 1, 2, 4, 5], {}, r"\(0020,0032\) ImagePositionPatient: expected slices every 1 mm, got 2 mm"),
        ([0, 1, 1.0], {}, r"\(0020,0032\) ImagePositionPatient: expected one slice at a place, got two that differ"),
        ([5, 5, 5], {}, r"expected slices at different places, got one place"),
        (
            [0, 1, 2], {"ImageOrientationPatient": [[1, 0, 0, 0, 1, 0]] * 2 + [[0, 1, 0, 0, 0, 1]]},
            r"\(0020,0037\) ImageOrientationPatient: expected one orientation in the series, got several",
        ),
        ([0, 1, 2], {"PixelSpacing": [[0.5, 0.25], [0.5, 0.25], [0, 0]]}, r"\(0028,0030\) PixelSpacing: expected two"),
        ([0, 1, 2], {"Modality": ["CT", "CT", "MR"]}, r"\(0008,0060\) Modality: expected one modality, got CT and MR"),
        (
            [0, 1, 2], {"ImagePositionPatient": [[0, 0, 0], [0, 0, 1], [0]]},
            r"\(0020,0032\) ImagePositionPatient: expected 3 numbers, got 1",
        ),
        (
            [0, 1, 2], {"ImagePositionPatient": [[0, 0, 0], [0, 1, 1], [0, 2, 2]]},
            r"\(0020,0032\) ImagePositionPatient: expected slices behind each other .* sheared",
        ),
    ],
)  # fmt: skip
def test_slices_that_make_no_volume(places: list[float], more: dict[str, Any], words: str, tmp_path: Path) -> None:
    slices(tmp_path, places, **more)
    found = reason(tmp_path)
    assert re.search(words, found), found


def test_a_copy_of_a_slice_is_left_out_and_told(tmp_path: Path) -> None:
    slices(tmp_path, [0, 1, 2])
    copied = dcmread(tmp_path / "s01.dcm")
    copied.save_as(tmp_path / "s99.dcm")
    batch, aside = read(tmp_path)
    assert isinstance(batch, RecordBatch)
    assert batch.ragged("image")[0].shape == (3, 3, 4)
    assert isinstance(aside, SetAside)
    assert "a copy of another slice; left out" in aside.reason


def _bits(made: FileDataset) -> None:
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7


def _bomb(made: FileDataset) -> None:
    made.Rows, made.Columns, made.PixelData = 40000, 40000, b"0123456789"


def _packed_bomb(made: FileDataset) -> None:
    made.file_meta.TransferSyntaxUID = JPEG2000Lossless
    size = b"\xff\x4f\xff\x51\0\x29\0\0" + (60000).to_bytes(4, "big") * 2 + bytes(8) + bytes(40)
    made.PixelData = encapsulate([size])
    made["PixelData"].is_undefined_length = True


def _photometric(made: FileDataset) -> None:
    made.PhotometricInterpretation = "RGB"


def _set(**values: Any) -> Callable[[FileDataset], None]:
    def change(made: FileDataset) -> None:
        for name, value in values.items():
            setattr(made, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set(PixelData=RAMP.tobytes()[:-6]), "(7FE0,0010) PixelData: expected 24 bytes by the header, got 18"),
        (
            _bits,
            "(7FE0,0010) PixelData: expected 12 bytes by the header, got 24; rows, columns, frames or bits allocated",
        ),
        (_set(Columns=3), "(7FE0,0010) PixelData: expected 18 bytes by the header, got 24; rows, columns"),
        (_bomb, "(0028,0010) Rows, (0028,0011) Columns: expected an image of at most 1024 MiB, got 40000 × 40000"),
        (
            _packed_bomb,
            "(7FE0,0010) PixelData: expected a stream of 3 × 4 pixels by the header, got one of 60000",
        ),
        (_photometric, "(0028,0004) PhotometricInterpretation: expected one of MONOCHROME1"),
        (
            _set(ImagerPixelSpacing=[0, 0]),
            "(0018,1164) ImagerPixelSpacing: expected two distances above 0 mm, got 0",
        ),
        (_set(Rows=0), "(0028,0010) Rows: expected a whole number above 0, got 0"),
        (_set(RescaleSlope=0, RescaleIntercept=0), "(0028,1053) RescaleSlope: expected a number other than 0"),
        (_set(WindowCenter=5, WindowWidth=0), "(0028,1051) WindowWidth: expected a width above 0"),
        (_set(BitsStored=24), "(0028,0100) BitsAllocated: expected one of 1, 8, 16, 32, 64"),
        (_set(PixelData=b""), "(7FE0,0010) PixelData: expected 24 bytes, got 0"),
    ],
)
def test_a_bad_header_is_refused_by_file_and_tag(
    change: Callable[[FileDataset], None], words: str, tmp_path: Path
) -> None:
    made = header(RAMP)
    change(made)
    made.save_as(tmp_path / "bad.dcm", enforce_file_format=True)
    start = time.perf_counter()
    found = reason(tmp_path)
    assert time.perf_counter() - start < 1
    assert found.startswith("bad.dcm: ")
    assert words in found
    assert "person-1" not in found


def test_a_deflated_bomb_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PS3.5 A.5: everything after group 0002 is one deflated stream; here zeros, a thousandth of their size."""
    monkeypatch.setattr(dicom_header, "MAX_INFLATED", 40 << 20)
    made = header(RAMP)
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    made.save_as(tmp_path / "good.dcm", enforce_file_format=True)
    np.testing.assert_allclose(one(tmp_path).ragged("image")[0], RAMP / 65535.0, rtol=1e-6)
    made.add_new(0x00091001, "OB", bytes(60 << 20))
    made.save_as(tmp_path / "bomb.dcm", enforce_file_format=True)
    (tmp_path / "good.dcm").unlink()
    assert (tmp_path / "bomb.dcm").stat().st_size < 100_000
    assert reason(tmp_path) == (
        "bomb.dcm: expected at most 40 MiB in the deflated data set, got more; it is no image, or split it"
    )


def test_a_folder_of_several_modalities(tmp_path: Path) -> None:
    """Series, projections and pictures are told apart; an X-ray release refuses what is none of its kind."""
    (tmp_path / "ct").mkdir()
    slices(tmp_path / "ct", [0, 1, 2])
    slices(tmp_path, [0, 1, 2], Modality=["CT", "MR", "CT"])
    header(RAMP, Modality="MR").save_as(tmp_path / "mr.dcm", enforce_file_format=True)
    header(np.tile(RAMP, (4, 4))).save_as(tmp_path / "xray.dcm", enforce_file_format=True)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "notes.txt").write_text("no image")
    task = ImageClassification(ImageClassificationConfig())
    told: dict[str, str] = {}
    for part in read(tmp_path):
        if isinstance(part, SetAside):
            told[part.source] = part.reason
            continue
        try:
            task.prepare(part)
            told[str(part.record[0])] = "answered"
        except ReadError as error:
            told[str(part.record[0])] = str(error)
    assert told["xray"] == "answered"
    assert "Modality: expected one modality, got CT and MR" in told["s01"]
    assert "expected a picture with axes HW or HWC, got DHW" in told["ct/s01"]
    assert "expected a picture (CR, DX, RG, RF, XA, OT, SC), got the modality MR" in told["mr"]
    assert "got one value everywhere; the image is blank" in told["photo"]
    assert [p.name for p in find_sources(tmp_path, DOMAIN).unclaimed] == ["notes.txt"]


def test_no_pixels_at_all(tmp_path: Path) -> None:
    made = header(RAMP)
    del made.PixelData
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert "(7FE0,0010) PixelData: expected an image, got none in 'Secondary Capture Image Storage'" in reason(tmp_path)


def test_labels_lie_beside(tmp_path: Path) -> None:
    header(RAMP).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (tmp_path / "labels.csv").write_text("file,label\na.dcm,ill\n")
    assert one(tmp_path).dense("label").tolist() == ["ill"]
    (tmp_path / "labels.csv").write_text("file,label\nb.dcm,ill\n")
    assert one(tmp_path).dense("label").tolist() == [""]
    (tmp_path / "labels.csv").write_text("name,label\nb.dcm,ill\n")
    assert "labels.csv: expected the columns 'file' and 'label'" in reason(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\na.dcm,ill\na.dcm,well\n")
    assert "labels.csv, row 3: expected one label a file, got two that differ" in reason(tmp_path)
