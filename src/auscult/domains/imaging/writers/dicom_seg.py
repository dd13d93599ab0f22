"""A mask as a DICOM segmentation (PS3.3 C.8.20) of the series that it was found in, slice by slice; by highdicom."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.errors import MissingExtraError, ReadError, ShapeError
from auscult.base.files import write_bytes
from auscult.domains.imaging.readers.dicom import sorted_slices
from auscult.domains.imaging.readers.dicom_header import quiet
from auscult.domains.imaging.writers.mask import Code, SegmentNames

SCHEME = "99AUSCULT"
"""Coding scheme of labels that the recipe gives no code; those that begin with 99 are private (PS3.16 8.2)."""
ANATOMY = ("123037004", "SCT", "Anatomical Structure")
"""Category of a segment (PS3.16 CID 7150)."""
MANUFACTURER = "Auscult"
SERIES_NUMBER = 9001


def write_dicom_seg(
    path: Path, mask: Array, images: Sequence[Path], *, names: SegmentNames, about: Mapping[str, Any]
) -> None:
    """Write a mask as a DICOM segmentation that refers to its images.

    Parameters
    ----------
    path : Path
        The new file.
    mask : (D, H, W) uint8
        A label for each voxel, slices in the order of ``readers.dicom``.
    images : sequence of Path
        The files of the series, or one file with all frames. Patient and study are theirs, as a segmentation belongs to
        the study that it was made in.
    names : SegmentNames
        What the labels are.
    about : mapping
        Name, version and content hash of the release that answered.

    Raises
    ------
    ReadError
        If the images lack what a segmentation must repeat of them, such as the frame of reference.
    ShapeError
        If the mask does not lie on the images.
    MissingExtraError
        If highdicom is not installed.
    """
    try:
        import highdicom as hd
    except ImportError as error:
        raise MissingExtraError(
            "writing DICOM segmentations needs highdicom: pip install 'auscult[imaging]'"
        ) from error
    with quiet():
        datasets, order = sorted_slices(images)
    values = np.asarray(mask, dtype=np.uint8)
    first = datasets[0]
    shape = (len(order), int(first.Rows), int(first.Columns))
    if values.shape != shape:
        raise ShapeError(f"mask: expected shape {shape} as its images, got {values.shape}")
    if len(datasets) == 1:
        values = values[np.argsort(order)]  # back to the order of the frames in the file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # highdicom's remarks on source images may quote them
        try:
            made = hd.seg.Segmentation(
                source_images=datasets,
                pixel_array=values,
                segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=_described(names, about),
                series_instance_uid=hd.UID(),
                series_number=SERIES_NUMBER,
                sop_instance_uid=hd.UID(),
                instance_number=1,
                manufacturer=MANUFACTURER,
                manufacturer_model_name=str(about["name"])[:64],
                software_versions=str(about["version"])[:64],
                device_serial_number=str(about["content_hash"])[:16],
                content_label="MASK",
                content_description="Made by software, not reviewed",
                series_description=f"Mask by {about['name']} {about['version']}"[:64],
                omit_empty_frames=bool(values.any()),
            )
        except (AttributeError, ValueError, KeyError, TypeError) as error:
            raise ReadError(
                f"{images[0].name}: expected images that a segmentation can refer to (study, series, frame of "
                f"reference, position), got some that lack a part of it ({type(error).__name__}); export them again"
            ) from error
    data = BytesIO()
    made.save_as(data, enforce_file_format=True)
    write_bytes(path, data.getvalue())


def _described(names: SegmentNames, about: Mapping[str, Any]) -> list[Any]:
    """Segment descriptions of the labels, each said to be made by this release."""
    import highdicom as hd
    from pydicom.sr.coding import Code as Coded

    by = hd.AlgorithmIdentificationSequence(
        name=str(about["name"])[:64],
        family=Coded("123109", "DCM", "Artificial Intelligence"),
        version=str(about["version"])[:64],
    )
    return [
        hd.seg.SegmentDescription(
            segment_number=k,
            segment_label=label[:64],
            segmented_property_category=Coded(*ANATOMY),
            segmented_property_type=Coded(*names.codes.get(label, _private(label))),
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=by,
        )
        for k, label in enumerate(names.labels, start=1)
    ]


def _private(label: str) -> Code:
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-").upper()[:16] or "LABEL", SCHEME, label[:64]
