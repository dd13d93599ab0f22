"""Every file of pydicom's own suites: decoded to pydicom's values, or refused with the file and the tag, within 1 s."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import pydicom.pixels  # noqa: F401 - loaded before time is taken
import pytest

from auscult.base.contracts import Source
from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.dicom import DicomReader
from auscult.domains.imaging.readers.dicom_header import open_dicom, quiet
from auscult.domains.imaging.readers.dicom_pixels import layout_of, stored_values

FOLDER = Path(os.environ.get("AUSCULT_DATA", "")) / "imaging" / "dicom_conformance"
FILES = sorted(p for p in FOLDER.rglob("*") if p.is_file()) if os.environ.get("AUSCULT_DATA") else []
pytestmark = pytest.mark.skipif(not FILES, reason="needs AUSCULT_DATA with imaging/dicom_conformance")
TAG = re.compile(r"\([0-9A-F]{4},[0-9A-F]{4}\) \w+")
LIMIT_S = 1.0


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_is_decoded_or_refused(path: Path) -> None:
    """The reference is ``pydicom.pixels.pixel_array`` on the untouched file, read by pydicom alone."""
    begin = time.process_time()
    try:
        parts = list(DicomReader().read(Source("dicom", path.stem, (path,))))
    except ReadError as error:
        parts, told = [], str(error)
        assert told.startswith(f"{path.name}: ")
        assert TAG.search(told) or "expected DICOM ('DICM' at byte 128" in told
    assert time.process_time() - begin < LIMIT_S
    if parts:
        _compare(path)


def _compare(path: Path) -> None:
    from pydicom import dcmread
    from pydicom.pixels import pixel_array

    with quiet():
        ours = open_dicom(path)
        found = stored_values(ours, layout_of(ours, path.name), path.name)
        reference = dcmread(path, force=True)
        if "TransferSyntaxUID" not in getattr(reference, "file_meta", {}):  # pydicom needs to be told how it was read
            reference.file_meta = ours.file_meta
        np.testing.assert_array_equal(found, pixel_array(reference))
