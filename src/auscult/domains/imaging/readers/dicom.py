"""DICOM images: one record a file, or a series of CT, MR or PET slices sorted into one volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.common import Picture, picture_batch
from auscult.domains.imaging.readers.dicom_geometry import Stack, plane_of, planes_of_frames, spacing_of, stacked
from auscult.domains.imaging.readers.dicom_header import (
    groups_of,
    head_of,
    is_dicom,
    named,
    open_dicom,
    quiet,
    text_of,
)
from auscult.domains.imaging.readers.dicom_pixels import GREY, Layout, layout_of, stored_values
from auscult.domains.imaging.readers.dicom_values import home_values
from auscult.domains.imaging.readers.labels import LABELS, label_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NAME = "dicom"
SLICED = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.128": "PET",
}
"""Storage classes of one slice a file (PS3.4 B.5); the files of a series are one record."""
WAVEFORMS = b"1.2.840.10008.5.1.4.1.1.9."
DIRECTORY = b"1.2.840.10008.1.3.10"


class DicomReader:
    """Reads DICOM images.

    Fields: ``image`` (H, W), (D, H, W) or with colour last, in Hounsfield units or 0 to 1 (``dicom_values``); of a
    volume also ``affine`` (4, 4) to patient coordinates in mm; ``label`` where a ``labels.csv`` lies in the folder.
    Groups: sex, age band, device model, modality, body part, view.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield DICOM files that are no waveform or directory, slices by series, and ``.dcm`` files that are none."""
        tables = {path.parent: path for path in files if path.name == LABELS}
        series: dict[tuple[Path, str], list[Path]] = defaultdict(list)
        for path in files:
            head = head_of(path)
            beside = (tables[path.parent],) if path.parent in tables else ()
            if not is_dicom(head):
                if path.suffix.lower() == ".dcm":
                    yield Source(NAME, path.stem, (path,))
            elif WAVEFORMS not in head and DIRECTORY not in head:
                uid = _series(path) if any(c.encode() in head for c in SLICED) else ""
                if uid:
                    series[path.parent, uid].append(path)
                else:
                    yield Source(NAME, path.stem, (path, *beside))
        for (folder, _), paths in series.items():
            beside = (tables[folder],) if folder in tables else ()
            yield Source(NAME, paths[0].stem, (*sorted(paths), *beside))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the record of a source.

        Raises
        ------
        ReadError
            Naming file and tag: no DICOM, no image, a header that does not fit its pixels, slices that make no volume.
        MissingExtraError
            If pydicom is not installed.
        """
        paths = [p for p in source.files if p.name != LABELS]
        with quiet():
            found = _volume(source, paths) if len(paths) > 1 else _single(source, paths[0])
        yield from found


def sorted_slices(paths: Sequence[Path]) -> tuple[list[Dataset], list[int]]:
    """Read the files of a volume again, in the order of its slices.

    Parameters
    ----------
    paths : sequence of Path
        One slice a file, or one file with several frames.

    Returns
    -------
    list of Dataset, list of int
        Data sets in the order of the slices; of one file with frames, that file and the frame of each slice.

    Raises
    ------
    ReadError
        If they make no volume.
    """
    datasets = [open_dicom(path) for path in paths]
    where = paths[0].name if len(paths) == 1 else f"series of {paths[0].name}"
    if len(paths) == 1:
        frames = layout_of(datasets[0], where).frames
        planes = planes_of_frames(datasets[0], frames, where)
        if planes is None:
            raise ReadError(f"{where}: expected frames with their place in the patient, got none")
        return datasets, list(stacked(planes, where).order)
    order = stacked([plane_of(d, p.name) for d, p in zip(datasets, paths, strict=True)], where).order
    return [datasets[k] for k in order], list(range(len(order)))


def _series(path: Path) -> str:
    """Series of a slice that can be part of a volume; empty where the header is damaged or has frames of its own.

    Where an anonymiser has emptied the series, slices of one frame of reference in one folder belong together.
    """
    try:
        with quiet():
            header = open_dicom(path, pixels=False)
            if text_of(header, "NumberOfFrames") not in ("", "1"):
                return ""
            return text_of(header, "SeriesInstanceUID") or text_of(header, "FrameOfReferenceUID")
    except ReadError:
        return ""


def _single(source: Source, path: Path) -> list[RecordBatch | SetAside]:
    dataset = open_dicom(path)
    layout = layout_of(dataset, path.name)
    values, unit = home_values(dataset, stored_values(dataset, layout, path.name), layout, path.name)
    spacing: tuple[float, ...] | None = spacing_of(dataset, path.name)
    planes = planes_of_frames(dataset, layout.frames, path.name) if layout.frames > 1 else None
    stack = None
    if planes is not None:
        stack = stacked(planes, path.name)
        values, spacing = values[list(stack.order)], stack.spacing_mm
    elif layout.frames > 1:
        spacing = None
    return [_record(source, dataset, values, unit=unit, spacing=spacing, stack=stack)]


def _volume(source: Source, paths: Sequence[Path]) -> list[RecordBatch | SetAside]:
    """Sort the slices of a series into one volume."""
    where = f"series of {paths[0].name}"
    datasets = [open_dicom(path) for path in paths]
    layouts = [layout_of(d, p.name) for d, p in zip(datasets, paths, strict=True)]
    _require_one(layouts, datasets, where)
    stack = stacked([plane_of(d, p.name) for d, p in zip(datasets, paths, strict=True)], where)
    parts = [
        home_values(d, stored_values(d, layout, p.name), layout, p.name)
        for d, layout, p in zip(datasets, layouts, paths, strict=True)
    ]
    aside: list[RecordBatch | SetAside] = []
    for copy in stack.copies:
        if not any(np.array_equal(parts[copy][0], parts[k][0]) for k in stack.order):
            raise ReadError(
                f"{where}: {named('ImagePositionPatient')}: expected one slice at a place, got two that differ; "
                "give each time point in a folder of its own"
            )
        aside.append(SetAside(source.name, f"{paths[copy].name}: a copy of another slice; left out", note=True))
    values = np.stack([parts[k][0] for k in stack.order])
    return [
        _record(source, datasets[0], values, unit=parts[0][1], spacing=stack.spacing_mm, stack=stack),
        *aside,
    ]


def _require_one(layouts: Sequence[Layout], datasets: Sequence[Dataset], where: str) -> None:
    """Refuse slices of several sizes or modalities."""
    if len({(one.rows, one.columns, one.photometric) for one in layouts}) > 1:
        raise ReadError(f"{where}: {named('Rows')}: expected slices of one size, got several")
    kinds = sorted({text_of(d, "Modality") for d in datasets})
    if len(kinds) > 1:
        raise ReadError(f"{where}: {named('Modality')}: expected one modality, got {' and '.join(kinds)}")


def _record(
    source: Source,
    dataset: Dataset,
    values: Array,
    *,
    unit: str,
    spacing: tuple[float, ...] | None,
    stack: Stack | None,
) -> RecordBatch:
    colour = values.shape[-1:] == (3,) and text_of(dataset, "PhotometricInterpretation") not in GREY
    affine = None if stack is None else stack.affine
    picture = Picture(source.name, values, unit=unit, spacing_mm=spacing, affine=affine, colour=colour)
    subject = text_of(dataset, "PatientID") or None
    return picture_batch(picture, subject=subject, groups=groups_of(dataset), label=label_of(source))
