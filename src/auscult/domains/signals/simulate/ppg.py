"""Simulated finger PPG segments with the blood pressure that shaped them; never a patient.

The pulse is a sum of an incident and two reflected waves, as in the pulse decomposition of Baruch et al.,
Nonlinear Biomed Phys 5:1 (2011). A stiffer artery conducts faster, so that its reflections come earlier and
stronger, and its upstroke is slower to peak (Millasseau et al., Clin Sci 103:371, 2002). Stiffness follows
age and systolic pressure; the numbers are chosen to look plausible, not fitted to data, and a model that
does well here has shown nothing about people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auscult.base.errors import ShapeError, UnitError

Floats = NDArray[np.float64]

SEGMENTS_PER_SUBJECT = 3
_BASE_LEVEL = 2000.0  # converter steps, as of a 12-bit device
_SHORTEST_S = 1.0
_LOWEST_RATE_HZ = 40.0


@dataclass(frozen=True, eq=False)
class SimulatedPpg:
    """Simulated PPG segments, three a subject, with one set of pressures a subject.

    Attributes
    ----------
    segments : array (N, T) float32
        Converter steps around 2000, pulse upwards.
    rate_hz : float
        Sampling rate.
    subject : array (N,) int64
        Index of the simulated subject, ascending from 0.
    sbp_mmhg, dbp_mmhg : array (N,) float64
        Systolic and diastolic pressure; the same in all segments of a subject.
    age_years, bmi_kg_m2, heart_rate_bpm : array (N,) float64
        The subject's age (20 .. 89), body mass index (16 .. 38) and heart rate (55 .. 105).
    simulated : bool
        Always true.
    """

    segments: NDArray[np.float32]
    rate_hz: float
    subject: NDArray[np.int64]
    sbp_mmhg: Floats
    dbp_mmhg: Floats
    age_years: Floats
    bmi_kg_m2: Floats
    heart_rate_bpm: Floats
    simulated: bool = True


def simulate_ppg(
    rng: np.random.Generator, *, n_segments: int, duration_s: float = 2.1, rate_hz: float = 1000.0
) -> SimulatedPpg:
    """Simulate short PPG segments whose shape depends on blood pressure.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same segments.
    n_segments : int
        Number of segments N, at least 1; every three belong to one subject, the last may have fewer.
    duration_s, rate_hz : float
        Length and sampling rate; at least 1 s and 40 Hz.

    Returns
    -------
    SimulatedPpg
        Segments, pressures and the subject's data.

    Raises
    ------
    ShapeError
        No segment is asked for, or one shorter than 1 s.
    UnitError
        The rate is below 40 Hz.

    Examples
    --------
    >>> simulate_ppg(np.random.default_rng(0), n_segments=4).segments.shape
    (4, 2100)
    """
    if n_segments < 1 or duration_s < _SHORTEST_S:
        raise ShapeError(
            f"simulated PPG: expected 1 segment or more, 1 s or more, got {n_segments} of {duration_s:g} s."
        )
    if rate_hz < _LOWEST_RATE_HZ:
        raise UnitError(f"simulated PPG: expected a rate of at least 40 Hz, got {rate_hz:g}; raise rate_hz.")
    n_subjects = -(-n_segments // SEGMENTS_PER_SUBJECT)
    age = rng.uniform(20.0, 90.0, n_subjects)
    bmi = np.clip(rng.normal(23.5, 3.5, n_subjects), 16.0, 38.0)
    rate = np.clip(rng.normal(75.0, 10.0, n_subjects), 55.0, 105.0)
    sbp = np.clip(98.0 + 0.4 * age + 1.2 * (bmi - 23.5) + rng.normal(0.0, 14.0, n_subjects), 80.0, 200.0)
    dbp = np.clip(0.45 * sbp + 14.0 + rng.normal(0.0, 6.0, n_subjects), 45.0, sbp - 20.0)
    stiffness = (sbp - 127.0) / 20.0 + 0.2 * (age - 55.0) / 20.0
    subject = np.arange(n_segments, dtype=np.int64) // SEGMENTS_PER_SUBJECT
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    rows = [_segment(rng, time_s, stiffness[i], 60.0 / rate[i]) for i in subject]
    return SimulatedPpg(
        segments=np.stack(rows).astype(np.float32),
        rate_hz=rate_hz,
        subject=subject,
        sbp_mmhg=sbp[subject],
        dbp_mmhg=dbp[subject],
        age_years=age[subject],
        bmi_kg_m2=bmi[subject],
        heart_rate_bpm=rate[subject],
    )


def pulse_of_stiffness(time_s: Floats, stiffness: float) -> Floats:
    """Give the simulated pulse that starts at second 0.

    Parameters
    ----------
    time_s : array (T,)
        Seconds after the foot; what comes before the foot is near 0.
    stiffness : float
        Of the arteries, 0 in the middle, about -3 .. 3. One more brings the reflected wave 15 ms forward,
        raises it by a seventh of the incident wave's height, and delays that wave's peak by 6 ms.

    Returns
    -------
    array (T,) float64
        Incident wave of height 1, an early reflection from the arm and pelvis, and a late one after the
        valve closes.
    """
    level = float(np.clip(stiffness, -3.0, 3.0))
    incident = _wave(time_s, 0.135 + 0.006 * level, 0.045)
    early = (0.5 + 0.14 * level) * _wave(time_s, 0.27 - 0.015 * level, 0.065)
    late = 0.3 * _wave(time_s, 0.45 - 0.01 * level, 0.09)
    return incident + early + late


def _wave(time_s: Floats, centre_s: float, width_s: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((time_s - centre_s) / width_s) ** 2), dtype=np.float64)


def _segment(rng: np.random.Generator, time_s: Floats, stiffness: float, period_s: float) -> Floats:
    """Lay pulses one period after the other, from a random phase, on a slow baseline with converter noise."""
    level = stiffness + rng.normal(0.0, 0.15)
    foot_s = -period_s * rng.uniform(0.0, 1.0) - period_s
    pulses = np.zeros_like(time_s)
    while foot_s < time_s[-1]:
        pulses += rng.normal(1.0, 0.03) * pulse_of_stiffness(time_s - foot_s, level)
        foot_s += period_s * rng.normal(1.0, 0.02)
    amplitude = float(np.exp(rng.normal(np.log(450.0), 0.4)))
    breath_hz, phase = rng.uniform(0.15, 0.35), rng.uniform(0.0, 2.0 * np.pi)
    baseline = 0.05 * amplitude * np.sin(2.0 * np.pi * breath_hz * time_s + phase)
    noise = rng.normal(0.0, 8.0, len(time_s))
    return np.asarray(_BASE_LEVEL + amplitude * (pulses - 0.4) + baseline + noise, dtype=np.float64)
