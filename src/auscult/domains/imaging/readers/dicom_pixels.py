"""From the pixel data of a DICOM file to stored values, with every number of the header checked before memory is taken.

pydicom and its codecs decode (uncompressed, RLE, deflated, JPEG, JPEG-LS, JPEG 2000). What they are handed is bounded:
a header that promises more than its bytes can hold, or a code stream of another size, is refused first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.errors import ReadError
from auscult.domains.imaging.readers.dicom_header import named, text_of, value_of, whole

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_BYTES = 1 << 30
"""Decoded pixels of one file at the most: a 512-frame CT of 512 × 512 in 32 bit is half of it."""
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
GREY = ("MONOCHROME1", "MONOCHROME2")
SAMPLES = {
    "MONOCHROME1": 1, "MONOCHROME2": 1, "PALETTE COLOR": 1, "RGB": 3, "YBR_FULL": 3, "YBR_FULL_422": 3,
    "YBR_PARTIAL_422": 3, "YBR_PARTIAL_420": 3, "YBR_ICT": 3, "YBR_RCT": 3,
}  # fmt: skip
"""Samples a pixel by photometric interpretation (PS3.3 C.7.6.3.1.2)."""
_BITS = (1, 8, 16, 32, 64)
_JPEG_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}


@dataclass(frozen=True)
class Layout:
    """What the header says of the pixels.

    Parameters
    ----------
    rows, columns, frames, samples : int
        Sizes.
    bits_allocated, bits_stored : int
        Bits of a sample, and how many of them carry it.
    signed : bool
        Whether samples are signed.
    photometric : str
        Photometric interpretation.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame, rounded up."""
        return (self.rows * self.columns * self.samples * self.bits_allocated + 7) // 8

    @property
    def total_bytes(self) -> int:
        """Bytes of all uncompressed frames together, rounded up; frames of single bits are packed without a gap."""
        return (self.rows * self.columns * self.samples * self.bits_allocated * self.frames + 7) // 8


def layout_of(dataset: Dataset, where: str) -> Layout:
    """Read and check what the header says of the pixels.

    Raises
    ------
    ReadError
        Naming file and tag: no pixels at all, a number that is absent or impossible, an unknown colour space, or
        more pixels than are read.
    """
    if not any(keyword in dataset for keyword in PIXELS):
        kind = _class_name(dataset)
        raise ReadError(
            f"{where}: {named('PixelData')}: expected an image, got none in {kind}; export the image, "
            "or copy the file again where it is cut off"
        )
    rows, columns = whole(dataset, "Rows", where), whole(dataset, "Columns", where)
    frames, samples = whole(dataset, "NumberOfFrames", where, 1), whole(dataset, "SamplesPerPixel", where, 1)
    photometric = text_of(dataset, "PhotometricInterpretation")
    if photometric not in SAMPLES or SAMPLES[photometric] != samples:
        raise ReadError(
            f"{where}: {named('PhotometricInterpretation')}: expected one of {', '.join(SAMPLES)} with "
            f"{named('SamplesPerPixel')} 1 or 3, got {photometric if photometric in SAMPLES else 'another'} with "
            f"{samples}; export it again"
        )
    if "PixelData" in dataset:
        allocated = whole(dataset, "BitsAllocated", where)
        stored = whole(dataset, "BitsStored", where, allocated)
    else:
        allocated = stored = 32 if "FloatPixelData" in dataset else 64
    if allocated not in _BITS or stored > allocated:
        raise ReadError(
            f"{where}: {named('BitsAllocated')}: expected one of {', '.join(map(str, _BITS))} and "
            f"{named('BitsStored')} within it, got {allocated} and {stored}; export it again"
        )
    signed = value_of(dataset, "PixelRepresentation") == 1
    found = Layout(rows, columns, frames, samples, allocated, stored, signed, photometric)
    if found.total_bytes * (8 if allocated == 1 else 1) > MAX_BYTES:
        raise ReadError(
            f"{where}: {named('Rows')}, {named('Columns')}: expected an image of at most {MAX_BYTES >> 20} MiB, got "
            f"{rows} × {columns} pixels in {frames} frames; split it, or check the header"
        )
    return found


def stored_values(dataset: Dataset, layout: Layout, where: str) -> Array:
    """Decode the pixels.

    Returns
    -------
    (H, W), (H, W, 3), (D, H, W) or (D, H, W, 3) array
        As pydicom gives it: YBR is turned to RGB, a palette is not yet applied.

    Raises
    ------
    ReadError
        Naming file and tag: pixels cut off, of another size, or that no codec can decode.
    """
    keyword = next(k for k in PIXELS if k in dataset)
    data = value_of(dataset, keyword)
    size = len(data) if isinstance(data, (bytes, bytearray)) else 0
    syntax = _syntax(dataset, where)
    if size == 0:
        raise ReadError(f"{where}: {named(keyword)}: expected {layout.total_bytes} bytes, got 0; export it again")
    if syntax.is_encapsulated:
        _check_code_stream(bytes(data[:4096]), layout, f"{where}: {named(keyword)}")
    else:
        _check_size(size, layout, f"{where}: {named(keyword)}")
    shape = ((layout.frames,) if layout.frames > 1 else ()) + (layout.rows, layout.columns)
    if _is_plain(syntax, layout) and keyword == "PixelData" and "PixelRepresentation" in dataset:
        return _plain(data, layout).reshape(shape)
    from pydicom.pixels.utils import pixel_array

    try:
        values: Array = pixel_array(dataset)
    except Exception as error:  # codecs raise errors of any kind on damaged streams
        raise ReadError(
            f"{where}: {named(keyword)}: expected pixels in {syntax.name}, got a stream that cannot be decoded "
            f"({type(error).__name__}); the file is cut off or damaged, export it again"
        ) from error
    shape += (layout.samples,) if layout.samples > 1 else ()
    if values.shape != shape:
        raise ReadError(f"{where}: {named(keyword)}: expected shape {shape} by the header, got {values.shape}")
    return values


def _is_plain(syntax: Any, layout: Layout) -> bool:
    """Whether the bytes of the file are the numbers of the pixels, one after the other."""
    native = not syntax.is_encapsulated and syntax.is_little_endian
    return native and layout.samples == 1 and layout.bits_allocated in (8, 16)


def _plain(data: bytes, layout: Layout) -> Array:
    """Numbers from their bytes; bits above those that are stored are not theirs (PS3.5 8.1.1)."""
    kind = f"<{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}"
    values = np.frombuffer(data, dtype=kind, count=layout.total_bytes * 8 // layout.bits_allocated)
    unused = layout.bits_allocated - layout.bits_stored
    return (values << unused) >> unused if unused else values.copy()


def _syntax(dataset: Dataset, where: str) -> Any:
    """Return the transfer syntax; of a bare data set the one that its bytes were read by."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import AllTransferSyntaxes, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    meta = getattr(dataset, "file_meta", None)
    stated = None if meta is None else value_of(meta, "TransferSyntaxUID")
    if stated:
        if stated not in AllTransferSyntaxes:
            raise ReadError(f"{where}: {named('TransferSyntaxUID')}: expected one of PS3.5 annex A, got another")
        return stated
    implicit, little = dataset.original_encoding
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    dataset.file_meta = meta or FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    return syntax


