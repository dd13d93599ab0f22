"""A simulated person, for the header fields that real exports carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

# The day on which every simulated recording starts. Its day of the month is above 12, so that day and month
# cannot be mistaken for each other.
FIRST_DAY = datetime(2021, 3, 18)


@dataclass(frozen=True)
class SimulatedPerson:
    """Nobody: a code that starts with ``SIM``, an age and a sex.

    Attributes
    ----------
    code : str
        Identifier without blanks, for example ``SIM-0007``.
    age_years : int
        Age on the day of the recording.
    sex : str
        ``F`` or ``M``.
    """

    code: str = "SIM-0001"
    age_years: int = 63
    sex: str = "F"

    @property
    def birth(self) -> datetime:
        """First of January of the year of birth."""
        return datetime(FIRST_DAY.year - self.age_years, 1, 1)


def simulate_person(rng: np.random.Generator, number: int) -> SimulatedPerson:
    """Draw age (19 .. 94 years) and sex of the simulated person of this number."""
    age_years = int(np.clip(rng.normal(62.0, 15.0), 19, 94))
    return SimulatedPerson(f"SIM-{number:04d}", age_years, str(rng.choice(["F", "M"])))
