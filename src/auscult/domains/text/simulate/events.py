"""Simulated narratives of device events that state age, sex, dates and outcome, or do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from auscult.domains.text.simulate.reports import Report, simulate_reports

_OPENINGS = {
    "F": ("A {age} year old female reported a problem.", "The pt, a {age} yr old woman, was seen on {date}.",
          "The patient's husband reported that the device stopped; she was {age} years old."),
    "M": ("A {age} year old male reported a problem.", "The pt, a {age} yr old man, was seen on {date}.",
          "The patient's wife reported that the device stopped; he was {age} years old."),
    "unknown": ("The nurse said that she saw a fault on {date}.", "The surgeon said he could not use the device.",
                "A technician reported the fault on {date}; he replaced the unit."),
}  # fmt: skip
_OUTCOMES = {
    "malfunction": ("No harm was reported.", "The unit was replaced."),
    "injury": ("The patient was hospitalized for two days.", "The patient was treated for bleeding."),
    "death": ("The patient died later that day.", "The patient was resuscitated and died."),
}
_CLOSINGS = {"F": "Her pump was returned.", "M": "His pump was returned.", "unknown": "The pump was returned."}


def simulate_events(count: int, rng: np.random.Generator) -> list[Report]:
    """Make narratives in which the sex is what the text says, a third of each.

    Parameters
    ----------
    count : int
        How many.
    rng : Generator
        Where the chance comes from.
    """
    made = []
    for k, report in enumerate(simulate_reports(count, rng)):
        sex = ("F", "M", "unknown")[k % 3]
        opening = _OPENINGS[sex][int(rng.integers(len(_OPENINGS[sex])))]
        date = f"{int(rng.integers(1, 13)):02d}/{int(rng.integers(1, 28)):02d}/20{int(rng.integers(10, 26))}"
        outcomes = _OUTCOMES[report.event]
        parts = [
            opening.format(age=int(rng.integers(1, 95)), date=date),
            _CLOSINGS[sex],
            report.narrative.split(". ")[1] + ".",
            outcomes[int(rng.integers(len(outcomes)))],
        ]
        made.append(replace(report, narrative=" ".join([*parts, "Simulated report."]), sex=sex))
    return made
