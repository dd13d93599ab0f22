"""A mask as a file of the kind that its image came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from auscult.base.arrays import Array
from auscult.base.contracts import WriteContext

Code = tuple[str, str, str]
PICTURES = frozenset((".csv",))


@dataclass(frozen=True)
class SegmentNames:
    """What the labels of a mask are.

    Parameters
    ----------
    labels : tuple of str
        Names of the labels 1, 2, … in order.
    codes : mapping of str to (value, scheme, meaning)
        Code of a label, such as ``("10200004", "SCT", "Liver")``; a label without one has a private code.
    """

    labels: tuple[str, ...]
    codes: Mapping[str, Code] = field(default_factory=dict)


def write_mask(out: Path, mask: Array, record: str, *, names: SegmentNames, context: WriteContext) -> Path:
    """Write one mask into a folder: ``<record>.seg.dcm`` of DICOM, ``<record>.mask.nii.gz`` of NIfTI.

    Parameters
    ----------
    out : Path
        The folder; a record that lay in a folder below the input is written to a folder of that name.
    mask : (D, H, W) uint8
        A label for each voxel of the input.
    record : str
        Name of the record.
    names : SegmentNames
        What the labels are.
    context : WriteContext
        Where the image came from, and which release answers.

    Raises
    ------
    UsageError
        If the file is there already.
    ReadError
        If the images lack what a segmentation must say of them.
    """
    images = [p for p in context.source.files if p.suffix.lower() not in PICTURES]
    if context.source.reader == "dicom":
        from auscult.domains.imaging.writers.dicom_seg import write_dicom_seg

        path = context.fresh(out, f"{record}.seg.dcm")
        write_dicom_seg(path, mask, images, names=names, about=context.about)
        return path
    from auscult.domains.imaging.writers.nifti_mask import write_nifti_mask

    path = context.fresh(out, f"{record}.mask.nii.gz")
    write_nifti_mask(path, mask, images[0], told=f"{context.about['name']} {context.about['version']}: not reviewed")
    return path
