"""NIfTI: values, geometry and masks by hand; every kind of bad file refused in words."""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.domains.imaging import DOMAIN
from auscult.domains.imaging.simulate.brain import write_nifti
from auscult.engine.sources import find_sources, read_source

VOLUME = np.arange(24, dtype=np.int16).reshape(2, 3, 4)  # (D, H, W)


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


def test_voxels_and_their_place(tmp_path: Path) -> None:
    """A file in RAS with voxels of 2, 3, 4 mm along i, j, k: voxel (i, j, k) lies at LPS (-2 i, -3 j, 4 k)."""
    image = nibabel.Nifti1Image(VOLUME.transpose(2, 1, 0), np.diag([2.0, 3.0, 4.0, 1.0]))
    image.set_sform(image.affine, code=1)
    nibabel.save(image, tmp_path / "a.nii.gz")
    batch = one(tmp_path)
    np.testing.assert_array_equal(batch.ragged("image")[0], VOLUME)
    assert batch.field("image").spacing_mm == (4.0, 3.0, 2.0)
    np.testing.assert_allclose(batch.dense("affine")[0] @ [1, 2, 3, 1], [-6, -6, 4, 1])


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOLUME.transpose(2, 1, 0), np.eye(4))
    image.header.set_slope_inter(2.0, -10.0)
    image.set_sform(np.eye(4), code=1)
    nibabel.save(image, tmp_path / "a.nii")
    raw = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj)  # the reference is nibabel itself
    np.testing.assert_allclose(one(tmp_path).ragged("image")[0], raw.transpose(2, 1, 0))


def test_a_mask_lies_beside(tmp_path: Path) -> None:
    write_nifti(tmp_path / "images" / "a.nii.gz", VOLUME)
    write_nifti(tmp_path / "labels" / "a.nii.gz", (VOLUME > 11).astype(np.uint8))
    batch = one(tmp_path)
    np.testing.assert_array_equal(batch.ragged("mask")[0], VOLUME > 11)


def test_a_mask_on_another_grid(tmp_path: Path) -> None:
    write_nifti(tmp_path / "images" / "a.nii.gz", VOLUME)
    write_nifti(tmp_path / "labels" / "a.nii.gz", VOLUME.astype(np.uint8), spacing_mm=2.0)
    assert "a.nii.gz: expected a mask on the grid of its image (2, 3, 4)" in reason(tmp_path)


def _written(path: Path, change: Callable[[bytearray], None]) -> None:
    """Write a good file and change its bytes; offsets are those of nifti1.h."""
    write_nifti(path.with_name("good.nii"), VOLUME)
    data = bytearray(path.with_name("good.nii").read_bytes())
    path.with_name("good.nii").unlink()
    change(data)
    path.write_bytes(bytes(data))


def _no_affine(data: bytearray) -> None:
    data[252:256] = bytes(4)  # qform_code, sform_code


def _bomb(data: bytearray) -> None:
    data[40:56] = struct.pack("<8h", 3, 20000, 20000, 20000, 1, 1, 1, 1)


def _series(data: bytearray) -> None:
    data[40:56] = struct.pack("<8h", 4, 2, 3, 2, 2, 1, 1, 1)


def _flat(data: bytearray) -> None:
    data[280:296] = bytes(16)  # srow_x


def _cut(data: bytearray) -> None:
    del data[-10:]


def _kind(data: bytearray) -> None:
    data[70:72] = struct.pack("<h", 9999)  # datatype


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_no_affine, r"sform_code, qform_code: expected an affine, got none; without one nobody knows left from right"),
        (_bomb, r"dim: expected at most 1024 MiB of voxels, got shape \(20000, 20000, 20000\)"),
        (_series, r"dim: expected one volume with three axes, got shape \(2, 3, 2, 2\)"),
        (_flat, r"affine: expected distances above 0 mm, got others"),
        (_cut, r"expected voxels of shape \(4, 3, 2\), got fewer or damaged ones .* cut off"),
        (_kind, r"expected a NIfTI header, got one that cannot be read"),
    ],
)
def test_a_bad_file_is_refused(change: Any, words: str, tmp_path: Path) -> None:
    _written(tmp_path / "bad.nii", change)
    found = reason(tmp_path)
    assert found.startswith("bad.nii: ")
    assert re.search(words, found), found


def test_a_packed_bomb_takes_no_memory(tmp_path: Path) -> None:
    """A header of 8 TB of voxels before a stream of zeros."""
    path = tmp_path / "bomb.nii"
    _written(path, _bomb)
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(path.read_bytes() + bytes(1 << 20)))
    path.unlink()
    assert "bomb.nii.gz: dim: expected at most 1024 MiB of voxels" in reason(tmp_path)


def test_another_format_under_the_ending(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"\xff\xd8\xff\xe0 a photograph")
    assert "a.nii.gz: expected NIfTI (.nii or .nii.gz), got " in reason(tmp_path)


def test_an_image_or_a_mask_without_the_other_is_set_aside(tmp_path: Path) -> None:
    volume = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    for folder, names in {"images": ("a", "b"), "labels": ("b", "c")}.items():
        for name in names:
            (tmp_path / folder).mkdir(exist_ok=True)
            write_nifti(
                tmp_path / folder / f"{name}.nii.gz", (volume > 30).astype(np.uint8) if folder == "labels" else volume
            )
    read_parts = read(tmp_path)
    assert [p.record.tolist() for p in read_parts if isinstance(p, RecordBatch)] == [["images/b"]]
    reasons = sorted(p.reason for p in read_parts if isinstance(p, SetAside))
    assert re.match(r"a\.nii\.gz: expected its mask in the folder of masks beside, as others have one", reasons[0])
    assert re.match(r"c\.nii\.gz: expected the image of this mask in a folder beside, got none", reasons[1])
