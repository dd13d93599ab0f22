"""From stored values to values with a meaning: Hounsfield units, what a screen shows, or the device's own.

Source: DICOM PS3.3 C.11.1 (modality), C.11.2 (VOI), C.7.6.3.1.2 (photometric interpretation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from auscult.base.arrays import Array
from auscult.base.errors import ReadError
from auscult.domains.imaging.preprocess.window import Shape, windowed
from auscult.domains.imaging.readers.dicom_header import items_of, named, numbers_of, text_of
from auscult.domains.imaging.readers.dicom_pixels import GREY, Layout

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PROJECTION = frozenset(("CR", "DX", "DR", "RG", "MG", "RF", "XA", "IO", "PX"))
"""Modalities of X-ray projections: their values have no unit, and the window of the header says how they are meant."""
_SHAPES = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def home_values(dataset: Dataset, stored: Array, layout: Layout, where: str) -> tuple[Array, str]:
    """Give values their meaning.

    Parameters
    ----------
    dataset : Dataset
        The file.
    stored : (H, W), (D, H, W), or either with a last axis of 3
        What the pixels hold.
    layout : Layout
        What the header says of them.
    where : str
        Name of the file, for messages.

    Returns
    -------
    (…) float32 array, str
        Colour: 0 to 1. X-ray projections: 0 (black) to 1 (white) through the first window of the header. CT: Hounsfield
        units. Others: the values of the device after its rescale. The unit is ``HU`` or ``1``.

    Raises
    ------
    ReadError
        If a table, a slope or a window cannot be used; names the tag.
    """
    if layout.photometric == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        try:
            colour = apply_color_lut(stored, dataset)
        except Exception as error:  # tables of wrong length make pydicom raise errors of any kind
            tag = named("RedPaletteColorLookupTableDescriptor")
            raise ReadError(f"{where}: {tag}: expected a palette, got one that cannot be used") from error
        return _shown(colour, 8 * colour.dtype.itemsize), "1"
    if layout.photometric not in GREY:
        return _shown(stored, layout.bits_stored), "1"
    values = _rescaled(dataset, stored, where)
    modality = text_of(dataset, "Modality")
    if modality in PROJECTION:
        seen = _voi(dataset, values, layout, where)
        return (np.subtract(np.float32(1.0), seen, out=seen) if layout.photometric == "MONOCHROME1" else seen), "1"
    is_hu = modality == "CT" and text_of(dataset, "RescaleType").upper() in ("", "HU") and "RescaleSlope" in dataset
    return values, "HU" if is_hu else "1"


def _shown(values: Array, bits: int) -> Array:
    return np.asarray(values, dtype=np.float32) / np.float32(2**bits - 1)


def _rescaled(dataset: Dataset, stored: Array, where: str) -> Array:
    """Apply the modality table, or slope and intercept."""
    if items_of(dataset, "ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        try:
            return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
        except Exception as error:  # tables of wrong length make pydicom raise errors of any kind
            raise ReadError(
                f"{where}: {named('ModalityLUTSequence')}: expected a table, got one that cannot be used"
            ) from error
    values = np.asarray(stored, dtype=np.float32)
    holder = _transform(dataset)
    slope, intercept = numbers_of(holder, "RescaleSlope"), numbers_of(holder, "RescaleIntercept")
    if not slope and not intercept:
        return values
    if len(slope) != 1 or not np.isfinite(slope[0]) or slope[0] == 0 or not np.isfinite(intercept or (0.0,)).all():
        raise ReadError(f"{where}: {named('RescaleSlope')}: expected a number other than 0, got none; export it again")
    if slope[0] != 1:
        values = values * np.float32(slope[0])
    return values + np.float32(intercept[0]) if intercept and intercept[0] else values


def _transform(dataset: Dataset) -> Dataset:
    """The item that holds slope and intercept: of an enhanced image its shared functional group."""
    for shared in items_of(dataset, "SharedFunctionalGroupsSequence")[:1]:
        for item in items_of(shared, "PixelValueTransformationSequence")[:1]:
            return item
    return dataset


def _voi(dataset: Dataset, values: Array, layout: Layout, where: str) -> Array:
    """Apply the first VOI table or window; without one the whole range of the stored bits."""
    if items_of(dataset, "VOILUTSequence"):
        from pydicom.pixels.processing import apply_voi

        try:
            table = items_of(dataset, "VOILUTSequence")[0]
            bits = int(numbers_of(table, "LUTDescriptor")[2])
            return _shown(apply_voi(np.round(values).astype(np.int64), dataset), bits)
        except Exception as error:  # tables of wrong length make pydicom raise errors of any kind
            raise ReadError(
                f"{where}: {named('VOILUTSequence')}: expected a table, got one that cannot be used"
            ) from error
    centre, width = numbers_of(dataset, "WindowCenter"), numbers_of(dataset, "WindowWidth")
    if centre and width:
        shape = text_of(dataset, "VOILUTFunction").upper() or "LINEAR"
        least = 1.0 if shape == "LINEAR" else 0.0
        if shape not in _SHAPES or width[0] < least or width[0] <= 0:
            raise ReadError(
                f"{where}: {named('WindowWidth')}: expected a width above 0 and a function of {', '.join(_SHAPES)}, "
                f"got {width[0]:g}; export it again"
            )
        return windowed(values, centre[0], width[0], cast("Shape", shape))
    low = -(2 ** (layout.bits_stored - 1)) if layout.signed else 0
    ends = _rescaled(dataset, np.array([low, low + 2**layout.bits_stored - 1], dtype=np.float32), where)
    seen: Array = values - ends.min()
    seen /= np.float32(max(float(np.ptp(ends)), 1e-12))
    return seen
