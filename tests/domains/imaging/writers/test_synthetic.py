"""Generated pictures as files: marked in their own metadata, the same values back, never over a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from auscult.base.errors import UsageError
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.writers.synthetic import SOURCE_TYPE, SyntheticImage, write_synthetic
from auscult.engine.sources import find_sources, read_source

IMAGE = SyntheticImage(np.random.default_rng(0).random((27, 21)).astype(np.float32), "lung / dense", 7, 3)


def test_png_and_dicom_say_that_they_are_synthetic(tmp_path: Path) -> None:
    png, dicom = write_synthetic(tmp_path, IMAGE)
    assert (png.name, dicom.name) == ("synthetic-3-00007-lung-dense.png", "synthetic-3-00007-lung-dense.dcm")
    with Image.open(png) as opened:
        assert opened.info["Synthetic"] == "yes"
        assert "not taken of a person" in opened.info["Description"]
        assert opened.info["Class"] == "lung / dense"
        assert SOURCE_TYPE in opened.info["XML:com.adobe.xmp"]
        np.testing.assert_array_equal(np.asarray(opened), IMAGE.pixels)
    header = dcmread(dicom)
    assert header[0x0008001C].value == "YES"  # PS3.6: Synthetic Data
    assert header.PatientID == "SYNTHETIC"
    assert "not taken of a person" in header.ImageComments
    assert header.SeriesDescription == "Synthetic: lung / dense"
    np.testing.assert_array_equal(header.pixel_array, IMAGE.pixels)


def test_both_are_read_as_any_picture(tmp_path: Path) -> None:
    write_synthetic(tmp_path, IMAGE)
    found = [b for s in find_sources(tmp_path, DOMAIN).sources for b in read_source(s, DOMAIN)]
    values = [b.ragged("image")[0] for b in found]  # type: ignore[union-attr]
    assert [v.shape for v in values] == [(27, 21)] * 2


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    written = write_synthetic(tmp_path, IMAGE)
    written[0].unlink()
    with pytest.raises(UsageError, match=r"expected a new file, got synthetic-3-00007-lung-dense\.dcm in"):
        write_synthetic(tmp_path, IMAGE)
    assert not written[0].exists()


def test_the_same_picture_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_synthetic(tmp_path / name, IMAGE) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
