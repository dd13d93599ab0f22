"""CT from file to mask: Hounsfield units, window, another grid, tiles, and back into the geometry of the file.

The program is a threshold at 199.5 HU, so that what should come out is known: no accuracy is claimed.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage

from auscult.base.contracts import RecordBatch, Source, WriteContext
from auscult.base.errors import ReadError
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.simulate.dicom_files import write_ct_series
from auscult.domains.imaging.tasks.image_segmentation import ImageSegmentation, ImageSegmentationConfig
from auscult.engine.metrics.masks import dice
from auscult.engine.sources import find_sources, read_source

ABOUT = {"name": "bone", "version": "1", "content_hash": "ab" * 32}
LIMIT_HU, CENTRE, WIDTH = 199.5, 200.0, 1000.0  # the middle of a LINEAR window is its centre less 0.5
REFERENCE = Path(os.environ.get("AUSCULT_DATA", "")) / "imaging" / "ct_reference"
has_reference = pytest.mark.skipif(
    not (os.environ.get("AUSCULT_DATA") and REFERENCE.exists()), reason="needs AUSCULT_DATA with imaging/ct_reference"
)


def task(spacing_mm: float, **more: Any) -> ImageSegmentation:
    made = {"labels": ("bone",), "window": (CENTRE, WIDTH), "cover": "tiles", "grid": (16, 32, 32), **more}
    return ImageSegmentation(ImageSegmentationConfig(spacing_mm=spacing_mm, **made))


def read(path: Path) -> tuple[Source, RecordBatch]:
    (source,) = find_sources(path, DOMAIN).sources
    (batch,) = read_source(source, DOMAIN)
    assert isinstance(batch, RecordBatch), batch
    return source, batch


def threshold(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Probability 1 above the middle of the window, a line through it, so that it can be resampled."""
    bone = np.clip((image[:, 0] - 0.5) * 20 + 0.5, 0, 1)
    return np.stack([1 - bone, bone], axis=1)


def answered(made: ImageSegmentation, raw: RecordBatch) -> Any:
    batch = made.prepare(raw)
    items = made.cut(batch)
    return batch, made.join(batch, items, {"probability": threshold(items.inputs["image"])})


def hounsfield(shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """A tube of bone that bends through soft tissue, with noise."""
    rng = np.random.default_rng(0)
    d, h, w = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    tube = (h - 0.4 * d) ** 2 + (w + 0.2 * d) ** 2 < 0.1
    return np.round(np.where(tube, 700, 40) + rng.normal(0, 20, shape)).astype(np.int16)


def test_a_series_at_its_own_spacing_comes_back_voxel_by_voxel(tmp_path: Path) -> None:
    values = hounsfield((20, 40, 36))
    write_ct_series(tmp_path / "in", values, spacing_mm=(1.0, 1.0, 1.0))
    source, raw = read(tmp_path / "in")
    made = task(1.0)
    batch, outputs = answered(made, raw)
    np.testing.assert_array_equal(outputs.ragged("mask")[0], values > LIMIT_HU)
    ((path,),) = made.write(batch, outputs, tmp_path / "out", context=WriteContext(source, (), ABOUT))
    places = {str(d.SOPInstanceUID): d for d in map(dcmread, source.files)}
    segmentation = dcmread(path)
    for frame, group in zip(segmentation.pixel_array, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        origin = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        np.testing.assert_array_equal(frame, places[str(origin)].pixel_array - 1024.0 > LIMIT_HU)


@pytest.mark.parametrize("spacing_mm", [0.8, 1.5])
def test_another_spacing_and_back(spacing_mm: float, tmp_path: Path) -> None:
    values = hounsfield((16, 48, 44))
    write_ct_series(tmp_path / "in", values, spacing_mm=(2.0, 0.7, 0.9))
    _, outputs = answered(task(spacing_mm), read(tmp_path / "in")[1])
    found = outputs.ragged("mask")[0]
    assert found.shape == values.shape
    assert float(dice([(values > LIMIT_HU).astype(np.uint8)], [found])[0]) > 0.93
    np.testing.assert_allclose(outputs.array("spacing"), [[2.0, 0.7, 0.9]])


@has_reference
@pytest.mark.parametrize("name", ["example_ct_sm.nii.gz", "example_ct.nii.gz"])
def test_reference_volumes_keep_their_affine(name: str, tmp_path: Path) -> None:
    nibabel: Any = import_module("nibabel")
    source, raw = read(REFERENCE / name)
    with pytest.raises(ReadError, match="where you know that they are, say"):
        task(3.0).prepare(raw)
    spacing = raw.field("image").spacing_mm
    assert spacing is not None
    own = bool(np.allclose(spacing, spacing[0], rtol=0.01))
    made = task(float(spacing[0]) if own else 3.0, values="HU", grid=(32, 64, 64))
    batch, outputs = answered(made, raw)
    expected = (raw.ragged("image")[0] > LIMIT_HU).astype(np.uint8)
    if own:
        np.testing.assert_array_equal(outputs.ragged("mask")[0], expected)
    else:
        assert float(dice([expected], [outputs.ragged("mask")[0]])[0]) > 0.75
    ((path,),) = made.write(batch, outputs, tmp_path, context=WriteContext(source, (), ABOUT))
    image, mask = nibabel.load(REFERENCE / name), nibabel.load(path)
    np.testing.assert_array_equal(mask.affine, image.affine)
    assert mask.shape == image.shape
    if own:
        np.testing.assert_array_equal(np.asarray(mask.dataobj), np.asarray(image.dataobj) > LIMIT_HU)


@has_reference
def test_the_reference_series_without_its_identifiers(tmp_path: Path) -> None:
    """An anonymiser has emptied every identifier: it is read as one volume, but no segmentation can refer to it."""
    source, raw = read(REFERENCE / "example_ct_dicom")
    assert raw.ragged("image")[0].shape == (20, 512, 512)
    assert raw.field("image").unit == "HU"
    made = task(4.0, grid=(12, 64, 64))
    batch, outputs = answered(made, raw)
    assert outputs.ragged("mask")[0].shape == (20, 512, 512)
    with pytest.raises(ReadError, match="expected images that a segmentation can refer to"):
        made.write(batch, outputs, tmp_path / "a", context=WriteContext(source, (), ABOUT))
    (tmp_path / "in").mkdir()
    for k, path in enumerate(source.files):
        one = dcmread(path)
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, f"2.25.3.{k}"
        one.StudyInstanceUID, one.SeriesInstanceUID = "2.25.1", "2.25.2"
        one.save_as(tmp_path / "in" / f"{k:02d}.dcm")
    whole, again = read(tmp_path / "in")
    np.testing.assert_array_equal(again.ragged("image")[0], raw.ragged("image")[0])
    ((written,),) = made.write(batch, outputs, tmp_path / "b", context=WriteContext(whole, (), ABOUT))
    assert dcmread(written).pixel_array.sum() == (outputs.ragged("mask")[0] == 1).sum()
