"""What every signal reader shares: lead names, and counts in words."""

from __future__ import annotations

import re

_LEADS = {
    name.upper(): name for name in ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "MLII")
}
_PREFIX = re.compile(r"^(?:MDC_ECG_LEAD|ECG|EKG|LEAD)(?:[\s_:.-]+|$)", re.IGNORECASE)
_SUFFIX = re.compile(r"[\s_-]+(?:REF|LEAD|ECG|EKG)$", re.IGNORECASE)


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


def names_of(count: int, name: str) -> str:
    """Write a count with its noun, in the plural where it must be."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
