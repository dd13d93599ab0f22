"""Simulated notes about devices with simulated identifiers: no name, number or address is that of a person or place.

Telephone numbers are of the range that is kept free for fiction, mail addresses end in ``.example`` (RFC 2606).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from auscult.domains.text.simulate.reports import DEVICES

IDENTIFIERS = ("PATIENT", "STAFF", "DATE", "AGE", "PHONE", "EMAIL", "RECORD_NUMBER", "SERIAL_NUMBER", "HOSPITAL")
"""Types of what tells who or what a note is about."""
_GIVEN = ("Alma", "Bruno", "Carla", "Dario", "Elif", "Frank", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Liang")
_FAMILY = ("Ahorn", "Birke", "Cedar", "Distel", "Esche", "Farn", "Ginster", "Holler", "Iris", "Jasmin", "Klee", "Lin")
_PLACES = ("Riverside", "Sankt Beispiel", "Northfield", "Musterstadt", "Lakeview", "Hilltop")
_MONTHS = ("January", "March", "April", "June", "August", "October", "December")
_SENTENCES = (
    "Patient {PATIENT}, {AGE} old, was seen on {DATE} at {HOSPITAL}.",
    "Record {RECORD_NUMBER} was opened by Dr. {STAFF}.",
    "The {device} with serial number {SERIAL_NUMBER} did not start.",
    "{STAFF} called back on {PHONE} and asked for a replacement.",
    "Please send the report to {EMAIL} before {DATE}.",
    "Mr. {PATIENT} told the nurse that the {device} was warm.",
    "The {device} (SN {SERIAL_NUMBER}) was cleaned and returned to {HOSPITAL} on {DATE}.",
    "The alarm did not sound and nobody was hurt.",
    "A technician looked at the battery; the seal was wet.",
    "The family of {PATIENT} can be reached under {PHONE}.",
    "MRN: {RECORD_NUMBER}",
    "Contact: {STAFF}, {EMAIL}",
)


@dataclass(frozen=True, repr=False)
class Note:
    """A simulated note and its spans: first character, the one after the last, type."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def simulate_notes(count: int, rng: np.random.Generator) -> list[Note]:
    """Make notes of four to eight sentences.

    Parameters
    ----------
    count : int
        How many.
    rng : Generator
        Where the chance comes from.
    """
    return [_note(rng) for _ in range(count)]


def _note(rng: np.random.Generator) -> Note:
    text, spans = "Simulated note.\n", []
    for k in rng.permutation(len(_SENTENCES))[: int(rng.integers(4, 9))]:
        rest = _SENTENCES[int(k)].replace("{device}", _any(DEVICES, rng))
        while "{" in rest:
            before, _, rest = rest.partition("{")
            kind, _, rest = rest.partition("}")
            value = _MAKERS[kind](rng)
            text += before
            spans.append((len(text), len(text) + len(value), kind))
            text += value
        text += rest + ("\n" if rng.random() < 0.3 else " ")
    return Note(text.rstrip(" "), tuple(spans))


def _any(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _name(rng: np.random.Generator) -> str:
    given, family = _any(_GIVEN, rng), _any(_FAMILY, rng)
    return [f"{given} {family}", family, f"{given[0]}. {family}"][int(rng.integers(3))]


def _date(rng: np.random.Generator) -> str:
    day, month, year = int(rng.integers(1, 28)), int(rng.integers(1, 13)), int(rng.integers(2015, 2026))
    return [f"{day:02d}/{month:02d}/{year}", f"{year}-{month:02d}-{day:02d}", f"{day} {_any(_MONTHS, rng)} {year}"][
        int(rng.integers(3))
    ]


_MAKERS: dict[str, Callable[[np.random.Generator], str]] = {
    "PATIENT": _name,
    "STAFF": _name,
    "DATE": _date,
    "AGE": lambda rng: f"{int(rng.integers(1, 99))} years",
    "PHONE": lambda rng: f"555-01{int(rng.integers(100)):02d}",
    "EMAIL": lambda rng: f"{_any(_GIVEN, rng).lower()}.{_any(_FAMILY, rng).lower()}@hospital.example",
    "RECORD_NUMBER": lambda rng: f"{int(rng.integers(10**6, 10**7))}",
    "SERIAL_NUMBER": lambda rng: f"{_any('ABCDEF', rng)}{_any('XYZ', rng)}-{int(rng.integers(10**4, 10**5))}",
    "HOSPITAL": lambda rng: f"{_any(_PLACES, rng)} {_any(('Hospital', 'Clinic', 'Medical Center'), rng)}",
}
