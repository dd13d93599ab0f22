"""What every signal reader shares: lead names, age bands, sex, and the name of a wrong kind of file."""

from __future__ import annotations

import math
import re

AGE_BANDS = ((18.0, "0-17"), (40.0, "18-39"), (65.0, "40-64"), (math.inf, "65+"))
_LEADS = {
    name.upper(): name for name in ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "MLII")
}
_PREFIX = re.compile(r"^(?:MDC_ECG_LEAD|ECG|EKG|LEAD)(?:[\s_:.-]+|$)", re.IGNORECASE)
_SUFFIX = re.compile(r"[\s_-]+(?:REF|LEAD|ECG|EKG)$", re.IGNORECASE)
_SEX = {"f": "F", "female": "F", "w": "F", "2": "F", "m": "M", "male": "M", "1": "M"}
_KINDS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\x89PNG", "PNG"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"<?xml", "XML"),
    (b"\xef\xbb\xbf<?xml", "XML"),
    (b"0       ", "EDF"),
    (b"\xffBIOSEMI", "BDF"),
)


def normal_lead(name: str) -> str:
    """Return the usual name of an ECG lead: ``I II III aVR aVL aVF V1..V6 MLII``.

    Case, a leading "ECG", "EKG" or "lead" and a trailing "-REF" do not matter. A name that is none of
    these is kept as it is, without surrounding blanks.

    Examples
    --------
    >>> normal_lead("ECG Lead avf"), normal_lead("MCL1")
    ('aVF', 'MCL1')
    """
    plain = name.strip()
    core = plain
    while (shorter := _PREFIX.sub("", core)) != core:
        core = shorter
    core = _SUFFIX.sub("", core)
    return _LEADS.get(core.upper(), plain)


def is_standard_lead(name: str) -> bool:
    """Whether a name is one of the twelve standard leads or MLII, after :func:`normal_lead`."""
    return normal_lead(name).upper() in _LEADS


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


def looks_like(head: bytes) -> str:
    """Name what a file seems to be by its first bytes: ``JPEG``, ``PDF``, ``text``, ``empty file`` and such.

    Parameters
    ----------
    head : bytes
        The first bytes of the file, 132 or more if it has them.
    """
    if not head:
        return "empty file"
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    if head[128:132] == b"DICM":
        return "DICOM"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    return "text" if is_text(head) else "unknown binary data"


def is_text(head: bytes) -> bool:
    """Whether bytes look like text: no control characters besides tab and line ends."""
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in head[:1024]) and 127 not in head[:1024]


def names_of(count: int, name: str) -> str:
    """Write a count with its noun, in the plural where it must be."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
