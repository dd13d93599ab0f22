"""What every image reader gives: a picture with its geometry, as a batch of one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Column, Ragged, all_finite
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError

COLOURS = ("R", "G", "B")


@dataclass(frozen=True, repr=False)
class Picture:
    """One image or volume.

    Parameters
    ----------
    name : str
        Name of the record.
    values : (H, W), (H, W, 3), (D, H, W) or (D, H, W, 3) array
        Colour is the last axis of length 3 where the picture has one.
    unit : str
        ``HU``, or ``1``.
    spacing_mm : tuple of float, optional
        Distance of neighbours along the space axes.
    affine : (4, 4) float64, optional
        From voxel indices to patient coordinates in mm (LPS).
    colour : bool
        Whether the last axis is colour.
    """

    name: str
    values: Array
    unit: str = "1"
    spacing_mm: tuple[float, ...] | None = None
    affine: npt.NDArray[np.float64] | None = None
    colour: bool = False

    @property
    def axes(self) -> str:
        """Letters of the axes."""
        space = "DHW"[-(self.values.ndim - self.colour) :]
        return f"{space}C" if self.colour else space


def picture_batch(
    picture: Picture,
    *,
    subject: str | None = None,
    groups: Mapping[str, str] | None = None,
    label: str | None = None,
    mask: Array | None = None,
) -> RecordBatch:
    """Make the batch of one picture.

    Parameters
    ----------
    picture : Picture
        The image.
    subject : str, optional
        Whose it is.
    groups : mapping of str to str
        Group keys.
    label : str, optional
        Its class by name; an empty one is unknown.
    mask : (H, W) or (D, H, W) array, optional
        A label for every pixel.

    Raises
    ------
    ReadError
        If a value is not finite.
    """
    values = np.asarray(picture.values, dtype=np.float32)
    if not all_finite(values):
        n_bad = int(np.count_nonzero(~np.isfinite(values)))
        raise ReadError(f"{picture.name}: image: expected finite values, got {n_bad} of {values.size} that are not")
    axes = picture.axes
    n_ragged = len(axes) - picture.colour
    field = Field(
        "image", "array", axes, unit=picture.unit, spacing_mm=picture.spacing_mm,
        channels=COLOURS if picture.colour else (), ragged=True,
    )  # fmt: skip
    columns: dict[Field, Column] = {field: Ragged.of([values], ragged_axes=n_ragged)}
    if picture.affine is not None:
        columns[Field("affine", "array", "LC", unit="mm")] = np.asarray(picture.affine, dtype=np.float64)[None]
    if label is not None:
        columns[Field("label", "text", missing=True)] = np.array([label])
    if mask is not None:
        columns[Field("mask", "array", axes[:n_ragged], ragged=True)] = Ragged.of([mask], ragged_axes=n_ragged)
    return RecordBatch(
        tuple(columns),
        {f.name: c for f, c in columns.items()},
        np.array([picture.name]),
        None if subject is None else np.array([subject]),
        {key: np.array([value]) for key, value in (groups or {}).items()},
    )
