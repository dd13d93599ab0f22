"""Where the slices of a series lie in the patient: sorted, evenly spaced, one orientation, or refused with the tag.

Source: DICOM PS3.3 C.7.6.2 (Image Plane). Coordinates are those of the patient in mm: x to the left, y to the back,
z to the head (LPS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.dicom_header import items_of, named, numbers_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Floats = npt.NDArray[np.float64]
SAME_DIRECTION = 1e-3
"""Largest difference of a direction cosine between the slices of one stack; headers round to four digits and more."""
SAME_PLACE_MM = 1e-3
UNEVEN = 0.02
"""Largest relative deviation of a slice distance from the median one; positions are rounded to a few digits."""


@dataclass(frozen=True, repr=False)
class Plane:
    """Where one slice lies.

    Parameters
    ----------
    position_mm : (3,) float64
        Centre of the first pixel.
    row, column : (3,) float64
        Directions in which the column index and the row index grow.
    spacing_mm : tuple of float
        Distance of rows and of columns.
    """

    position_mm: Floats
    row: Floats
    column: Floats
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, repr=False)
class Stack:
    """Slices in order.

    Parameters
    ----------
    order : tuple of int
        Which slice comes first, second, … along the normal.
    affine : (4, 4) float64
        From indices (slice, row, column) to mm.
    spacing_mm : tuple of float
        Distance of slices, rows and columns.
    copies : tuple of int
        Slices at the place of another one, in no order.
    """

    order: tuple[int, ...]
    affine: Floats
    spacing_mm: tuple[float, float, float]
    copies: tuple[int, ...] = ()


def spacing_of(dataset: Dataset, where: str) -> tuple[float, float] | None:
    """Return the distance of rows and of columns in mm, None where the header has none.

    ``PixelSpacing`` where it is present, else the spacing at the detector of projection images.

    Raises
    ------
    ReadError
        If the spacing is no pair of numbers above 0.
    """
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        found = numbers_of(dataset, keyword)
        if found:
            if len(found) != 2 or not all(np.isfinite(v) and v > 0 for v in found):
                raise ReadError(
                    f"{where}: {named(keyword)}: expected two distances above 0 mm, got "
                    f"{' and '.join(f'{v:g}' for v in found)}; export it again"
                )
            return found[0], found[1]
    return None


def plane_of(dataset: Dataset, where: str) -> Plane:
    """Read where a slice lies.

    Raises
    ------
    ReadError
        Naming the tag: position, orientation or spacing is absent or impossible.
    """
    position, orientation = numbers_of(dataset, "ImagePositionPatient"), numbers_of(dataset, "ImageOrientationPatient")
    spacing = spacing_of(dataset, where)
    for keyword, found, count in (
        ("ImagePositionPatient", position, 3),
        ("ImageOrientationPatient", orientation, 6),
        ("PixelSpacing", spacing or (), 2),
    ):
        if len(found) != count or not np.isfinite(found).all():
            raise ReadError(
                f"{where}: {named(keyword)}: expected {count} numbers, got {len(found)}; "
                "a volume needs to know where its slices lie"
            )
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > 0.01 or abs(float(row @ column)) > 0.01:
        raise ReadError(
            f"{where}: {named('ImageOrientationPatient')}: expected two directions at a right angle and of length 1, "
            "got others; export it again"
        )
    rows_mm, columns_mm = spacing or (0.0, 0.0)
    return Plane(np.array(position), row / lengths[0], column / lengths[1], (rows_mm, columns_mm))


def planes_of_frames(dataset: Dataset, n_frames: int, where: str) -> list[Plane] | None:
    """Read where the frames of an enhanced image lie, None where it has no functional groups with positions."""
    shared = next(iter(items_of(dataset, "SharedFunctionalGroupsSequence")), None)
    each = items_of(dataset, "PerFrameFunctionalGroupsSequence")
    if len(each) != n_frames:
        return None
    planes = []
    for frame in each:
        made = _merged(frame, shared)
        if made is None:
            return None
        planes.append(plane_of(made, where))
    return planes


def _merged(frame: Dataset, shared: Dataset | None) -> Dataset | None:
    """Position, orientation and spacing of a frame as one flat data set, None where one of them is absent."""
    from pydicom.dataset import Dataset as Flat

    flat = Flat()
    for sequence, keywords in (
        ("PlanePositionSequence", ("ImagePositionPatient",)),
        ("PlaneOrientationSequence", ("ImageOrientationPatient",)),
        ("PixelMeasuresSequence", ("PixelSpacing",)),
    ):
        found = items_of(frame, sequence) or ([] if shared is None else items_of(shared, sequence))
        if not found:
            return None
        for keyword in keywords:
            setattr(flat, keyword, found[0].get(keyword))
    return flat


def stacked(planes: Sequence[Plane], where: str) -> Stack:
    """Sort slices along their normal.

    Raises
    ------
    ReadError
        If they have several orientations or spacings, are not one behind the other, or are unevenly far apart.
    """
    first = planes[0]
    for plane in planes[1:]:
        turned = max(np.abs(plane.row - first.row).max(), np.abs(plane.column - first.column).max())
        if turned > SAME_DIRECTION:
            raise ReadError(
                f"{where}: {named('ImageOrientationPatient')}: expected one orientation in the series, got several; "
                "give the localiser and the volume in folders of their own"
            )
        if not np.allclose(plane.spacing_mm, first.spacing_mm, rtol=1e-3):
            raise ReadError(f"{where}: {named('PixelSpacing')}: expected one spacing in the series, got several")
    normal = np.cross(first.row, first.column)
    along = np.array([float(plane.position_mm @ normal) for plane in planes])
    order = np.argsort(along, kind="stable")
    same = np.flatnonzero(np.diff(along[order]) < SAME_PLACE_MM) + 1
    copies, order = order[same], np.delete(order, same)
    if len(order) < 2:
        raise ReadError(f"{where}: {named('ImagePositionPatient')}: expected slices at different places, got one place")
    steps = np.diff(along[order])
    step = float(np.median(steps))
    wrong = np.flatnonzero(np.abs(steps - step) > max(UNEVEN * step, 0.01))
    if len(wrong):
        raise ReadError(
            f"{where}: {named('ImagePositionPatient')}: expected slices every {step:g} mm, got {steps[wrong[0]]:g} mm "
            f"between two of them ({len(wrong)} such gaps in {len(order)} slices); slices are missing, copy them too"
        )
    return Stack(tuple(order.tolist()), _affine(planes, order, normal, where), _spacing(first, step), tuple(copies))


def _spacing(plane: Plane, step: float) -> tuple[float, float, float]:
    return step, plane.spacing_mm[0], plane.spacing_mm[1]


def _affine(planes: Sequence[Plane], order: npt.NDArray[np.int64], normal: Floats, where: str) -> Floats:
    first, last = planes[int(order[0])], planes[int(order[-1])]
    through = (last.position_mm - first.position_mm) / (len(order) - 1)
    aside = float(np.linalg.norm(through - normal * float(through @ normal)))
    if aside > UNEVEN * float(np.linalg.norm(through)) + 0.01:
        raise ReadError(
            f"{where}: {named('ImagePositionPatient')}: expected slices behind each other along their normal, got a "
            "sheared stack (gantry tilt); resample it first"
        )
    affine = np.eye(4)
    affine[:3, 0] = through
    affine[:3, 1] = first.column * first.spacing_mm[0]
    affine[:3, 2] = first.row * first.spacing_mm[1]
    affine[:3, 3] = first.position_mm
    return affine
