"""Simulated reports of device events: sentences put together at random, about devices and makers that do not exist.

The type of the event, the problems and the person decide which sentences come, so that there is something to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

EVENTS = ("malfunction", "injury", "death")
PROBLEMS = ("P101 display", "P102 leak", "P103 alarm", "P104 break", "P105 battery")
"""Invented problem codes."""
DEVICES = ("infusion pump", "guide catheter", "glucose meter", "ventilator", "bone screw", "pulse generator")
MAKERS = ("Example Devices Inc.", "Sample Medical GmbH", "Fictive Instruments Ltd.")
SEXES = ("F", "M", "unknown")
MISFILED = 0.08
"""Share of the reports whose type of event was chosen without reading, so that no model can be perfect."""

_OPENINGS = (
    "It was reported that the {device} showed a problem during use.",
    "The customer reported an issue with the {device}.",
    "A nurse called to report that the {device} did not work as expected.",
    "During a routine check the {device} was found with a fault.",
)
_PROBLEM_TEXT = {
    "P101 display": ("the display went blank", "the screen could not be read", "pixels were missing on the screen"),
    "P102 leak": ("fluid was leaking at the connector", "a leak was seen along the line", "the seal was wet"),
    "P103 alarm": ("the alarm did not sound", "a false alarm came again and again", "no audible alert was given"),
    "P104 break": ("the tip was found broken", "the housing was cracked", "a part fractured under load"),
    "P105 battery": ("the battery would not charge", "power was lost without warning", "the battery ran hot"),
}
_OUTCOMES = {
    "malfunction": (
        "There was no patient involvement.",
        "No harm was reported and the unit was replaced.",
        "The procedure was finished with another device and nobody was hurt.",
    ),
    "injury": (
        "{person} needed a further procedure and recovered.",
        "{person} was treated for bleeding and stayed in hospital for two days.",
        "{person} had a low reading and was given glucose by the emergency service.",
    ),
    "death": (
        "{person} was resuscitated without success and died.",
        "{person} expired later that day; whether the device took part is not known.",
        "The family said that {lower} passed away at home.",
    ),
}
_PERSONS = {"F": ("The woman", "She"), "M": ("The man", "He"), "unknown": ("The patient", "The user")}
_CLOSINGS = (
    "The device was returned for evaluation.",
    "The device was not returned.",
    "A follow-up will be sent when the evaluation is complete.",
    "The lot history was reviewed and showed nothing unusual.",
)


@dataclass(frozen=True)
class Report:
    """One simulated report.

    Parameters
    ----------
    narrative : str
        What the reporter wrote.
    event, device, maker, sex : str
        What it is about.
    problems : tuple of str
        One or two problem codes.
    """

    narrative: str
    event: str
    problems: tuple[str, ...]
    device: str
    maker: str
    sex: str


def simulate_reports(count: int, rng: np.random.Generator) -> list[Report]:
    """Make reports; a third of each type of event, of which some are filed under a type drawn at random.

    Parameters
    ----------
    count : int
        How many.
    rng : Generator
        Where the chance comes from.
    """
    reports = [_report(EVENTS[k % len(EVENTS)], rng) for k in range(count)]
    misfiled = rng.random(count) < MISFILED
    return [replace(r, event=_any(EVENTS, rng)) if wrong else r for r, wrong in zip(reports, misfiled, strict=True)]


def _report(event: str, rng: np.random.Generator) -> Report:
    device, maker, sex = _any(DEVICES, rng), _any(MAKERS, rng), _any(SEXES, rng)
    problems = tuple(sorted(str(p) for p in rng.choice(PROBLEMS, size=int(rng.integers(1, 3)), replace=False)))
    person = _any(_PERSONS[sex], rng)
    what = " and ".join(_any(_PROBLEM_TEXT[p], rng) for p in problems)
    parts = [
        _any(_OPENINGS, rng).format(device=device),
        f"Upon inspection on day {int(rng.integers(1, 400))}, {what}.",
        _any(_OUTCOMES[event], rng).format(person=person, lower=person.lower()),
        _any(_CLOSINGS, rng),
        f"Simulated report, reference {int(rng.integers(10**6)):06d}.",
    ]
    return Report(" ".join(parts), event, problems, device, maker, sex)


def _any(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
