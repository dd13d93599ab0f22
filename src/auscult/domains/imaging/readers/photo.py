"""Pictures: PNG, JPEG and TIFF, one record a file.

Pillow decodes; sizes are checked before it takes memory. What a camera writes beside the pixels (place, time, owner)
is not read, but for the turn of the picture (EXIF orientation), which is applied.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import MissingExtraError, ReadError
from auscult.domains.imaging.readers.common import Picture, picture_batch
from auscult.domains.imaging.readers.dicom_header import head_of
from auscult.domains.imaging.readers.labels import LABELS, label_of
from auscult.engine.file_kinds import looks_like

NAME = "photo"
KINDS = ("PNG", "JPEG", "TIFF")
MAX_PIXELS = 1 << 28
"""A square of 16,384 pixels: more than any detector or camera has, less than what fills the memory."""
_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


class PhotoReader:
    """Reads pictures.

    Fields: ``image`` (H, W) or, with colour, (H, W, 3), 0 (black) to 1 (white); ``label`` where a ``labels.csv`` lies
    in the folder.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield files that begin as a picture, and those with the ending of one that do not, to report them."""
        tables = {path.parent: path for path in files if path.name == LABELS}
        for path in files:
            if is_picture(path):
                beside = (tables[path.parent],) if path.parent in tables else ()
                yield Source(NAME, path.stem, (path, *beside))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the record of a picture.

        Raises
        ------
        ReadError
            If the file is no picture, is cut off, is larger than is read, or has several pages.
        MissingExtraError
            If Pillow is not installed.
        """
        values = read_picture(source.files[0])
        yield picture_batch(Picture(source.name, values, colour=values.ndim == 3), label=label_of(source))


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture or has the ending of one."""
    return looks_like(head_of(path)) in KINDS or path.suffix.lower() in _ENDINGS


def read_picture(path: Path) -> Array:
    """Decode a picture.

    Returns
    -------
    (H, W) or (H, W, 3) float32 in [0, 1]

    Raises
    ------
    ReadError
        Saying what is wrong with the file.
    MissingExtraError
        If Pillow is not installed.
    """
    kind = looks_like(head_of(path))
    if kind not in KINDS:
        raise ReadError(f"{path.name}: expected a picture ({', '.join(KINDS)}), got {kind}; export the image again")
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingExtraError("reading pictures needs Pillow: pip install 'auscult[imaging]'") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=KINDS) as opened:
                _check(opened, path.name)
                turned = ImageOps.exif_transpose(opened)
                return _values(turned, path.name)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ReadError(
            f"{path.name}: expected a whole {kind}, got one that cannot be decoded ({type(error).__name__}); "
            "the file is cut off or damaged, copy it again"
        ) from error


def _check(opened: object, where: str) -> None:
    width, height = opened.size  # type: ignore[attr-defined]
    if width * height > MAX_PIXELS:
        raise ReadError(f"{where}: expected at most {MAX_PIXELS} pixels, got {width} × {height}; make it smaller")
    if getattr(opened, "n_frames", 1) != 1:
        raise ReadError(f"{where}: expected one picture, got {opened.n_frames} pages; save each alone")  # type: ignore[attr-defined]


def _values(picture: object, where: str) -> Array:
    mode = picture.mode  # type: ignore[attr-defined]
    if mode in ("L", "1"):
        return np.asarray(picture.convert("L"), dtype=np.float32) / np.float32(255)  # type: ignore[attr-defined]
    if mode.startswith("I;16") or mode == "I":
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ReadError(f"{where}: expected grey values of 16 bits, got others; save it in 8 or 16 bits")
        return values.astype(np.float32) / np.float32(65535)
    if mode in ("RGB", "RGBA", "P", "PA", "LA", "CMYK", "YCbCr"):
        return np.asarray(picture.convert("RGB"), dtype=np.float32) / np.float32(255)  # type: ignore[attr-defined]
    raise ReadError(f"{where}: expected grey or colour in 8 or 16 bits, got the mode {mode}; save it so")
