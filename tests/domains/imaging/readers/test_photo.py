"""Pictures: grey, colour, 16 bit and turned; what is cut, animated or too large is refused in words."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.photo import read_picture

GREY = np.arange(80, dtype=np.uint8).reshape(8, 10) * 3


def test_grey_colour_and_16_bit(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_picture(tmp_path / "a.png"), GREY / 255.0, atol=1e-6)
    Image.fromarray(np.stack([GREY] * 3, axis=-1)).save(tmp_path / "b.tif")
    assert read_picture(tmp_path / "b.tif").shape == (8, 10, 3)
    Image.fromarray(GREY.astype(np.uint16) * 200).save(tmp_path / "c.png")
    np.testing.assert_allclose(read_picture(tmp_path / "c.png"), GREY * 200.0 / 65535, atol=1e-6)


def test_a_turned_jpeg_is_turned_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise (EXIF 2.3, orientation)
    Image.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif, quality=100)
    assert read_picture(tmp_path / "a.jpg").shape == (10, 8)


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def test_bad_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_png(40000, 40000))
    with pytest.raises(ReadError, match=r"a\.png: expected (at most|a whole PNG)"):
        read_picture(path)
    path.write_bytes(_png(30, 30))
    with pytest.raises(ReadError, match=r"a\.png: expected a whole PNG, got one that cannot be decoded"):
        read_picture(path)
    path.write_bytes(b"hello")
    with pytest.raises(ReadError, match=r"a\.png: expected a picture \(PNG, JPEG, TIFF\), got text"):
        read_picture(path)
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ReadError, match=r"b\.tif: expected one picture, got 2 pages"):
        read_picture(tmp_path / "b.tif")
