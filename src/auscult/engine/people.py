"""What a header may say of a person without naming anybody: sex, age band, and how an age is written."""

from __future__ import annotations

import math
import re

AGE_BANDS = ((18.0, "0-17"), (40.0, "18-39"), (65.0, "40-64"), (math.inf, "65+"))
_SEX = {"f": "F", "female": "F", "w": "F", "2": "F", "m": "M", "male": "M", "1": "M"}
_DATE = re.compile(r"(\d{4})(\d{2})?(\d{2})?")
_DICOM_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def age_band(years: float | None) -> str:
    """Return the age band of an age in years: ``0-17``, ``18-39``, ``40-64``, ``65+`` or ``unknown``.

    An absent, negative, not finite or impossible age (above 130) is unknown.
    """
    if years is None or not 0 <= years <= 130:
        return "unknown"
    return next(band for limit, band in AGE_BANDS if years < limit)


def sex(text: str | None) -> str:
    """Return ``F``, ``M`` or ``unknown``.

    Understands F/female/W/2 and M/male/1 in any case (HL7 and ISO 5218 codes, EDF+, MIT-BIH comments).
    """
    return _SEX.get((text or "").strip().lower(), "unknown")


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


def _date(text: str | None) -> tuple[int, int, int] | None:
    match = _DATE.match((text or "").strip())
    if match is None:
        return None
    year, month, day = (int(part or 1) for part in match.groups())
    return year, month, day
