"""ECG waveforms in DICOM: one record a multiplex group.

Source: DICOM PS3.3 C.10.9 (Waveform module), PS3.16 CID 3001 (ECG leads). A value is
``sample * sensitivity * correction factor + baseline`` in the unit of the sensitivity; samples equal to the
padding value are NaN. pydicom reads the data set; the samples are decoded here, since pydicom keeps the
padding, and the byte order of big-endian files, as they are.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import InputError, MissingExtraError, ReadError, UnitError
from auscult.base.units import to_home
from auscult.domains.signals.readers.common import normal_lead
from auscult.domains.signals.readers.headers import plausible_rate, scaled
from auscult.domains.signals.readers.waveforms import Wave, waveform_batch
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import age_band, sex, years_between, years_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NAME = "dicom_ecg"
ECG_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.2": "general ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.3": "ambulatory ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.4": "general 32-bit ECG",
}
"""Storage classes that are ECG (PS3.4 B.5)."""

_WAVEFORM_CLASSES = "1.2.840.10008.5.1.4.1.1.9."
_CLASS_ELEMENT = re.compile(rb"\x02\x00\x02\x00UI(..)([0-9.]+)", re.DOTALL)
# Lead codes end alike in SCP-ECG (5.6.3-9-<n>) and in MDC (2:<n>); both are from the lead table of EN 1064.
_LEAD_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d+)")
_LEADS = {
    "1": "I", "2": "II", "3": "V1", "4": "V2", "5": "V3", "6": "V4", "7": "V5", "8": "V6",
    "61": "III", "62": "aVR", "63": "aVL", "64": "aVF",
}  # fmt: skip
_SAMPLES = {
    (8, "SB"): "i1", (8, "UB"): "u1", (16, "SS"): "i2", (16, "US"): "u2",
    (32, "SL"): "i4", (32, "UL"): "u4", (64, "SV"): "i8", (64, "UV"): "u8",
}  # fmt: skip


class DicomEcgReader:
    """Reads DICOM ECG: one record a multiplex group, ``<stem>``, or ``<stem>#<k>`` where a file has several.

    Field: ``ecg`` in mV (T, C); groups differ in rate, leads and length. Groups: sex, age band, device model
    and firmware.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield DICOM files of a waveform class, and ``.dcm`` files that are no DICOM, to report them."""
        for path in files:
            head = _head(path)
            if head[128:132] != b"DICM":
                if path.suffix.lower() == ".dcm":
                    yield Source(NAME, path.stem, (path,))
            elif _storage_class(head).startswith(_WAVEFORM_CLASSES):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield one batch a multiplex group; a group that cannot be used is set aside if another can.

        Raises
        ------
        ReadError
            If the file is no DICOM, is damaged, or holds no usable ECG.
        UnitError
            If no group has leads in a known unit.
        MissingExtraError
            If pydicom is not installed.
        """
        with warnings.catch_warnings():
            # pydicom warns of every value that breaks a rule; the values that are used are checked here.
            warnings.simplefilter("ignore")
            found = _records(source)
        yield from found


def _records(source: Source) -> list[RecordBatch | SetAside]:
    path = source.files[0]
    dataset = _dataset(path)
    items = _items(dataset, "WaveformSequence")
    if not items:
        raise ReadError(f"{path.name}: expected a waveform sequence, got none; export the recording again")
    batches: list[RecordBatch | SetAside] = []
    aside: list[RecordBatch | SetAside] = []
    for number, item in enumerate(items, start=1):
        where = f"{path.name}, multiplex group {number}"
        try:
            rate_hz = plausible_rate(_number(item, "SamplingFrequency", where), where)
            waves = _waves(item, where, little_endian=bool(dataset.original_encoding[1]))
        except InputError as error:
            aside.append(SetAside(source.name, str(error), number))
            if len(aside) == len(items):
                raise
            continue
        name = source.name if len(items) == 1 else f"{source.name}#{number}"
        subject = _text(dataset, "PatientID") or None
        batches.append(waveform_batch(name, waves, rate_hz=rate_hz, subject=subject, groups=_groups(dataset)))
    return batches + aside


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(1024)
    except OSError:
        return b""


def _storage_class(head: bytes) -> str:
    """Return the storage class in the file meta information, always explicit little endian (PS3.10 7.1)."""
    match = _CLASS_ELEMENT.search(head, 132)
    return "" if match is None else match.group(2).decode("ascii")


def _dataset(path: Path) -> Dataset:
    head = _head(path)
    if head[128:132] != b"DICM":
        raise ReadError(
            f"{path.name}: expected DICOM with its preamble ('DICM' at byte 128), got {looks_like(head)}; "
            "export the recording as a DICOM file"
        )
    storage = _storage_class(head)
    if storage not in ECG_CLASSES:
        raise ReadError(
            f"{path.name}: expected one of the ECG waveform classes ({', '.join(ECG_CLASSES.values())}), "
            f"got {storage or 'none'}; export the ECG"
        )
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise MissingExtraError("reading DICOM needs pydicom: pip install 'auscult[signals]'") from error
    try:
        return dcmread(path)
    except Exception as error:  # a damaged data set makes pydicom raise errors of any kind
        raise ReadError(
            f"{path.name}: the DICOM data set cannot be read ({type(error).__name__}); "
            "the file is cut off or damaged, export it again"
        ) from error


