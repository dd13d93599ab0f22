"""Masks as files: the geometry of the image they belong to, clean for those who check, never over a file."""

from __future__ import annotations

import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from auscult.base.contracts import RecordBatch, Source, WriteContext
from auscult.base.errors import ReadError, ShapeError, UsageError
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.simulate.dicom_files import write_ct_series
from auscult.domains.imaging.writers.mask import SegmentNames, write_mask
from auscult.engine.sources import find_sources, read_source

ABOUT = {"name": "test", "version": "1.2.0", "content_hash": "ab" * 32}
NAMES = SegmentNames(("liver", "odd thing"), {"liver": ("10200004", "SCT", "Liver")})
SHAPE = (5, 24, 20)
SPACING_MM = (2.5, 0.7, 0.8)


@pytest.fixture
def labels() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)


@pytest.fixture
def series(tmp_path: Path, labels: np.ndarray[Any, Any]) -> tuple[Source, RecordBatch]:
    """A CT whose values tell which label belongs where."""
    write_ct_series(tmp_path / "in" / "deep", (labels * 100).astype(np.int16), spacing_mm=SPACING_MM)
    return read(tmp_path / "in")


def read(folder: Path) -> tuple[Source, RecordBatch]:
    (source,) = find_sources(folder, DOMAIN).sources
    (batch,) = read_source(source, DOMAIN)
    assert isinstance(batch, RecordBatch), batch
    return source, batch


def context(source: Source) -> WriteContext:
    return WriteContext(source, (), ABOUT)


def test_a_segmentation_lies_slice_by_slice_on_its_series(
    series: tuple[Source, RecordBatch], labels: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    source, batch = series
    np.testing.assert_array_equal(batch.ragged("image")[0], labels * 100)
    path = write_mask(tmp_path / "out", labels, str(batch.record[0]), names=NAMES, context=context(source))
    assert path.relative_to(tmp_path / "out").as_posix() == "deep/sim_ct_001.seg.dcm"
    made = dcmread(path)
    images = {str(d.SOPInstanceUID): d for d in map(dcmread, source.files)}
    assert made.StudyInstanceUID == next(iter(images.values())).StudyInstanceUID
    frames = made.pixel_array
    seen = 0
    for frame, group in zip(frames, made.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        origin = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        image = images[str(origin)]
        assert group.PlanePositionSequence[0].ImagePositionPatient == image.ImagePositionPatient
        np.testing.assert_array_equal(frame, image.pixel_array - 1024 == 100 * number)
        seen += 1
    assert seen == 2 * SHAPE[0]
    shared = made.SharedFunctionalGroupsSequence[0]
    assert [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing] == list(SPACING_MM[1:])
    first, second = made.SegmentSequence
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == "10200004"
    assert second.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "99AUSCULT"
    assert second.SegmentLabel == "odd thing"
    assert first.SegmentAlgorithmType == "AUTOMATIC"


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian: dicom3tools)")
def test_dciodvfy_finds_nothing(series: tuple[Source, RecordBatch], tmp_path: Path) -> None:
    source, _ = series
    names = SegmentNames(("liver",), NAMES.codes)
    path = write_mask(tmp_path / "out", np.ones(SHAPE, np.uint8), "a", names=names, context=context(source))
    told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)  # noqa: S607
    assert (told.stdout + told.stderr).strip() == "Segmentation"
    assert told.returncode == 0


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="needs dcmtk")
def test_dcmtk_reads_it(series: tuple[Source, RecordBatch], labels: np.ndarray[Any, Any], tmp_path: Path) -> None:
    path = write_mask(tmp_path / "out", labels, "a", names=NAMES, context=context(series[0]))
    told = subprocess.run(["dcmdump", str(path)], capture_output=True, text=True, check=False)  # noqa: S607
    assert told.returncode == 0
    assert not [line for line in told.stderr.splitlines() if line.startswith(("E:", "W:"))]
    assert "=SegmentationStorage" in told.stdout


