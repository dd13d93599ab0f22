"""A generated picture as PNG and as DICOM, each of which says in its own metadata that it is synthetic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from auscult.base.arrays import Array
from auscult.base.errors import MissingExtraError, UsageError
from auscult.base.files import sha256, write_bytes

STATEMENT = "Synthetic image: made by a generative model, not taken of a person. It must not be used for diagnosis."
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""What IPTC calls media that a trained model has made (Photo Metadata Standard 2023.1, digital source type)."""
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>'
)
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROOT = "2.25."
"""Root of identifiers that are made from numbers (ITU-T X.667)."""


@dataclass(frozen=True, repr=False)
class SyntheticImage:
    """A generated picture.

    Parameters
    ----------
    values : (H, W) array
        0 to 1.
    label : str
        The class that was asked for.
    number, seed : int
        Which picture of which seed.
    """

    values: Array
    label: str
    number: int
    seed: int

    @property
    def name(self) -> str:
        """Name of its files, without the ending."""
        return f"synthetic-{self.seed}-{self.number:05d}-{re.sub(r'[^A-Za-z0-9]+', '-', self.label).strip('-')}"

    @property
    def pixels(self) -> Array:
        """Grey values of 8 bits, (H, W)."""
        return np.asarray(np.round(255 * np.clip(self.values, 0, 1)), dtype=np.uint8)


def write_synthetic(out: Path, image: SyntheticImage) -> list[Path]:
    """Write ``<name>.png`` and ``<name>.dcm``.

    Raises
    ------
    UsageError
        If one of them is there already.
    MissingExtraError
        If Pillow or pydicom is not installed.
    """
    contents = {out / f"{image.name}.png": png_bytes(image), out / f"{image.name}.dcm": dicom_bytes(image)}
    for path in contents:
        if path.exists():
            raise UsageError(f"generate: expected a new file, got {path.name} in {out.name}; choose another folder")
    for path, content in contents.items():
        write_bytes(path, content)
    return list(contents)


def png_bytes(image: SyntheticImage) -> bytes:
    """Return a PNG with the mark as text (PNG 11.3.4) and as XMP.

    Raises
    ------
    MissingExtraError
        If Pillow is not installed.
    """
    try:
        from PIL import Image, PngImagePlugin
    except ImportError as error:
        raise MissingExtraError("writing pictures needs Pillow: pip install 'auscult[imaging]'") from error
    marks = PngImagePlugin.PngInfo()
    marks.add_text("Synthetic", "yes")
    marks.add_text("Description", STATEMENT)
    marks.add_text("Class", image.label)
    marks.add_text("Software", "Auscult")
    marks.add_itxt("XML:com.adobe.xmp", XMP)
    stream = BytesIO()
    Image.fromarray(image.pixels).save(stream, "PNG", pnginfo=marks)
    return stream.getvalue()


def dicom_bytes(image: SyntheticImage) -> bytes:
    """Return a DICOM secondary capture whose Synthetic Data (0008,001C) is YES (PS3.3 C.12.1).

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    """
    try:
        from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
        from pydicom.uid import UID, ExplicitVRLittleEndian
    except ImportError as error:
        raise MissingExtraError("writing DICOM needs pydicom: pip install 'auscult[imaging]'") from error
    pixels = image.pixels
    own = sha256(pixels.tobytes() + image.name.encode())
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(SECONDARY_CAPTURE)
    meta.MediaStorageSOPInstanceUID = UID(_uid(own, "image"))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_uid("", "auscult"))
    dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.SyntheticData = "YES"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _uid(own, "study"), _uid(own, "series")
    dataset.Modality, dataset.ConversionType = "OT", "SYN"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Auscult", "generative model"
    dataset.PatientName, dataset.PatientID = "Synthetic^Nobody", "SYNTHETIC"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.StudyID = (
        dataset.ReferringPhysicianName
    ) = ""
    dataset.SeriesNumber, dataset.InstanceNumber = 1, image.number + 1
    dataset.SeriesDescription = f"Synthetic: {image.label}"[:64]
    dataset.ImageComments = STATEMENT
    dataset.PatientOrientation = ""
    dataset.BurnedInAnnotation = "NO"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _uid(content: str, what: str) -> str:
    """Identifier of a thing out of its content, the same each time."""
    return ROOT + str(int(sha256(f"{what} {content}".encode())[:32], 16))