def _check_size(size: int, layout: Layout, where: str) -> None:
    """Refuse uncompressed pixels that are fewer, or far more, than the header says."""
    expected = layout.total_bytes
    if layout.photometric == "YBR_FULL_422":
        expected = expected // 3 * 2
    if size < expected:
        raise ReadError(f"{where}: expected {expected} bytes by the header, got {size}; the file is cut off")
    if size > expected + 2:
        raise ReadError(
            f"{where}: expected {expected} bytes by the header, got {size}; rows, columns, frames or bits "
            "allocated are wrong"
        )


def _check_code_stream(data: bytes, layout: Layout, where: str) -> None:
    """Refuse a compressed stream that states another size than the header, before a codec takes memory for it."""
    found = _jpeg_size(data) or _jpeg2000_size(data)
    if found is not None and found != (layout.rows, layout.columns):
        raise ReadError(
            f"{where}: expected a stream of {layout.rows} × {layout.columns} pixels by the header, got one of "
            f"{found[0]} × {found[1]}; export it again"
        )


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Rows and columns of the first JPEG or JPEG-LS frame header (ISO/IEC 10918-1 B.2.2), None where there is none."""
    at = data.find(b"\xff\xd8\xff")
    if at < 0:
        return None
    at += 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAME:
            rows, columns = struct.unpack(">HH", data[at + 5 : at + 9])
            return rows, columns
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _jpeg2000_size(data: bytes) -> tuple[int, int] | None:
    """Rows and columns of a JPEG 2000 size marker (ISO/IEC 15444-1 A.5.1), None where there is none."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 24 > len(data):
        return None
    width, height, left, top = struct.unpack(">IIII", data[at + 8 : at + 24])
    return height - top, width - left


def _class_name(dataset: Dataset) -> str:
    """Name of what the file is, by its storage class."""
    from pydicom.uid import UID

    uid = UID(text_of(dataset, "SOPClassUID") or "0")
    name = uid.name if uid.name != str(uid) else ""
    return f"'{name}'" if name else "a data set without a known storage class"
