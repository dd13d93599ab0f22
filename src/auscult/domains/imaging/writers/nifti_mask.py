"""A mask as NIfTI beside its image: the same grid, the same affine, bit by bit; the header's free text is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auscult.base.arrays import Array
from auscult.base.errors import MissingExtraError, ShapeError
from auscult.base.files import write_bytes
from auscult.domains.imaging.readers.nifti import read_header

FREE_TEXT = ("descrip", "aux_file", "intent_name", "db_name")


def write_nifti_mask(path: Path, mask: Array, image: Path, *, told: str) -> None:
    """Write a mask on the grid of a NIfTI image.

    Parameters
    ----------
    path : Path
        The new file, ``.nii.gz``.
    mask : (D, H, W) uint8
        A label for each voxel, as ``readers.nifti`` orders them: (k, j, i) of the file.
    image : Path
        The image that it belongs to; its affine matrices, their codes and its units are kept as they are.
    told : str
        What the header says in its description, at most 79 characters.

    Raises
    ------
    ShapeError
        If the mask does not lie on the grid of the image.
    ReadError
        If the image cannot be read.
    MissingExtraError
        If nibabel is not installed.
    """
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtraError("writing NIfTI needs nibabel: pip install 'auscult[imaging]'") from error
    header = read_header(image).copy()
    shape = tuple(int(n) for n in header.get_data_shape()[:3])
    values = np.ascontiguousarray(mask.transpose(2, 1, 0), dtype=np.uint8)
    if values.shape != shape:
        raise ShapeError(f"mask: expected the grid {shape} of {image.name}, got {values.shape}")
    for name in FREE_TEXT:
        if name in header:
            header[name] = b""
    header.extensions.clear()
    header.set_data_dtype(np.uint8)
    header.set_slope_inter(1.0, 0.0)
    header["cal_min"] = header["cal_max"] = 0
    header["descrip"] = told.encode("ascii", "replace")[:79]
    made = type_of(nibabel, header)(values, None, header)  # without an affine the header's own fields stay
    write_bytes(path, _packed(made.to_bytes()))


def type_of(nibabel: object, header: object) -> type:
    """Return the class of image that a header belongs to."""
    second = int(header["sizeof_hdr"]) == 540  # type: ignore[index]
    found: type = getattr(nibabel, "Nifti2Image" if second else "Nifti1Image")
    return found


def _packed(data: bytes) -> bytes:
    """Compress without the time, so that the same mask is the same file."""
    import gzip

    return gzip.compress(data, 6, mtime=0)
