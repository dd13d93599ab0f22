"""HL7 annotated ECG (aECG), as the FDA receives it: the rhythms of one XML file.

Source: HL7 V3 Annotated ECG, Release 1 (ANSI/HL7 V3 ECG, R1-2004). A sequence set is several leads over one
time axis; a value is ``origin + digit * scale``. Derived series (averaged beats) and annotations are not
read. A document type declaration is refused, so that no entity is ever expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from auscult.base.contracts import RecordBatch, SetAside, Source
from auscult.base.errors import InputError, ReadError, UnitError
from auscult.base.units import to_home
from auscult.domains.signals.readers.common import normal_lead
from auscult.domains.signals.readers.headers import plausible_rate, scaled
from auscult.domains.signals.readers.waveforms import Wave, waveform_batch
from auscult.engine.file_kinds import looks_like
from auscult.engine.people import age_band, sex, years_between

NAME = "aecg"
_ROOT = re.compile(rb"<(?:[\w.-]+:)?AnnotatedECG[\s>/]")
_CHUNK_BYTES = 1 << 20
_LEAD = "MDC_ECG_LEAD_"
_TIMES = ("TIME_ABSOLUTE", "TIME_RELATIVE")
_PERSON = ".//{*}subjectDemographicPerson/{*}"
_DEVICE = "{*}author/{*}seriesAuthor/{*}manufacturedSeriesDevice/{*}"


class AecgReader:
    """Reads aECG files: one record a sequence set, named ``<stem>``, or ``<stem>#<k>`` if several.

    Field: ``ecg`` in mV (T, C). Groups: sex, age band at the recording, device model and firmware.
    """

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield files with an element AnnotatedECG, and any other ``.xml`` or ``.aecg`` to report it."""
        for path in files:
            if path.suffix.lower() in (".xml", ".aecg") or _ROOT.search(_head(path)):
                yield Source(NAME, path.stem, (path,))

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield one batch a sequence set; one that cannot be used is set aside if another can.

        Raises
        ------
        ReadError
            If the file is no aECG, is damaged, declares a document type, or holds no usable rhythm.
        UnitError
            If no sequence set has leads in a known unit.
        """
        path = source.files[0]
        root = _parse(path)
        sets = [(s, g) for s in root.iterfind(".//{*}series") for g in s.iterfind("{*}component/{*}sequenceSet")]
        if not sets:
            raise ReadError(f"{path.name}: expected a series with a sequence set, got none; export the rhythm too")
        aside: list[SetAside] = []
        for number, (series, group) in enumerate(sets, start=1):
            try:
                waves, rate_hz = _waves(group, f"{path.name}, sequence set {number}")
            except InputError as error:
                aside.append(SetAside(source.name, str(error), number))
                if len(aside) == len(sets):
                    raise
                continue
            yield waveform_batch(
                source.name if len(sets) == 1 else f"{source.name}#{number}",
                waves,
                rate_hz=rate_hz,
                subject=_subject(root),
                groups=_groups(root, series),
            )
        yield from aside


class _NoDoctype(ET.TreeBuilder):
    """Builds the tree, and stops at a document type before its first entity is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        """Refuse; the parser calls this where a document type declaration starts."""
        raise ReadError("expected XML without a document type declaration, got one; remove it, aECG has none")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4096).replace(b"\0", b"")
    except OSError:
        return b""


