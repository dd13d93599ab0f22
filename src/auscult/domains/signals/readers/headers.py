"""What XML and DICOM headers say in the same words: ages by dates, rates by periods, scaled samples."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError

RATE_LIMITS_HZ = (1.0, 100_000.0)
"""A waveform with another rate is a slip of unit."""

_DATE = re.compile(r"(\d{4})(\d{2})?(\d{2})?")
_DICOM_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
# Far above the rounding of a period in five digits, far below the distance of two rates that are in use.
_RATE_TOLERANCE = 1e-4
_LARGEST = 1e9


def years_between(birth: str | None, later: str | None) -> float | None:
    """Return the age in whole years at a later date, or None where a date is missing.

    Parameters
    ----------
    birth, later : str, optional
        ``YYYY``, ``YYYYMM`` or ``YYYYMMDD``, with or without a time behind (HL7 V3 TS; DICOM PS3.5 6.2, DA
        and DT). A month or day that is not written counts as the first.

    Examples
    --------
    >>> years_between("19530508", "20021122091000.000")
    49.0
    """
    born, then = _date(birth), _date(later)
    if born is None or then is None:
        return None
    return float(then[0] - born[0] - (then[1:] < born[1:]))


def years_of(age: str | None) -> float | None:
    """Return the years of a DICOM age such as ``042Y`` or ``018M`` (PS3.5 6.2, AS), or None where it is none.

    Examples
    --------
    >>> years_of("018M")
    1.5
    """
    match = _DICOM_AGE.fullmatch((age or "").strip())
    return None if match is None else int(match.group(1)) * _YEARS[match.group(2)]


def plausible_rate(rate_hz: float, where: str) -> float:
    """Return a rate in hertz, freed of the rounding of the period it was computed from.

    A rate within 0.01 % of a whole number is that number: a period of 0.0027778 s is 360 Hz.

    Raises
    ------
    ReadError
        If the rate is no number from 1 to 100,000 Hz.
    """
    low, high = RATE_LIMITS_HZ
    if not low <= rate_hz <= high:
        raise ReadError(f"{where}: expected a rate of {low:g} to {high:g} Hz, got {rate_hz:g} Hz; export it again")
    whole = round(rate_hz)
    return float(whole) if abs(rate_hz - whole) <= _RATE_TOLERANCE * rate_hz else rate_hz


def scaled(digits: npt.NDArray[np.generic], scale: float, offset: float, *, where: str) -> npt.NDArray[np.float32]:
    """Return ``digits * scale + offset`` as float32; NaN stays NaN. Any shape, such as (T,), is kept.

    Raises
    ------
    ReadError
        If the scale is no number or 0, or a value is infinite or too large to be a measurement.
    """
    if not (np.isfinite(scale) and np.isfinite(offset) and scale != 0):
        raise ReadError(f"{where}: expected a scale other than 0 and an offset that are numbers; export it again")
    values = digits.astype(np.float64) * scale + offset
    if bool((np.abs(values) > _LARGEST).any()):
        raise ReadError(f"{where}: expected values below {_LARGEST:g} in size, got a larger one; export it again")
    return values.astype(np.float32)


def _date(text: str | None) -> tuple[int, int, int] | None:
    match = _DATE.match((text or "").strip())
    if match is None:
        return None
    year, month, day = (int(part or 1) for part in match.groups())
    return year, month, day
