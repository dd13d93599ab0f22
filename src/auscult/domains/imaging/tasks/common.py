"""What the tasks on images share: which records they take, and how an image is brought to a square grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Column, Ragged, require_finite
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.imaging.preprocess.grid import centre_square, padded_square, resized
from auscult.domains.imaging.preprocess.likeness import LUMINANCE

Fit = Literal["crop", "pad"]
MIN_CONTRAST = 1e-3


def image_axes(batch: RecordBatch, *, wanted: Sequence[str], modalities: Sequence[str], what: str) -> str:
    """Return the axes of the images after checking that they are of the kind that a task answers.

    Raises
    ------
    ReadError
        If there is no image, it has other axes, or a header names another modality.
    """
    if not batch.has("image"):
        raise ReadError(f"expected {what}, got {', '.join(batch.columns) or 'nothing'}; this release answers images")
    axes = batch.field("image").axes
    if axes not in wanted:
        raise ReadError(f"image: expected {what} with axes {' or '.join(wanted)}, got {axes}; give another export")
    stated = batch.groups.get("modality")
    if stated is not None and modalities:
        odd = sorted({str(m) for m in stated} - {*modalities, "unknown"})
        if odd:
            raise ReadError(f"image: expected {what} ({', '.join(modalities)}), got the modality {odd[0]}")
    return axes


def rows_of(column: Column) -> list[Array]:
    """Images of a dense or ragged column, one after the other."""
    return list(column) if isinstance(column, Ragged) else list(np.asarray(column))


def square_grey(image: Array, side: int, fit: Fit) -> npt.NDArray[np.float32]:
    """Bring a picture (H, W) or (H, W, 3) to grey on a square grid, (side, side).

    Raises
    ------
    ReadError
        If it is smaller than 8 pixels, or shows nothing.
    ShapeError
        If a value is not finite.
    """
    values = np.asarray(image, dtype=np.float32)
    require_finite(values, "image")
    if min(values.shape[:2]) < 8:
        raise ReadError(f"image: expected at least 8 pixels along each side, got {values.shape[:2]}; export it larger")
    grey = values @ LUMINANCE if values.ndim == 3 else values
    if float(np.ptp(grey)) < MIN_CONTRAST:
        raise ReadError("image: expected a picture, got one value everywhere; the image is blank")
    return resized(centre_square(grey) if fit == "crop" else padded_square(grey), (side, side))


def labelled_squares(
    batch: RecordBatch, *, labels: Sequence[str], side: int, fit: Fit, modalities: Sequence[str]
) -> RecordBatch:
    """Bring pictures to one grid, and labels to numbers; a record without a label has -1.

    Raises
    ------
    ReadError
        If there is no picture, it is of another kind or blank, or a label is unknown.
    ShapeError
        If a value is not finite.
    """
    image_axes(batch, wanted=("HW", "HWC"), modalities=modalities, what="a picture")
    image = np.stack([square_grey(row, side, fit) for row in rows_of(batch.columns["image"])])
    made: dict[Field, Column] = {Field("image", "array", "HW", unit="1"): image}
    codes = class_codes(batch, labels)
    made[Field("label", "category")] = np.full(len(batch), -1, dtype=np.int64) if codes is None else codes
    drop = [f.name for f in batch.fields if f.name not in ("image", "label")]
    return batch.with_columns(made, drop=drop)


def class_codes(batch: RecordBatch, labels: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Return class numbers of labelled records, -1 where unknown; nothing where the records carry no label.

    Raises
    ------
    ReadError
        If a label is none of the task's.
    """
    if not batch.has("label"):
        return None
    column = batch.dense("label")
    if column.dtype.kind in "iu":
        if column.min(initial=0) < -1 or column.max(initial=0) >= len(labels):
            raise ReadError(
                f"label: expected numbers from 0 to {len(labels) - 1} for {', '.join(labels)}, got others; "
                "name every class in [task] labels"
            )
        return np.asarray(column, dtype=np.int64)
    known = {name.casefold(): k for k, name in enumerate(labels)}
    codes = np.array([-1 if not str(t) else known.get(str(t).casefold(), -2) for t in column], dtype=np.int64)
    if (codes == -2).any():
        raise ReadError(f"label: expected one of {', '.join(labels)}, got another; name every class in [task] labels")
    return codes
