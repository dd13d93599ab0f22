"""The WFDB header: what a ``.hea`` file says about a record, its signals and its segments.

Source: WFDB Applications Guide, "header(5)" (PhysioNet, wfdb 10.7).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from auscult.base.errors import ReadError
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import age_band, sex

DEFAULT_RATE_HZ = 250.0
DEFAULT_GAIN = 200.0
MAX_HEADER_BYTES = 16 << 20
_MAX_RATE_HZ = 1e7
_GAINS = (1e-9, 1e12)
_COUNT = r"\d{1,15}"
_NUMBER = r"\d{1,15}\.?\d{0,15}(?:[eE][+-]?\d{1,3})?|\.\d{1,15}"
_RECORD = re.compile(rf"(?P<name>[-\w.]+)(?:/(?P<segments>{_COUNT}))?$")
_RATE = re.compile(rf"(?P<rate>{_NUMBER})(?:/.*)?$")
_FORMAT = re.compile(
    rf"(?P<code>\d{{1,4}})(?:x(?P<frame>{_COUNT}))?(?::(?P<skew>{_COUNT}))?(?:\+(?P<offset>{_COUNT}))?$"
)
_GAIN = re.compile(rf"(?P<gain>-?(?:{_NUMBER}))(?:\((?P<baseline>-?{_COUNT})\))?(?:/(?P<unit>\S+))?$")
_INTEGER = re.compile(rf"-?{_COUNT}$")
_AGE = re.compile(r"\bage>?\s*[:=]\s*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
_SEX = re.compile(r"\b(?:sex|gender)>?\s*[:=]\s*(\w+)", re.IGNORECASE)
_MIT_STYLE = re.compile(r"\s*(-?\d{1,3})\s+([MF])\b")


@dataclass(frozen=True)
class Signal:
    """One signal line.

    Parameters
    ----------
    file : str
        Name of the file that holds the samples; ``~`` in a layout header.
    code : int
        Storage format: 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524; 0 is no data.
    frame : int
        Samples per frame.
    skew : int
        Frames by which this signal lags in the file.
    offset : int
        Bytes before the first sample.
    gain : float
        ADC units per physical unit.
    baseline : int
        ADC value that stands for physical zero.
    unit : str
        Physical unit as written; ``mV`` where none is.
    initial : int
        First value; format 8 counts from it.
    checksum : int, optional
        Sum of all samples modulo 65536. Absent where none, or 0, is written: to many writers 0 is "none".
    name : str
        Description: the lead.
    """

    file: str
    code: int
    frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    initial: int
    checksum: int | None
    name: str


@dataclass(frozen=True)
class Header:
    """What one header file says.

    Parameters
    ----------
    file : str
        Name of the header file, for messages.
    rate_hz : float
        Frames per second.
    length : int, optional
        Frames a signal; absent where the header leaves it to the size of the data.
    signals : tuple of Signal
        The signal lines; empty for a record of several segments.
    segments : tuple of (str, int)
        Name and length of each segment; ``~`` is a gap.
    channels : int
        Signals a record or segment has.
    groups : mapping of str to str
        ``sex`` and ``age_band`` from the comments, ``unknown`` where they do not say.
    """

    file: str
    rate_hz: float
    length: int | None
    signals: tuple[Signal, ...]
    segments: tuple[tuple[str, int], ...]
    channels: int
    groups: dict[str, str]


def parse_header(data: bytes, file: str) -> Header:
    """Read the content of a header file.

    Parameters
    ----------
    data : bytes
        Content of the ``.hea`` file.
    file : str
        Its name, for messages.

    Raises
    ------
    ReadError
        If it is no WFDB header, or says what cannot be.
    """
    kind = looks_like(data[:1024])
    if kind != "text":
        raise ReadError(f"{file}: expected a WFDB header as text, got {kind}; export the record again")
    if len(data) > MAX_HEADER_BYTES:
        raise ReadError(f"{file}: expected a WFDB header below {MAX_HEADER_BYTES >> 20} MiB, got {len(data) >> 20} MiB")
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    comments = [line[1:] for line in lines if line.startswith("#")]
    body = [line for line in lines if line and not line.startswith("#")]
    if not body:
        raise ReadError(f"{file}: expected a record line (name, number of signals, rate), got no such line")
    record, count, rate_hz, length = _record_line(body[0], file)
    wanted = int(record["segments"]) if record["segments"] else count
    if len(body) - 1 < wanted or wanted == 0:
        what = "segment" if record["segments"] else "signal"
        raise ReadError(f"{file}: expected {wanted or 'at least 1'} {what} lines, got {len(body) - 1}; is it cut off?")
    rest = body[1 : 1 + wanted]
    signals = () if record["segments"] else tuple(_signal_line(line, file, i) for i, line in enumerate(rest))
    segments = tuple(_segment_line(line, file) for line in rest) if record["segments"] else ()
    return Header(file, rate_hz, length, signals, segments, count, _groups(comments))


def _record_line(line: str, file: str) -> tuple[dict[str, str | None], int, float, int | None]:
    """Return the name with its segments, the number of signals, the rate in Hz and the length of a record."""
    parts = line.split()
    name = _RECORD.match(parts[0])
    if name is None or len(parts) < 2 or not re.fullmatch(_COUNT, parts[1]):
        raise ReadError(f"{file}: expected a WFDB record line 'name signals rate length', got another text")
    rate = _RATE.match(parts[2]) if len(parts) > 2 else None
    if len(parts) > 2 and rate is None:
        raise ReadError(f"{file}: expected the sampling rate in Hz as third word of the record line, got another text")
    rate_hz = float(rate["rate"]) if rate else DEFAULT_RATE_HZ
    if not 0 < rate_hz <= _MAX_RATE_HZ:
        raise ReadError(
            f"{file}: expected a sampling rate above 0 Hz and up to {_MAX_RATE_HZ:g} Hz, got {rate_hz:g} Hz"
        )
    if len(parts) > 3 and not re.fullmatch(_COUNT, parts[3]):
        raise ReadError(f"{file}: expected the number of samples as fourth word of the record line, got another text")
    length = int(parts[3]) if len(parts) > 3 else 0
    return name.groupdict(), int(parts[1]), rate_hz, length or None


def _signal_line(line: str, file: str, row: int) -> Signal:
    parts = line.split(None, 8)
    where = f"{file}: signal line {row + 1}"
    form = _FORMAT.match(parts[1]) if len(parts) > 1 else None
    if form is None:
        raise ReadError(
            f"{where}: expected a file name and a storage format such as 212 or 16x2:0+24, got another text"
        )
    gain = _GAIN.match(parts[2]) if len(parts) > 2 else None
    if len(parts) > 2 and gain is None:
        raise ReadError(
            f"{where}: expected the gain as 'gain(baseline)/unit', for example 200(1024)/mV, got another text"
        )
    numbers = [*parts[3:8], *["0"] * 5][:5]
    if not all(_INTEGER.match(n) for n in numbers):
        raise ReadError(f"{where}: expected resolution, zero, first value, checksum and block size as integers")
    factor = (float(gain["gain"]) if gain else 0.0) or DEFAULT_GAIN
    if not (math.isfinite(factor) and _GAINS[0] <= abs(factor) <= _GAINS[1]):
        raise ReadError(f"{where}: expected a gain between {_GAINS[0]:g} and {_GAINS[1]:g} a unit, got {factor:g}")
    frame = int(form["frame"] or 1)
    if frame == 0:
        raise ReadError(f"{where}: expected at least 1 sample a frame, got 0")
    return Signal(
        file=parts[0],
        code=int(form["code"]),
        frame=frame,
        skew=int(form["skew"] or 0),
        offset=int(form["offset"] or 0),
        gain=factor,
        baseline=int(gain["baseline"] if gain and gain["baseline"] else numbers[1]),
        unit=(gain["unit"] if gain else None) or "mV",
        initial=int(numbers[2]),
        checksum=int(numbers[3]) or None,
        name=parts[8].strip() if len(parts) > 8 else "",
    )


def _segment_line(line: str, file: str) -> tuple[str, int]:
    parts = line.split()
    if len(parts) < 2 or not re.fullmatch(_COUNT, parts[1]):
        raise ReadError(f"{file}: expected segment lines 'name length', got another text")
    return parts[0], int(parts[1])


def _groups(comments: list[str]) -> dict[str, str]:
    """Find sex and age in comments such as ``69 M 1085``, ``<age>: 69  <sex>: M`` or ``Age: 69``."""
    years, gender = None, None
    for text in comments:
        mit, age, said = _MIT_STYLE.match(text), _AGE.search(text), _SEX.search(text)
        if mit and years is None and gender is None:
            years, gender = float(mit[1]), mit[2]
        years = float(age[1]) if age else years
        gender = said[1] if said else gender
    return {"sex": sex(gender), "age_band": age_band(years)}
