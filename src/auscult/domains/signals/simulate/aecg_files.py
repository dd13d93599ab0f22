"""Write a simulated ECG as an HL7 annotated ECG (aECG).

Source of the layout: HL7 V3 Annotated ECG, release 1 (ANSI/HL7 V3 ECG, R1-2004); lead codes from ISO/IEEE
11073-10102.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5
from xml.etree import ElementTree

import numpy as np

from auscult.base.errors import ShapeError
from auscult.domains.signals.simulate.ecg import SimulatedEcg
from auscult.domains.signals.simulate.person import FIRST_DAY, SimulatedPerson

_HL7 = "urn:hl7-org:v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_MDC = {"codeSystem": "2.16.840.1.113883.6.24", "codeSystemName": "MDC"}
_ACT = {"codeSystem": "2.16.840.1.113883.5.4", "codeSystemName": "ActCode"}
_STEP_UV = 2.5
_NOBODY = SimulatedPerson()


def write_hl7_aecg(path: Path, ecg: SimulatedEcg, *, person: SimulatedPerson = _NOBODY) -> Path:
    """Write one rhythm series, 2.5 µV a step.

    Parameters
    ----------
    path : Path
        File to write.
    ecg : SimulatedEcg
        Signal without NaN; ``MLII`` is written as lead II, for which the nomenclature has a code.
    person : SimulatedPerson
        Whose code, sex and year of birth the document carries.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ShapeError
        The signal holds NaN, which a list of digits cannot store.
    """
    if not np.isfinite(ecg.signal_mv).all():
        raise ShapeError(
            "write_hl7_aecg: expected a signal without NaN, got one with NaN; aECG digits have no missing "
            "value: fill the gaps or write WFDB."
        )
    ElementTree.register_namespace("", _HL7)
    ElementTree.register_namespace("xsi", _XSI)
    start = FIRST_DAY + timedelta(hours=9)
    end = start + timedelta(seconds=len(ecg.signal_mv) / ecg.rate_hz)
    times = {"low": f"{start:%Y%m%d%H%M%S}.000", "high": f"{end:%Y%m%d%H%M%S}.{end.microsecond // 1000:03d}"}
    root = ElementTree.Element(_tag("AnnotatedECG"))
    _add(root, "id", {"root": str(uuid5(NAMESPACE_OID, person.code))})
    _add(root, "code", {"code": "93000", "codeSystem": "2.16.840.1.113883.6.12", "codeSystemName": "CPT-4"})
    _add(root, "text").text = "simulated"
    _add_interval(root, times)
    _add_person(root, person)
    series = _add(_add(root, "component"), "series")
    _add(series, "id", {"root": str(uuid5(NAMESPACE_OID, person.code + " series"))})
    _add(series, "code", {"code": "RHYTHM"} | _ACT)
    _add_interval(series, times)
    sequences = _add(_add(series, "component"), "sequenceSet")
    clock = _add_sequence(sequences, {"code": "TIME_ABSOLUTE"} | _ACT, "GLIST_TS")
    _add(clock, "head", {"value": times["low"], "unit": "s"})
    _add(clock, "increment", {"value": f"{1.0 / ecg.rate_hz:.12g}", "unit": "s"})
    steps = np.round(ecg.signal_mv.astype(np.float64) * 1000.0 / _STEP_UV).astype(np.int64)  # (T, C)
    for lead, column in zip(ecg.leads, steps.T, strict=True):
        code = f"MDC_ECG_LEAD_{'II' if lead == 'MLII' else lead.upper()}"
        value = _add_sequence(sequences, {"code": code} | _MDC, "SLIST_PQ")
        _add(value, "origin", {"value": "0", "unit": "uV"})
        _add(value, "scale", {"value": f"{_STEP_UV:g}", "unit": "uV"})
        _add(value, "digits").text = " ".join(map(str, column.tolist()))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)
    return path


def _tag(name: str) -> str:
    """Qualify an element's name."""
    return f"{{{_HL7}}}{name}"


def _add(parent: ElementTree.Element, name: str, attributes: dict[str, str] | None = None) -> ElementTree.Element:
    """Append an element."""
    return ElementTree.SubElement(parent, _tag(name), attributes or {})


def _add_interval(parent: ElementTree.Element, times: dict[str, str]) -> None:
    """Append start and end of the recording."""
    interval = _add(parent, "effectiveTime")
    for name, value in times.items():
        _add(interval, name, {"value": value})


def _add_person(root: ElementTree.Element, person: SimulatedPerson) -> None:
    """Append who was recorded: trial subject, sex, birth."""
    at = root
    for name in (
        "componentOf",
        "timepointEvent",
        "componentOf",
        "subjectAssignment",
        "subject",
        "trialSubject",
    ):
        at = _add(at, name)
    _add(at, "id", {"root": "2.25.1", "extension": person.code})
    who = _add(at, "subjectDemographicPerson")
    _add(who, "name").text = "Simulated Person"
    _add(who, "administrativeGenderCode", {"code": person.sex, "codeSystem": "2.16.840.1.113883.5.1"})
    _add(who, "birthTime", {"value": f"{person.birth:%Y%m%d}"})


def _add_sequence(sequences: ElementTree.Element, code: dict[str, str], kind: str) -> ElementTree.Element:
    """Append a sequence; the answer is its value element, of the HL7 data type `kind`."""
    sequence = _add(_add(sequences, "component"), "sequence")
    _add(sequence, "code", code)
    return _add(sequence, "value", {f"{{{_XSI}}}type": kind})