def _parse(path: Path) -> ET.Element:
    parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - it refuses any DOCTYPE, so no entity is expanded
    try:
        with path.open("rb") as stream:
            chunk = stream.read(_CHUNK_BYTES)
            if not chunk.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
                raise ReadError(f"expected XML, got {looks_like(chunk)}; export the recording as HL7 aECG")
            while chunk:
                parser.feed(chunk)
                chunk = stream.read(_CHUNK_BYTES)
        root: ET.Element = parser.close()
    except ReadError as error:
        raise ReadError(f"{path.name}: {error}") from error
    except ET.ParseError as error:
        line, column = error.position
        raise ReadError(
            f"{path.name}: expected well-formed XML, got an error in line {line}, column {column}; "
            "the file is cut off or damaged, export it again"
        ) from error
    except (OSError, ValueError, LookupError) as error:
        raise ReadError(f"{path.name}: cannot be read ({type(error).__name__}); export it again") from error
    if _name(root) != "AnnotatedECG":
        raise ReadError(
            f"{path.name}: expected the root element AnnotatedECG, got {_name(root)[:40]}; "
            "export the recording as HL7 aECG"
        )
    return root


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _waves(group: ET.Element, where: str) -> tuple[list[Wave], float]:
    """Return the leads of a sequence set and their rate in hertz."""
    rate_hz: float | None = None
    waves: list[Wave] = []
    for sequence in group.iterfind("{*}component/{*}sequence"):
        code = _attribute(sequence, "{*}code", "code") or ""
        if code in _TIMES:
            rate_hz = _rate(sequence, where)
        elif code.startswith(_LEAD):
            waves.append(Wave("ecg", normal_lead(code.removeprefix(_LEAD)), _lead(sequence, f"{where}, {code}")))
    lengths = {len(w.values) for w in waves}
    if len(lengths) != 1:
        got = "none" if not waves else f"lengths from {min(lengths)} to {max(lengths)}"
        raise ReadError(f"{where}: expected leads of one length, got {got}; export the recording again")
    if lengths == {0}:
        raise ReadError(f"{where}: expected leads with samples, got empty ones; export the recording again")
    if rate_hz is None:
        raise ReadError(f"{where}: expected a time sequence with an increment, got none; export it again")
    return waves, rate_hz


def _rate(sequence: ET.Element, where: str) -> float:
    period = _number(sequence, "{*}value/{*}increment", where)
    _, factor = to_home(_unit(sequence, "{*}value/{*}increment"), "time", where=f"{where}, increment")
    period_s = period * factor
    if not period_s > 0:
        raise ReadError(f"{where}: expected an increment above 0, got {period_s:g} s; export the recording again")
    return plausible_rate(1.0 / period_s, where)


def _lead(sequence: ET.Element, where: str) -> npt.NDArray[np.float32]:
    """Return the samples of one lead in mV."""
    factors = []
    for part in ("origin", "scale"):
        unit = _unit(sequence, f"{{*}}value/{{*}}{part}")
        if not unit:
            raise UnitError(f"{where}: expected a unit on the {part}, got none; export with values in uV or mV")
        factors.append(to_home(unit, "voltage", where=f"{where}, {part}")[1])
    origin = _number(sequence, "{*}value/{*}origin", where) * factors[0]
    scale = _number(sequence, "{*}value/{*}scale", where) * factors[1]
    try:
        digits = np.array((sequence.findtext("{*}value/{*}digits") or "").split(), dtype=np.float64)
    except ValueError as error:
        raise ReadError(f"{where}: expected numbers as digits, got other text; export it again") from error
    return scaled(digits, scale, origin, where=where)


def _number(element: ET.Element, path: str, where: str) -> float:
    try:
        return float(_attribute(element, path, "value") or "")
    except ValueError as error:
        part = path.rpartition("}")[2]
        raise ReadError(f"{where}: expected a number as value of {part}, got none; export it again") from error


def _unit(element: ET.Element, path: str) -> str:
    return _attribute(element, path, "unit") or ""


def _attribute(element: ET.Element, path: str, name: str) -> str | None:
    found = element.find(path)
    return None if found is None else found.get(name)


def _subject(root: ET.Element) -> str | None:
    path = ".//{*}trialSubject/{*}id"
    return _attribute(root, path, "extension") or _attribute(root, path, "root")


def _groups(root: ET.Element, series: ET.Element) -> dict[str, str]:
    times = ("{*}effectiveTime/{*}low", "{*}effectiveTime/{*}center", "{*}effectiveTime")
    recorded = next((t for e in (series, root) for p in times if (t := _attribute(e, p, "value"))), None)
    groups = {
        "sex": sex(_attribute(root, f"{_PERSON}administrativeGenderCode", "code")),
        "age_band": age_band(years_between(_attribute(root, f"{_PERSON}birthTime", "value"), recorded)),
    }
    for key, name in (("device_model", "manufacturerModelName"), ("firmware", "softwareName")):
        text = (series.findtext(f"{_DEVICE}{name}") or "").strip()
        if text:
            groups[key] = text
    return groups
