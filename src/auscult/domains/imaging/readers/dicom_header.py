"""What a DICOM header says, read without its pixels, and how an element is named in a message.

Elements are read one by one and any of them may be damaged: pydicom converts a value when it is asked for, and raises
errors of any kind. Names and dates are looked at for an age and for nothing else.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auscult.base.errors import MissingExtraError, ReadError
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import age_band, sex, years_between, years_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

HEAD_BYTES = 1024
PREAMBLE, PREFIX = 128, b"DICM"
DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Transfer syntax whose data set is one deflated stream (PS3.5 A.5)."""
MAX_INFLATED = (1 << 30) + (64 << 20)
"""The largest image that is read, and 64 MiB of header."""
_STEP = 16 << 20
_LITTLE, _BIG = (b"\x02\x00", b"\x08\x00"), (b"\x00\x02", b"\x00\x08")
_VR = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OW PN SH SL SQ SS ST TM UI UL UN US UT".split())
_HEADER_TAGS = (
    "SOPClassUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns", "NumberOfFrames", "Modality",
)  # fmt: skip


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file; nothing where it cannot be opened."""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def is_dicom(head: bytes) -> bool:
    """Whether bytes begin a DICOM file (PS3.10 7.1), or a bare data set of group 0002 or 0008 as old devices write."""
    if head[PREAMBLE : PREAMBLE + 4] == PREFIX:
        return True
    if len(head) < 16 or not (head[:2] in _LITTLE or head[:2] in _BIG):
        return False
    if head[4:6] in _VR:
        return True
    length = int.from_bytes(head[4:8], "little" if head[:2] in _LITTLE else "big")
    return head[:2] in _LITTLE and 0 < length <= 64 and length % 2 == 0


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's remarks on values that break a rule out of the log: they may quote the value."""
    import logging

    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.disabled = before


def open_dicom(path: Path, *, pixels: bool = True) -> Dataset:
    """Read a file.

    Parameters
    ----------
    path : Path
        The file.
    pixels : bool
        Whether the pixel data are read too; without them only the elements that find and sort series are.

    Raises
    ------
    ReadError
        If the file is no DICOM or its elements cannot be told apart.
    MissingExtraError
        If pydicom is not installed.
    """
    head = head_of(path)
    if not is_dicom(head):
        raise ReadError(
            f"{path.name}: expected DICOM ('DICM' at byte 128, or a data set), got {looks_like(head)}; "
            "export the image as a DICOM file"
        )
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise MissingExtraError("reading DICOM needs pydicom: pip install 'auscult[imaging]'") from error
    if DEFLATED in head:
        _require_bounded(path)
    try:
        if pixels:
            return dcmread(path, force=True)
        return dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(_HEADER_TAGS))
    except Exception as error:  # a damaged data set makes pydicom raise errors of any kind
        raise ReadError(
            f"{path.name}: expected a DICOM data set, got elements that cannot be told apart "
            f"({type(error).__name__}); the file is cut off or damaged, export it again"
        ) from error


def _require_bounded(path: Path) -> None:
    """Refuse a deflated data set that is far larger than any image, before it is unpacked into memory.

    Raises
    ------
    ReadError
        If it unpacks to more than ``MAX_INFLATED`` bytes.
    """
    packed = path.read_bytes()
    length = packed.find(b"\x02\x00\x00\x00UL\x04\x00")
    begin = length + 12 + int.from_bytes(packed[length + 8 : length + 12], "little") if length >= 0 else len(packed)
    stream, size, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, packed[begin:]
    try:
        while rest and not stream.eof and size <= MAX_INFLATED:
            size += len(stream.decompress(rest, _STEP))
            rest = stream.unconsumed_tail
    except zlib.error:
        return  # pydicom will say so
    if size > MAX_INFLATED:
        raise ReadError(
            f"{path.name}: expected at most {MAX_INFLATED >> 20} MiB in the deflated data set, got more; "
            "it is no image, or split it"
        )


def named(keyword: str) -> str:
    """Name an element by tag and keyword, as ``(0028,0010) Rows``."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword}"


def value_of(item: Dataset, keyword: str) -> Any:
    """Return the value of an element, None where it is absent or its bytes are no value of its type."""
    try:
        return item.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom converts on access, and a damaged element raises errors of any kind
        return None


def text_of(item: Dataset, keyword: str) -> str:
    """Return the text of an element without surrounding blanks; of several values the first."""
    return _text(value_of(item, keyword))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "append") and not isinstance(value, (bytes, bytearray)):
        value = value[0] if len(value) else ""
    return str(value).strip("\0 ")


def numbers_of(item: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the numbers of an element; empty where it is absent or holds something else."""
    return _numbers(value_of(item, keyword))


def _numbers(value: Any) -> tuple[float, ...]:
    if value is None or isinstance(value, (str, bytes)):
        return ()
    values = list(value) if hasattr(value, "append") else [value]
    try:
        return tuple(float(v) for v in values)
    except (TypeError, ValueError):
        return ()


def whole(item: Dataset, keyword: str, where: str, default: int | None = None) -> int:
    """Return the one whole number of an element.

    Raises
    ------
    ReadError
        If it is absent without a default, or no whole number above 0; names the tag.
    """
    value = value_of(item, keyword)
    found = _numbers(value)
    if not found and default is not None and not _text(value):
        return default
    if len(found) != 1 or found[0] != int(found[0]) or found[0] < 1:
        got = f"{found[0]:g}" if len(found) == 1 else "none" if not found else f"{len(found)} values"
        raise ReadError(f"{where}: {named(keyword)}: expected a whole number above 0, got {got}; export it again")
    return int(found[0])


def items_of(item: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; empty where it is absent."""
    value = value_of(item, keyword)
    return list(value) if hasattr(value, "append") and not isinstance(value, (bytes, bytearray, str)) else []


def groups_of(dataset: Dataset) -> dict[str, str]:
    """Return what records may be grouped by: never a name, an identifier or a date."""
    years = years_of(text_of(dataset, "PatientAge"))
    if years is None:
        taken = text_of(dataset, "AcquisitionDate") or text_of(dataset, "StudyDate")
        years = years_between(text_of(dataset, "PatientBirthDate"), taken)
    model = " ".join(filter(None, (text_of(dataset, "Manufacturer"), text_of(dataset, "ManufacturerModelName"))))
    return {
        "sex": sex(text_of(dataset, "PatientSex")),
        "age_band": age_band(years),
        "device_model": model or "unknown",
        "modality": text_of(dataset, "Modality") or "unknown",
        "body_part": text_of(dataset, "BodyPartExamined").upper() or "unknown",
        "view": text_of(dataset, "ViewPosition") or "unknown",
        "burned_in": text_of(dataset, "BurnedInAnnotation").upper() or "unknown",
    }
