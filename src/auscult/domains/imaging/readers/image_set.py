"""Image sets in one ``.npz`` file: ``<role>_images`` and ``<role>_labels`` for the roles train, val and test.

The layout is that of MedMNIST v2 (Yang et al. 2023, Sci Data 10:41). A file with ``images`` alone, or ``images`` and
``labels``, is a set without roles. Sizes are read from the headers before anything is unpacked; nothing is unpickled.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Field, RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.common import COLOURS

NAME = "image-set"
ROLES = {"train": "train", "val": "valid", "test": "test", "": ""}
"""Role in the file to role of a split."""
MAX_BYTES = 4 << 30
"""Unpacked images of one role at the most: 62,000 images of 256 × 256 grey pixels."""
BATCH = 512


@dataclass(frozen=True)
class _Member:
    """What the header of one array says."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def n_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


class ImageSetReader:
    """Reads image sets: one record an image.

    Fields: ``image`` (H, W) or (H, W, 3), 0 to 1; ``label`` as a number where the file has labels. Group: ``split``
    (train, valid, test) where the file has roles. The set names no subjects.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield zip archives with an array of images, and ``.npz`` files that are none, to report them."""
        for path in files:
            if path.suffix.lower() == ".npz" or any(n.endswith("images.npy") for n in _names(path)):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the images in batches.

        Raises
        ------
        ReadError
            If the file is no archive of arrays, promises more than is read, or images and labels do not fit.
        """
        path = source.files[0]
        names = _names(path)
        if not names:
            raise ReadError(f"{path.name}: expected a .npz archive, got another file; save it with numpy.savez")
        present = [role for role in ROLES if _key(role, "images") in names]
        if not present:
            raise ReadError(f"{path.name}: expected arrays 'images' or 'train_images', got others")
        for role in present:
            yield from _role(source, role, names)


def _key(role: str, what: str) -> str:
    return f"{role}_{what}.npy" if role else f"{what}.npy"


def _names(path: Path) -> list[str]:
    """Names of the members of a zip archive; none where the file is no archive or is damaged."""
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":
                return []
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return []


def _role(source: Source, role: str, names: Sequence[str]) -> Iterator[RecordBatch]:
    path = source.files[0]
    images = _read(path, _key(role, "images"), most=MAX_BYTES)
    colour = images.ndim == 4 and images.shape[-1] == 3
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and not colour) or not images.size:
        raise ReadError(
            f"{path.name}, {_key(role, 'images')}: expected 8-bit images (N, H, W) or (N, H, W, 3), got "
            f"{images.dtype} {images.shape}"
        )
    labels = _labels(path, role, len(images)) if _key(role, "labels") in names else None
    field = Field("image", "array", "HWC" if colour else "HW", unit="1", channels=COLOURS if colour else ())
    for start in range(0, len(images), BATCH):
        rows = slice(start, min(start + BATCH, len(images)))
        columns: dict[Field, Column] = {field: images[rows].astype(np.float32) / np.float32(255)}
        if labels is not None:
            columns[Field("label", "category")] = labels[rows]
        prefix = f"{source.name}#{role}-" if role else f"{source.name}#"
        record = np.array([f"{prefix}{k}" for k in range(rows.start, rows.stop)])
        groups = {"split": np.full(len(record), ROLES[role])} if role else {}
        yield RecordBatch(tuple(columns), {f.name: c for f, c in columns.items()}, record, None, groups)


def _labels(path: Path, role: str, count: int) -> Array:
    labels = _read(path, _key(role, "labels"), most=1 << 28)
    if labels.dtype.kind not in "iu" or labels.shape not in ((count,), (count, 1)):
        raise ReadError(
            f"{path.name}, {_key(role, 'labels')}: expected {count} whole numbers, one an image, got "
            f"{labels.dtype} {labels.shape}"
        )
    return labels.reshape(-1).astype(np.int64)


def _read(path: Path, name: str, *, most: int) -> Array:
    """Read one array whose size is known to be allowed.

    Raises
    ------
    ReadError
        If the header is none, promises more than allowed or other than the archive holds, or holds Python objects.
    """
    where = f"{path.name}, {name}"
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
            member = _header(stream, name)
            size = archive.getinfo(name).file_size
            if member.dtype.hasobject or member.n_bytes > most or member.n_bytes > size:
                raise ReadError(
                    f"{where}: expected plain numbers of at most {most >> 20} MiB that the archive holds, got "
                    f"{member.dtype} {member.shape} in {size} bytes"
                )
        with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
            return np.asarray(npy.read_array(stream, allow_pickle=False))
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ReadError(
            f"{where}: expected an array in NumPy's format, got one that cannot be unpacked ({type(error).__name__}); "
            "the file is cut off or damaged, copy it again"
        ) from error


def _header(stream: object, name: str) -> _Member:
    version = npy.read_magic(stream)  # type: ignore[arg-type]
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)  # type: ignore[arg-type]
    return _Member(name, shape, dtype)
