"""The EDF, EDF+ and BDF header: signals, scaling, and the few facts about the person that may be kept.

Sources: Kemp et al. 1992 (EDF), Kemp & Olivan 2003 (EDF+, doi:10.1016/S1388-2457(03)00123-8), BioSemi (BDF).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from auscult.base.errors import ReadError
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import age_band, sex

EDF_MAGIC, BDF_MAGIC = b"0       ", b"\xffBIOSEMI"
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_FIXED = 256
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FLOAT = re.compile(r"[+-]?(?:\d{1,8}\.?\d{0,8}|\.\d{1,8})(?:[eE][+-]?\d{1,2})?")
_INTEGER = re.compile(r"[+-]?\d{1,8}")
_DATE = re.compile(r"(\d{1,2})-([A-Z]{3})-(\d{4})")
_SHORT_DATE = re.compile(r"(\d\d)\.(\d\d)\.(\d\d)")
_MAX_PHYSICAL = 1e12


@dataclass(frozen=True)
class EdfSignal:
    """One signal of the header.

    Parameters
    ----------
    label : str
        Name as written.
    unit : str
        Physical dimension as written.
    scale : float
        Physical units per digital step.
    zero : float
        Physical value of digital zero.
    samples : int
        Samples a data record.
    """

    label: str
    unit: str
    scale: float
    zero: float
    samples: int


@dataclass(frozen=True, repr=False)
class EdfHeader:
    """What the header says.

    Parameters
    ----------
    data_start : int
        Bytes before the first data record.
    records : int
        Number of data records; -1 where the writer did not know.
    duration_s : float
        Seconds a data record.
    sample_bytes : int
        2 for EDF, 3 for BDF.
    discontinuous : bool
        Whether data records may have gaps between them (EDF+D).
    signals : tuple of EdfSignal
        In the order of the file.
    subject : str, optional
        Patient code of an EDF+ header; never a name.
    groups : dict of str to str
        ``sex``, ``age_band``, ``device_model``; ``unknown`` where the header does not say.
    """

    data_start: int
    records: int
    duration_s: float
    sample_bytes: int
    discontinuous: bool
    signals: tuple[EdfSignal, ...]
    subject: str | None
    groups: dict[str, str]


def is_edf(head: bytes) -> bool:
    """Whether a file starts as EDF or BDF does: its mark, and the size of its header as a number."""
    size, count = head[184:192].strip(), head[252:256].strip()
    return (
        head[:8] in (EDF_MAGIC, BDF_MAGIC)
        and size.isdigit()
        and count.isdigit()
        and int(size) == _FIXED * (int(count) + 1)
    )


def read_header(path: Path) -> EdfHeader:
    """Read the header of a file.

    Raises
    ------
    ReadError
        If it is no EDF or BDF, is cut off, or says what cannot be.
    """
    name = path.name
    with path.open("rb") as stream:
        head = stream.read(_FIXED)
        if head[:8] not in (EDF_MAGIC, BDF_MAGIC):
            raise ReadError(
                f"{name}: expected an EDF header that starts with '0       ', got {looks_like(head)}; "
                "export it again as EDF"
            )
        text = head[8:].decode("latin-1")
        count = _integer(text[244:248], f"{name}: number of signals")
        if not 1 <= count <= 9999:
            raise ReadError(f"{name}: expected 1 to 9999 signals, got {count}")
        rest = stream.read(_FIXED * count).decode("latin-1")
    if len(rest) < _FIXED * count:
        raise ReadError(
            f"{name}: expected a header of {_FIXED * (count + 1)} bytes for its signals, "
            f"got {_FIXED + len(rest)} bytes; the file is cut off, copy it again"
        )
    start = _integer(text[176:184], f"{name}: size of the header")
    if start != _FIXED * (count + 1):
        raise ReadError(f"{name}: expected a header of {_FIXED * (count + 1)} bytes for its signals, it says {start}")
    duration_s = _number(text[236:244], f"{name}: duration of a data record")
    if duration_s <= 0:
        raise ReadError(f"{name}: expected data records longer than 0 s, got {duration_s:g} s; it holds no signals")
    subject, groups = _person(text[:80], text[80:160], text[160:168])
    return EdfHeader(
        data_start=start,
        records=_integer(text[228:236], f"{name}: number of data records"),
        duration_s=duration_s,
        sample_bytes=3 if head[:8] == BDF_MAGIC else 2,
        discontinuous=text[184:189] in ("EDF+D", "BDF+D"),
        signals=_signals(rest, count, name),
        subject=subject,
        groups=groups,
    )


def _signals(text: str, count: int, name: str) -> tuple[EdfSignal, ...]:
    columns: list[list[str]] = []
    place = 0
    for width in _WIDTHS:
        columns.append([text[place + width * i : place + width * (i + 1)].strip() for i in range(count)])
        place += width * count
    signals = []
    for i in range(count):
        where = f"{name}: signal {i + 1}"
        low, high = (_number(columns[c][i], f"{where}, physical limit") for c in (3, 4))
        first, last = (_integer(columns[c][i], f"{where}, digital limit") for c in (5, 6))
        samples = _integer(columns[8][i], f"{where}, samples a data record")
        if samples < 1:
            raise ReadError(f"{where}: expected at least 1 sample a data record, got {samples}")
        usable = first < last and low != high and max(abs(low), abs(high)) <= _MAX_PHYSICAL
        scale = (high - low) / (last - first) if usable else math.nan
        signals.append(EdfSignal(columns[0][i], columns[2][i], scale, low - first * scale, samples))
    return tuple(signals)


def _number(text: str, what: str) -> float:
    if not _FLOAT.fullmatch(text.strip(" ")):
        raise ReadError(f"{what}: expected a number with a decimal point, got another text")
    return float(text)


def _integer(text: str, what: str) -> int:
    if not _INTEGER.fullmatch(text.strip(" ")):
        raise ReadError(f"{what}: expected an integer, got another text")
    return int(text)


def _person(patient: str, recording: str, started: str) -> tuple[str | None, dict[str, str]]:
    """Return patient code and groups of an EDF+ header; the free text of a plain EDF header is not kept."""
    groups = {"sex": "unknown", "age_band": "unknown", "device_model": "unknown"}
    session = recording.split()
    if session[:1] == ["Startdate"] and len(session) >= 5 and session[4] != "X":
        groups["device_model"] = session[4]
    fields = patient.split()
    if len(fields) < 3 or fields[1] not in ("F", "M", "X") or not (fields[2] == "X" or _date(fields[2])):
        return None, groups
    groups["sex"] = sex(fields[1])
    born, taken = _date(fields[2]), _date(session[1] if len(session) > 1 else "") or _short_date(started)
    if born and taken:
        groups["age_band"] = age_band((taken - born).days / 365.25)
    return (None if fields[0] == "X" else fields[0]), groups


def _date(text: str) -> date | None:
    """Read a date such as 02-MAY-1951; None where it is none."""
    found = _DATE.fullmatch(text.upper())
    if not found or found[2] not in _MONTHS:
        return None
    return _valid(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))


def _short_date(text: str) -> date | None:
    """Read a date such as 02.05.91: years 85 to 99 are of the last century (EDF+ rule 2)."""
    found = _SHORT_DATE.fullmatch(text.strip())
    if not found:
        return None
    year = int(found[3])
    return _valid(1900 + year if year >= 85 else 2000 + year, int(found[2]), int(found[1]))


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