def test_an_empty_mask_is_written_too(series: tuple[Source, RecordBatch], tmp_path: Path) -> None:
    path = write_mask(tmp_path / "out", np.zeros(SHAPE, np.uint8), "a", names=NAMES, context=context(series[0]))
    assert not dcmread(path).pixel_array.any()


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_nifti_mask_has_the_affine_of_its_image_bit_by_bit(
    ending: str, labels: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    nibabel: Any = import_module("nibabel")
    turn = np.array([[0, -0.7, 0.01, 3.1], [0.8, 0, 0, -7], [0.02, 0, 2.5, 11], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(labels.transpose(2, 1, 0).astype(np.float32), turn)
    image.set_qform(turn, 2)
    image.header["descrip"] = b"Secret name"
    image.header.set_xyzt_units("mm", "sec")
    (tmp_path / "in").mkdir()
    image.to_filename(tmp_path / "in" / f"a{ending}")
    source, batch = read(tmp_path / "in")
    path = write_mask(tmp_path / "out", batch.ragged("image")[0], "a", names=NAMES, context=context(source))
    assert path.name == "a.mask.nii.gz"
    made = nibabel.load(path)
    for ours, theirs in ((made.get_sform, image.get_sform), (made.get_qform, image.get_qform)):
        np.testing.assert_array_equal(ours(coded=True)[0], theirs(coded=True)[0])
        assert ours(coded=True)[1] == theirs(coded=True)[1]
    np.testing.assert_array_equal(np.asarray(made.dataobj), labels.transpose(2, 1, 0))
    assert made.header.get_xyzt_units()[0] == "mm"
    assert made.header["descrip"].item() == b"test 1.2.0: not reviewed"
    again = write_mask(tmp_path / "out2", batch.ragged("image")[0], "a", names=NAMES, context=context(source))
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("code", [0, 1])
def test_a_rotation_that_nobody_uses_is_kept_however_wrong(
    code: int, labels: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    """Quaternions whose squares add up to more than 1 are no rotation; the affine is that of the sform."""
    nibabel: Any = import_module("nibabel")
    image = nibabel.Nifti1Image(labels.transpose(2, 1, 0).astype(np.float32), np.diag([0.8, 0.7, 2.5, 1.0]))
    image.header["qform_code"], image.header["quatern_b"], image.header["quatern_c"] = code, 0.9, 0.9
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.nii").write_bytes(image.to_bytes())
    source, batch = read(tmp_path / "in")
    path = write_mask(tmp_path / "out", batch.ragged("image")[0], "a", names=NAMES, context=context(source))
    made = nibabel.load(path)
    kept = ("pixdim", "sform_code", "srow_x", "srow_y", "srow_z", "qform_code", "quatern_b", "quatern_c", "quatern_d")
    for name in kept:
        np.testing.assert_array_equal(made.header[name], image.header[name])
    np.testing.assert_array_equal(np.asarray(made.dataobj), labels.transpose(2, 1, 0))


def test_no_file_is_written_over(series: tuple[Source, RecordBatch], tmp_path: Path) -> None:
    mask, told = np.zeros(SHAPE, np.uint8), context(series[0])
    write_mask(tmp_path / "out", mask, "a", names=NAMES, context=told)
    with pytest.raises(UsageError, match=r"a\.seg\.dcm: expected no such file yet, got one; name another folder"):
        write_mask(tmp_path / "out", mask, "a", names=NAMES, context=told)


def test_a_mask_of_another_size_and_a_series_that_cannot_be_referred_to(
    series: tuple[Source, RecordBatch], tmp_path: Path
) -> None:
    source, _ = series
    with pytest.raises(ShapeError, match=r"mask: expected shape \(5, 24, 20\) as its images, got \(5, 24, 21\)"):
        write_mask(tmp_path / "out", np.zeros((5, 24, 21), np.uint8), "a", names=NAMES, context=context(source))
    for file in source.files:
        made = dcmread(file)
        del made.StudyInstanceUID
        made.save_as(file)
    with pytest.raises(ReadError, match=r"expected images that a segmentation can refer to .* export them again"):
        write_mask(tmp_path / "out", np.zeros(SHAPE, np.uint8), "a", names=NAMES, context=context(source))
