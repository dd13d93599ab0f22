"""Facts of a device event: read from a narrative by the rules of ``event-parse``, or asked for in columns.

A request is a line for each field that has a value, such as ``device: catheter; sheath``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError
from auscult.domains.text.preprocess.event_fields import DEVICES, OUTCOMES, PROBLEMS, event_type, stated_fields
from auscult.domains.text.preprocess.patient_sex import SEXES, sex_evidence

Facts = Mapping[str, tuple[str, ...]]
CLOSED: Mapping[str, tuple[str, ...]] = {
    "sex": SEXES,
    "event": ("death", "injury"),
    "device": DEVICES,
    "problem": tuple(PROBLEMS),
    "outcome": tuple(OUTCOMES),
}
"""Fields whose values are known; a malfunction is what is left where a text says nothing, so it is no fact."""
OPEN = ("age", "date")
FIELDS = ("sex", "age", "date", "event", "device", "problem", "outcome")
NAMES = (
    *(f"{field}: {value}" for field, values in CLOSED.items() for value in values),
    *(f"{prefix}{field}" for field in OPEN for prefix in ("", "another ")),
)
"""Facts that can be asked for and stated; of an age and of dates there is the one asked for, and any other."""
_PLACE = {name: k for k, name in enumerate(NAMES)}
_AGE = re.compile(r"(\d{1,3})(?: (year|month|week|day)s?)?")


def facts_of_text(text: str) -> dict[str, tuple[str, ...]]:
    """Read what a narrative states.

    Examples
    --------
    >>> facts_of_text("The pt, a 45 yr old woman, was treated as the pump leaked.")["problem"]
    ('leak',)
    """
    found: dict[str, list[str]] = {field: [] for field in FIELDS}
    for stated in stated_fields(text):
        if stated.value not in found[stated.field]:
            found[stated.field].append(stated.value)
    found["age"] = found["age"][:1]
    kind, place = event_type(text)
    if place is not None:
        found["event"] = [kind]
    sexes = [e.sex for e in sex_evidence(text) if e.kind != "other-pronoun"]
    if sexes.count("F") != sexes.count("M"):
        found["sex"] = ["F" if sexes.count("F") > sexes.count("M") else "M"]
    return {field: tuple(values) for field, values in found.items()}


def facts_of_columns(values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read facts that somebody asks for: several values of a field are separated by semicolons.

    Raises
    ------
    ReadError
        If a value is none that can be looked for in a text; the message does not repeat it.
    """
    found: dict[str, tuple[str, ...]] = dict.fromkeys(FIELDS, ())
    for field, stated in values.items():
        parts = [p.strip() for p in stated.split(";") if p.strip()]
        if field in CLOSED:
            known = [p for p in parts if p in CLOSED[field]]
            passed = [p for p in parts if (field, p) in (("sex", "unknown"), ("event", "malfunction"))]
            if len(known) + len(passed) < len(parts):
                raise ReadError(
                    f"'{field}': expected {', '.join(CLOSED[field])}, separated by semicolons, got another value"
                )
        elif field == "age":
            ages = [_AGE.fullmatch(p) for p in parts]
            if len(parts) > 1 or None in ages:
                raise ReadError("'age': expected one age such as '45' or '3 month', got another value")
            known = [f"{int(a[1])} {a[2] or 'year'}" for a in ages if a]
        else:
            read = [[s.value for s in stated_fields(p) if s.field == "date"] for p in parts]
            if any(len(dates) != 1 for dates in read):
                raise ReadError("'date': expected dates such as '03/12/2024' or '12 March 2024', got another value")
            known = [dates[0] for dates in read]
        found[field] = tuple(dict.fromkeys(known))
    return found


def request_of(facts: Facts, also: Mapping[str, str]) -> str:
    """Write a request: what else is known first, then the facts, a line each."""
    lines = [f"{name}: {' '.join(value.split())}" for name, value in also.items() if value.strip()]
    lines += [f"{field}: {'; '.join(facts[field])}" for field in FIELDS if facts.get(field)]
    return "\n".join(lines)


def facts_of_request(request: str) -> dict[str, tuple[str, ...]]:
    """Read the facts of a request again; the lines that are none of the fields are left out."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(FIELDS, ())
    for line in request.split("\n"):
        field, colon, values = line.partition(": ")
        if colon and field in found:
            found[field] = tuple(values.split("; "))
    return found


def asked_facts(requests: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Mark the facts that requests ask for, (N, K), in the order of ``NAMES``."""
    marks = np.zeros((len(requests), len(NAMES)), dtype=np.uint8)
    for row, request in enumerate(requests):
        facts = facts_of_request(request)
        _mark(marks[row], facts, facts)
    return marks


def stated_facts(requests: Sequence[str], texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Mark the facts that texts state, (N, K), each beside what was asked for."""
    marks = np.zeros((len(texts), len(NAMES)), dtype=np.uint8)
    for row, (request, text) in enumerate(zip(requests, texts, strict=True)):
        _mark(marks[row], facts_of_text(text), facts_of_request(request))
    return marks


def _mark(row: npt.NDArray[np.uint8], facts: Facts, asked: Facts) -> None:
    for field, values in CLOSED.items():
        for value in facts[field]:
            if value in values:
                row[_PLACE[f"{field}: {value}"]] = 1
    for field in OPEN:
        wanted = set(asked[field])
        row[_PLACE[field]] = bool(wanted) and wanted <= set(facts[field])
        row[_PLACE[f"another {field}"]] = bool(set(facts[field]) - wanted)
