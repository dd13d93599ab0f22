"""Image sets in .npz: values and roles by hand; bombs, pickles and cut files refused in words."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import RecordBatch, SetAside
from auscult.domains.imaging import DOMAIN
from auscult.engine.sources import find_sources, read_source

IMAGES = np.arange(2 * 9 * 10, dtype=np.uint8).reshape(2, 9, 10)


def read(path: Path) -> list[RecordBatch | SetAside]:
    return [part for s in find_sources(path, DOMAIN).sources for part in read_source(s, DOMAIN)]


def test_roles_and_values(tmp_path: Path) -> None:
    labels = np.array([[1], [0]], dtype=np.uint8)
    np.savez(tmp_path / "set.npz", train_images=IMAGES, train_labels=labels, val_images=IMAGES[:1])
    train, valid = read(tmp_path / "set.npz")
    assert isinstance(train, RecordBatch)
    assert isinstance(valid, RecordBatch)
    assert train.record.tolist() == ["set#train-0", "set#train-1"]
    assert train.groups["split"].tolist() == ["train", "train"]
    assert valid.groups["split"].tolist() == ["valid"]
    assert train.dense("label").tolist() == [1, 0]
    np.testing.assert_allclose(train.dense("image"), IMAGES / 255.0, atol=1e-6)


def test_colour(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((2, 9, 10, 3), dtype=np.uint8))
    (batch,) = read(tmp_path / "set.npz")
    assert isinstance(batch, RecordBatch)
    assert batch.field("image").axes == "HWC"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"other": IMAGES}, "set.npz: expected arrays 'images' or 'train_images', got others"),
        ({"images": IMAGES.astype(np.float32)}, "images.npy: expected 8-bit images (N, H, W)"),
        ({"images": IMAGES[0]}, "images.npy: expected 8-bit images (N, H, W)"),
        ({"images": IMAGES, "labels": np.array([1])}, "labels.npy: expected 2 whole numbers, one an image"),
        ({"images": IMAGES, "labels": np.zeros((2, 14), np.uint8)}, "labels.npy: expected 2 whole numbers"),
        ({"images": np.array([object()])}, "images.npy: expected plain numbers"),
    ],
)
def test_other_arrays_are_refused(arrays: dict[str, Any], words: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    (aside,) = read(tmp_path / "set.npz")
    assert isinstance(aside, SetAside)
    assert words in aside.reason


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A header that promises 100 GB, and one that promises more than is there."""
    for shape in ((100_000, 1000, 1000), (50, 1000, 1000)):
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("images.npy", head.getvalue() + bytes(1 << 20))
        (aside,) = read(tmp_path / "bomb.npz")
        assert isinstance(aside, SetAside)
        assert "expected plain numbers of at most 4096 MiB that the archive holds" in aside.reason


def test_a_cut_archive_and_a_wrong_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=np.random.default_rng(0).integers(0, 255, (9, 50, 50), dtype=np.uint8))
    whole = (tmp_path / "set.npz").read_bytes()
    (tmp_path / "set.npz").write_bytes(whole[: len(whole) // 2])
    (aside,) = read(tmp_path / "set.npz")
    assert isinstance(aside, SetAside)
    assert aside.reason.startswith("set.npz: expected a .npz archive")
    (tmp_path / "set.npz").write_bytes(whole[:200] + b"\xff" * 60 + whole[260:])
    (aside,) = read(tmp_path / "set.npz")
    assert isinstance(aside, SetAside)
    assert "cannot be unpacked" in aside.reason