def _value(item: Dataset, keyword: str) -> Any:
    """Return the value of an element, None where it is absent or its bytes are no value of its type."""
    try:
        return item.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom converts on access, and a damaged element raises errors of any kind
        return None


def _items(item: Dataset, keyword: str) -> list[Dataset]:
    value = _value(item, keyword)
    return list(value) if hasattr(value, "append") and not isinstance(value, bytearray) else []


def _text(item: Dataset, keyword: str) -> str:
    value = _value(item, keyword)
    return "" if value is None else str(value).strip()


def _number(item: Dataset, keyword: str, where: str, default: float | None = None) -> float:
    text = _text(item, keyword)
    if not text and default is not None:
        return default
    try:
        return float(text)
    except ValueError as error:
        raise ReadError(f"{where}: expected a number as {keyword}, got none; export it again") from error


def _waves(item: Dataset, where: str, *, little_endian: bool) -> list[Wave]:
    """Return the leads of a multiplex group in mV."""
    samples = _samples(item, where, little_endian=little_endian)  # (T, C)
    channels = _items(item, "ChannelDefinitionSequence")
    if len(channels) != samples.shape[1]:
        raise ReadError(
            f"{where}: expected a definition for each of {samples.shape[1]} channels, got {len(channels)}; "
            "export the recording again"
        )
    padding = _padding(item, samples.dtype)
    waves = []
    for place, channel in enumerate(channels):
        here = f"{where}, channel {place + 1}"
        values = _millivolts(samples[:, place], channel, here)
        if padding is not None:
            values[samples[:, place] == padding] = np.nan
        waves.append(Wave("ecg", _lead(channel) or f"channel {place + 1}", values))
    return waves


def _samples(item: Dataset, where: str, *, little_endian: bool) -> npt.NDArray[np.integer[Any]]:
    """Return the stored samples, (T, C)."""
    shape = [int(_number(item, f"NumberOfWaveform{what}", where)) for what in ("Samples", "Channels")]
    kind = (int(_number(item, "WaveformBitsAllocated", where)), _text(item, "WaveformSampleInterpretation"))
    if kind not in _SAMPLES:
        known = ", ".join(f"{bits} {name}" for bits, name in _SAMPLES)
        raise ReadError(f"{where}: expected samples of {known}, got another kind; export linear samples")
    if min(shape) < 1:
        raise ReadError(f"{where}: expected samples and channels, got {shape[0]} and {shape[1]}; export it again")
    data = _value(item, "WaveformData")
    dtype = np.dtype(_SAMPLES[kind]).newbyteorder("<" if little_endian else ">")
    count = shape[0] * shape[1]
    if not isinstance(data, bytes) or len(data) < count * dtype.itemsize:
        got = len(data) if isinstance(data, bytes) else 0
        raise ReadError(
            f"{where}: expected {count * dtype.itemsize} bytes of {shape[0]} samples in {shape[1]} channels, "
            f"got {got}; the file is cut off, copy it again"
        )
    return np.frombuffer(data, dtype=dtype, count=count).reshape(shape)


def _padding(item: Dataset, dtype: np.dtype[Any]) -> Any:
    """Return the padding value, None where none is given."""
    value = _value(item, "WaveformPaddingValue")
    if isinstance(value, bytes):
        return np.frombuffer(value, dtype=dtype, count=1)[0] if len(value) >= dtype.itemsize else None
    return value if isinstance(value, int) else None


def _millivolts(samples: npt.NDArray[np.integer[Any]], channel: Dataset, where: str) -> npt.NDArray[np.float32]:
    units = _items(channel, "ChannelSensitivityUnitsSequence")
    if not units:
        raise UnitError(f"{where}: expected a sensitivity with its unit, got none; export calibrated samples")
    _, factor = to_home(_text(units[0], "CodeValue"), "voltage", where=where)
    sensitivity = _number(channel, "ChannelSensitivity", where)
    correction = _number(channel, "ChannelSensitivityCorrectionFactor", where, 1.0)
    baseline = _number(channel, "ChannelBaseline", where, 0.0)
    return scaled(samples, sensitivity * correction * factor, baseline * factor, where=where)


def _lead(channel: Dataset) -> str:
    """Return the lead by its code, else by the meaning of the code, else by the label."""
    for source in _items(channel, "ChannelSourceSequence")[:1]:
        match = _LEAD_CODE.fullmatch(_text(source, "CodeValue"))
        if match is not None and match.group(1) in _LEADS:
            return _LEADS[match.group(1)]
        meaning = re.sub(r"\s*\(.*\)", "", _text(source, "CodeMeaning"))
        if meaning:
            return normal_lead(meaning)
    return normal_lead(_text(channel, "ChannelLabel"))


def _groups(dataset: Dataset) -> dict[str, str]:
    years = years_of(_text(dataset, "PatientAge"))
    if years is None:
        recorded = _text(dataset, "AcquisitionDateTime") or _text(dataset, "StudyDate")
        years = years_between(_text(dataset, "PatientBirthDate"), recorded)
    groups = {"sex": sex(_text(dataset, "PatientSex")), "age_band": age_band(years)}
    for key, keyword in (("device_model", "ManufacturerModelName"), ("firmware", "SoftwareVersions")):
        if text := _text(dataset, keyword):
            groups[key] = text
    return groups
