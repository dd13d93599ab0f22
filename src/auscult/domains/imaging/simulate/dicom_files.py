"""Simulated X-ray exports as DICOM files, in the ways that two makers write them.

Every file says in its header that it is simulated, its identifiers and its people are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

ROOT = "2.25."
"""Root of identifiers that are made from numbers (ITU-T X.667)."""
CR_STORAGE, DX_STORAGE = UID("1.2.840.10008.5.1.4.1.1.1"), UID("1.2.840.10008.5.1.4.1.1.1.1")
CT_STORAGE = UID("1.2.840.10008.5.1.4.1.1.2")
AIR_HU = -1024


@dataclass(frozen=True)
class Header:
    """What a simulated header says.

    Parameters
    ----------
    person : int
        Number of the simulated person.
    sex, age : str
        As DICOM writes them.
    maker : int
        0 writes CR with MONOCHROME1, 1 writes DX with MONOCHROME2.
    spacing_mm : float
        Distance of pixels.
    """

    person: int
    sex: str
    age: str
    maker: int
    spacing_mm: float


def write_xray(path: Path, values: npt.NDArray[np.uint16], header: Header, *, bits: int = 12) -> None:
    """Write one projection image.

    Parameters
    ----------
    path : Path
        The file.
    values : (H, W) uint16
        Detector values; high where the body is dense.
    header : Header
        What else is said.
    bits : int
        Stored bits.
    """
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    inverse = header.maker == 0
    stored = (2**bits - 1 - values if inverse else values).astype("<u2")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CR_STORAGE if inverse else DX_STORAGE
    meta.MediaStorageSOPInstanceUID = uid_of(f"image {path.stem} {header.person}")
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if inverse else ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid_of("auscult")
    dataset = FileDataset(str(path), Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = uid_of(f"study {header.person}")
    dataset.SeriesInstanceUID = uid_of(f"series {path.stem} {header.person}")
    dataset.Modality = "CR" if inverse else "DX"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Simulated", f"Chest {header.maker + 1}"
    dataset.PatientName, dataset.PatientID = "Simulated^Person", f"SIM{header.person:04d}"
    dataset.PatientSex, dataset.PatientAge = header.sex, header.age
    dataset.BodyPartExamined, dataset.ViewPosition = "CHEST", "PA"
    dataset.ImageComments = "Simulated image, no patient"
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverse else "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.ImagerPixelSpacing = [header.spacing_mm, header.spacing_mm]
    low, high = np.percentile(stored, [0.5, 99.5])
    dataset.WindowCenter, dataset.WindowWidth = round(float(low + high) / 2), max(2, round(float(high - low)))
    dataset.PixelData = stored.tobytes()
    dataset.save_as(path, enforce_file_format=True)


def write_ct_series(
    folder: Path, hounsfield: npt.NDArray[np.int16], *, spacing_mm: tuple[float, float, float], person: int = 0
) -> None:
    """Write one axial CT series, one slice a file, feet first; files are named against the order of the slices.

    Parameters
    ----------
    folder : Path
        Where the files go; made if needed.
    hounsfield : (D, H, W) int16
        Values from -1024 on; D grows to the head.
    spacing_mm : tuple of float
        Distance of slices, rows and columns.
    person : int
        Number of the simulated person.
    """
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    folder.mkdir(parents=True, exist_ok=True)
    for k, values in enumerate(hounsfield):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CT_STORAGE
        meta.MediaStorageSOPInstanceUID = uid_of(f"slice {person} {k}")
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.ImplementationClassUID = uid_of("auscult")
        dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CT_STORAGE, meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid_of(f"study {person}"), uid_of(f"series {person}")
        dataset.FrameOfReferenceUID = uid_of(f"frame {person}")
        dataset.PatientName, dataset.PatientID = "Simulated^Person", f"SIM{person:04d}"
        dataset.PatientBirthDate, dataset.PatientSex = "", "O"
        dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200101", "120000", "1"
        dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
        dataset.Modality, dataset.BodyPartExamined = "CT", "CHEST"
        dataset.Manufacturer, dataset.ManufacturerModelName = "Simulated", "CT 1"
        dataset.SeriesNumber, dataset.InstanceNumber, dataset.PositionReferenceIndicator = 1, k + 1, ""
        dataset.ImageComments = "Simulated image, no patient"
        dataset.ImagePositionPatient = [-100.0, -80.0, 10.0 + k * spacing_mm[0]]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = list(spacing_mm[1:]), spacing_mm[0]
        dataset.Rows, dataset.Columns = values.shape
        dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, AIR_HU, "HU"
        dataset.PixelData = (values - AIR_HU).astype("<u2").tobytes()
        dataset.save_as(folder / f"sim_ct_{len(hounsfield) - k:03d}.dcm", enforce_file_format=True)


def uid_of(text: str) -> UID:
    """Make an identifier out of words, the same each time."""
    return UID(ROOT + str(int(sha256(text.encode()).hexdigest()[:32], 16)))
