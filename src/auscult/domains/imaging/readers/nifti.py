"""NIfTI volumes, and the masks that lie beside them.

A mask has the name of its image and lies in a folder ``labels…`` or ``masks…`` next to the folder of the images, as in
the Medical Segmentation Decathlon (Antonelli et al. 2022, Nat Commun 13:4128). Voxels are (k, j, i) of the file, which
is (D, H, W); coordinates are turned from RAS to LPS.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import MissingExtraError, ReadError
from auscult.domains.imaging.readers.common import Picture, picture_batch
from auscult.domains.imaging.readers.dicom_header import head_of
from auscult.engine.file_kinds import looks_like

NAME = "nifti"
MAX_BYTES = 1 << 30
"""Unpacked voxels of one file at the most."""
HEAD_BYTES = 540
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
MASKS = ("label", "mask")
IMAGES = ("image",)
SAME_AFFINE_MM = 1e-3


class NiftiReader:
    """Reads NIfTI-1 and NIfTI-2, packed or not: one record a volume.

    Fields: ``image`` (D, H, W), ``affine`` (4, 4) to patient coordinates in mm (LPS), and ``mask`` (D, H, W) where one
    lies beside. The header's free text is not read.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield NIfTI files with their masks, and files with the ending of one that are none, to report them."""
        found = [p for p in files if is_nifti(p) or p.name.lower().endswith((".nii", ".nii.gz"))]
        masks = {p: _image_of(p) for p in found if p.parent.name.lower().startswith(MASKS)}
        known = set(found)
        beside: dict[Path, Path] = {}
        for mask, (folder, name) in masks.items():
            home = next((p for p in known if p.name == name and p.parent.parent == folder and p not in masks), None)
            if home is not None:
                beside[home] = mask
        for path in found:
            if path not in beside.values():
                yield Source(NAME, _stem(path), (path, beside[path]) if path in beside else (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the record of a volume.

        Raises
        ------
        ReadError
            If a file is no NIfTI, is cut off, has no affine, several volumes, or a mask that does not lie on its image;
            if of an image and its mask only one is there.
        MissingExtraError
            If nibabel is not installed.
        """
        if len(source.files) == 1:
            _require_partner(source.files[0])
        image, affine = read_volume(source.files[0])
        mask = None
        if len(source.files) > 1:
            mask = _mask(source.files[1], image.shape, affine)
        spacing = tuple(float(v) for v in np.linalg.norm(affine[:3, :3], axis=0))
        yield picture_batch(Picture(source.name, image, spacing_mm=spacing, affine=affine), mask=mask)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _require_partner(path: Path) -> None:
    """Refuse a mask without its image, and an image without its mask where its folder has a folder of masks."""
    folder = path.parent.name.lower()
    if folder.startswith(MASKS):
        raise ReadError(f"{path.name}: expected the image of this mask in a folder beside, got none; copy it too")
    if folder.startswith(IMAGES):
        ending = folder.removeprefix("images").removeprefix("image")
        wanted = {f"{name}{plural}{ending}" for name in MASKS for plural in ("", "s")}
        if any(p.is_dir() and p.name.lower() in wanted for p in path.parent.parent.iterdir()):
            raise ReadError(
                f"{path.name}: expected its mask in the folder of masks beside, as others have one, got none; add it, "
                "or put the image into a folder of its own to have it answered"
            )


def _image_of(mask: Path) -> tuple[Path, str]:
    """Folder above and file name of the image that a mask belongs to."""
    return mask.parent.parent, mask.name


def is_nifti(path: Path) -> bool:
    """Whether a file begins as NIfTI-1 or NIfTI-2, packed or not."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                head = packed.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return False
    size = struct.unpack("<i", head[:4])[0] if len(head) >= 348 else 0
    return size in (348, 540, 0x5C010000, 0x1C020000) and (head[344:347] in (b"n+1", b"ni1") or head[4:7] == b"n+2")


def read_volume(path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Read one volume.

    Returns
    -------
    tuple of (D, H, W) float32 and (4, 4) float64
        Scaled values, and from (d, h, w) to patient coordinates in mm (LPS).

    Raises
    ------
    ReadError
        Saying what is wrong with the file.
    MissingExtraError
        If nibabel is not installed.
    """
    with ExitStack() as held:
        return _read(_open(path, held), path)


def read_header(path: Path) -> Any:
    """Return nibabel's header of a file.

    Raises
    ------
    ReadError
        If the file is no NIfTI or its header cannot be read.
    MissingExtraError
        If nibabel is not installed.
    """
    with ExitStack() as held:
        return _open(path, held).header


def _read(opened: Any, path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Check the header, then read the voxels."""
    header = opened.header
    shape = tuple(int(n) for n in header.get_data_shape())
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        raise ReadError(
            f"{path.name}: dim: expected one volume with three axes, got shape {shape}; save each volume alone"
        )
    if int(np.prod(shape, dtype=object)) * max(4, header.get_data_dtype().itemsize) > MAX_BYTES:
        raise ReadError(f"{path.name}: dim: expected at most {MAX_BYTES >> 20} MiB of voxels, got shape {shape}")
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise ReadError(
            f"{path.name}: sform_code, qform_code: expected an affine, got none; "
            "without one nobody knows left from right, save it again with its geometry"
        )
    affine = np.asarray(opened.affine, dtype=np.float64)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or (spacing <= 1e-6).any():
        raise ReadError(f"{path.name}: affine: expected distances above 0 mm, got others; save it again")
    values = _values(opened, path).reshape(shape)
    turned = RAS_TO_LPS @ affine[:, [2, 1, 0, 3]]
    return np.ascontiguousarray(values.transpose(2, 1, 0), dtype=np.float32), turned


def _open(path: Path, held: ExitStack) -> Any:
    if not is_nifti(path):
        raise ReadError(
            f"{path.name}: expected NIfTI (.nii or .nii.gz), got {looks_like(head_of(path))}; export it again"
        )
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtraError("reading NIfTI needs nibabel: pip install 'auscult[imaging]'") from error
    try:
        return _load(nibabel, path, held)
    except Exception as error:  # damaged headers make nibabel raise errors of any kind
        raise ReadError(
            f"{path.name}: expected a NIfTI header, got one that cannot be read ({type(error).__name__}); copy it again"
        ) from error


def _load(nibabel: Any, path: Path, held: ExitStack) -> Any:
    """Open by content: nibabel itself goes by the ending."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    opener = gzip.open if packed else open
    with opener(path, "rb") as stream:
        kind = nibabel.Nifti2Image if stream.read(HEAD_BYTES)[4:7] == b"n+2" else nibabel.Nifti1Image
    holder = nibabel.FileHolder(filename=str(path), fileobj=held.enter_context(opener(path, "rb")))
    return kind.from_file_map({"header": holder, "image": holder})


def _values(opened: Any, path: Path) -> Array:
    try:
        return np.asarray(opened.dataobj)
    except Exception as error:  # a stream that is cut off makes gzip and nibabel raise errors of any kind
        raise ReadError(
            f"{path.name}: expected voxels of shape {opened.shape}, got fewer or damaged ones "
            f"({type(error).__name__}); the file is cut off, copy it again"
        ) from error


def _mask(path: Path, shape: tuple[int, ...], affine: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    values, own = read_volume(path)
    if values.shape != shape or not np.allclose(own, affine, atol=SAME_AFFINE_MM):
        raise ReadError(
            f"{path.name}: expected a mask on the grid of its image {shape}, got {values.shape} or another affine"
        )
    if not np.array_equal(values, np.round(values)) or values.min() < 0 or values.max() > 255:
        raise ReadError(f"{path.name}: expected whole numbers from 0 to 255 as labels, got others")
    return values.astype(np.uint8)
