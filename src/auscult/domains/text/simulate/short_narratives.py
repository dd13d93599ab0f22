"""Simulated narratives of two or three sentences, of which each states one fact of an event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from auscult.domains.text.simulate.reports import Report, simulate_reports

_DEVICES = ("pump", "catheter", "stent", "meter")
_PROBLEMS = {
    "leak": "{the} {device} was found leaking.",
    "break": "{the} {device} was broken.",
    "alarm": "{the} {device} gave an alarm.",
    "infection": "{the} {device} was infected.",
}
_OUTCOMES = {
    "no harm": "No harm was seen.",
    "recovered": "The user recovered.",
    "death": "The user died.",
    "": "It was returned.",
}


def simulate_short(count: int, rng: np.random.Generator) -> list[Report]:
    """Make narratives; device, problem and outcome are drawn each by itself.

    Parameters
    ----------
    count : int
        How many.
    rng : Generator
        Where the chance comes from.
    """
    made = []
    for report in simulate_reports(count, rng):
        device, problem, outcome = (str(rng.choice(list(v))) for v in (_DEVICES, _PROBLEMS, _OUTCOMES))
        the = str(rng.choice(["The", "This", "One"]))
        text = f"{_PROBLEMS[problem].format(the=the, device=device)} {_OUTCOMES[outcome]} Simulated."
        made.append(replace(report, narrative=text, device=device))
    return made
