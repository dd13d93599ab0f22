"""Simulated continuous glucose monitoring.

Glucose is a base level plus dawn effect, slow drift, meals that are absorbed through two compartments and
cleared as insulin does (the linear form of Bergman's minimal model: Bergman et al. 1979, Am J Physiol
236:E667), episodes of hypoglycaemia with their rebound, and the sensor's own autoregressive noise
(Facchinetti et al. 2010, IEEE TBME 57:1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal as sps

from auscult.base.errors import UsageError, unknown
from auscult.domains.signals.simulate.noise import smooth_noise

Floats = NDArray[np.float64]

DAY_S = 86_400.0
RANGE_MGDL = (40.0, 400.0)  # what current sensors report as a number

_MEAL_HOURS = np.array([7.6, 12.7, 19.2])
_MEAL_CARBS_G = np.array([42.0, 58.0, 68.0])


@dataclass(frozen=True)
class GlucoseControl:
    """How one group of persons controls glucose; pairs are the range that a subject is drawn from.

    Attributes
    ----------
    base_mgdl, drift_mgdl, dawn_mgdl : (float, float)
        Level without meals, deviation of the slow drift, height of the dawn effect.
    rise_mgdl_per_g : (float, float)
        Peak rise per gram of carbohydrate.
    clearance_min : (float, float)
        Time constant with which a rise is cleared.
    hypoglycaemia_per_day : float
        Expected episodes below 70 mg/dL.
    """

    base_mgdl: tuple[float, float]
    drift_mgdl: tuple[float, float]
    dawn_mgdl: tuple[float, float]
    rise_mgdl_per_g: tuple[float, float]
    clearance_min: tuple[float, float]
    hypoglycaemia_per_day: float


CONTROLS: dict[str, GlucoseControl] = {
    "healthy": GlucoseControl((82, 98), (5, 9), (0, 8), (0.5, 0.9), (25, 45), 0.03),
    "type1": GlucoseControl((105, 150), (22, 38), (5, 35), (1.0, 1.9), (70, 120), 0.9),
    "type2": GlucoseControl((110, 150), (12, 24), (8, 30), (0.8, 1.6), (60, 110), 0.08),
}


@dataclass(frozen=True, eq=False)
class SimulatedCgm:
    """A simulated wear period of one sensor user.

    Attributes
    ----------
    time_s : array (T,) float64
        Seconds since the first reading, ascending; a gap is a missing reading, never a NaN.
    glucose_mgdl : array (T,) float32
        Whole mg/dL in 40 .. 400.
    meals : array (M, 2) float64
        Seconds since the first reading, and grams of carbohydrate.
    start_s : float
        Clock time of the first reading, in seconds after midnight.
    interval_s : float
        Nominal time between readings.
    """

    time_s: Floats
    glucose_mgdl: NDArray[np.float32]
    meals: Floats
    start_s: float
    interval_s: float


def simulate_cgm(
    rng: np.random.Generator,
    *,
    n_days: float,
    interval_s: float = 300.0,
    control: str = "type1",
    noise_mgdl: float = 2.0,
    gaps_per_day: float = 0.4,
) -> SimulatedCgm:
    """Simulate one person's glucose readings.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same record.
    n_days : float
        Length, above 0.
    interval_s : float
        Time between readings, 60 .. 1800.
    control : str
        ``healthy``, ``type1`` or ``type2``: the ranges that the person is drawn from.
    noise_mgdl : float
        Standard deviation of the sensor's noise.
    gaps_per_day : float
        Expected interruptions; each loses ten minutes to some hours of readings.

    Returns
    -------
    SimulatedCgm
        Readings, meals, clock time of the first reading.

    Raises
    ------
    UsageError
        The control is unknown or a number is out of its range.

    Examples
    --------
    >>> simulate_cgm(np.random.default_rng(0), n_days=2, gaps_per_day=0).glucose_mgdl.shape
    (576,)
    """
    if control not in CONTROLS:
        raise UsageError(unknown("control", control, CONTROLS, where="simulate_cgm"))
    if not (n_days > 0 and 60 <= interval_s <= 1800 and noise_mgdl >= 0 and gaps_per_day >= 0):
        raise UsageError(
            "simulate_cgm: expected n_days above 0, interval_s in 60 .. 1800, noise_mgdl and gaps_per_day "
            f">= 0, got {n_days:g}, {interval_s:g}, {noise_mgdl:g}, {gaps_per_day:g}; give other values."
        )
    ranges = CONTROLS[control]
    start_s = round(rng.uniform(0.0, DAY_S))
    time_s = np.arange(round(n_days * DAY_S / interval_s), dtype=np.float64) * interval_s
    meals = _meals(rng, start_s, n_days)
    glucose = rng.uniform(*ranges.base_mgdl) + _dawn(rng, ranges, start_s + time_s)
    slow, fast = (smooth_noise(rng, len(time_s), width_s / interval_s)[:, 0] for width_s in (7200.0, 1200.0))
    glucose += rng.uniform(*ranges.drift_mgdl) * (0.95 * slow + 0.3 * fast)
    glucose += _rises(rng, ranges, meals, time_s)
    floor_mgdl = 62.0 + 3.0 * smooth_noise(rng, len(time_s), 3600.0 / interval_s)[:, 0]
    glucose = _soft_floor(glucose, floor_mgdl)  # counter-regulation
    glucose = _with_hypoglycaemia(rng, glucose, time_s, ranges.hypoglycaemia_per_day * n_days)
    glucose += _sensor_noise(rng, len(time_s), interval_s) * noise_mgdl
    kept = _kept(rng, time_s, gaps_per_day * n_days)
    readings = np.round(np.clip(glucose, *RANGE_MGDL)).astype(np.float32)
    return SimulatedCgm(time_s[kept], readings[kept], meals, float(start_s), float(interval_s))


def _meals(rng: np.random.Generator, start_s: float, n_days: float) -> Floats:
    """Meals (M, 2): three main meals a day, now and then skipped, and snacks."""
    days = np.arange(-1, int(np.ceil(n_days)) + 1)
    hours = _MEAL_HOURS + rng.normal(0.0, 0.3, 3) + rng.normal(0.0, 0.6, (len(days), 3))
    carbs_g = _MEAL_CARBS_G * rng.lognormal(0.0, 0.35, (len(days), 3))
    eaten = rng.random((len(days), 3)) > np.array([0.15, 0.06, 0.03])
    n_snacks = rng.poisson(1.1 * len(days))
    snacks = np.stack([rng.choice(days, n_snacks) * 24 + rng.uniform(9, 23, n_snacks), rng.uniform(8, 30, n_snacks)])
    clock_h = np.concatenate([(hours + days[:, None] * 24)[eaten], snacks[0]])
    meals = np.stack([clock_h * 3600.0 - start_s, np.concatenate([carbs_g[eaten], snacks[1]])], axis=1)
    meals = meals[(meals[:, 0] > -4 * 3600) & (meals[:, 0] < n_days * DAY_S)]
    return np.asarray(meals[np.argsort(meals[:, 0])])


def _dawn(rng: np.random.Generator, ranges: GlucoseControl, clock_s: Floats) -> Floats:
    """Early morning rise (T,) around half past six, of another height every day."""
    day = np.floor(clock_s / DAY_S).astype(np.int64)
    height = rng.uniform(*ranges.dawn_mgdl) * rng.lognormal(0.0, 0.3, day.max() + 1)
    hours = clock_s % DAY_S / 3600.0
    return np.asarray(height[day] * np.exp(-0.5 * ((hours - 6.5) / 1.7) ** 2))


def _rises(rng: np.random.Generator, ranges: GlucoseControl, meals: Floats, time_s: Floats) -> Floats:
    """Sum of the meals' rises (T,): gut (two time constants) then clearance, scaled to its peak, per meal."""
    gut_min = rng.uniform(18.0, 36.0, len(meals))
    clearance_min = rng.uniform(*ranges.clearance_min) * rng.lognormal(0.0, 0.15, len(meals))
    peak_mgdl = rng.uniform(*ranges.rise_mgdl_per_g) * meals[:, 1] * rng.lognormal(0.0, 0.3, len(meals))
    total = np.zeros(len(time_s))
    for number, meal_s in enumerate(meals[:, 0]):
        first, last = np.searchsorted(time_s, [meal_s, meal_s + 12 * 3600.0])
        minutes = (time_s[first:last] - meal_s) / 60.0
        total[first:last] += peak_mgdl[number] * _absorbed(minutes, gut_min[number], clearance_min[number])
    return total


def _absorbed(minutes: Floats, gut_min: float, clearance_min: float) -> Floats:
    """Answer of gut, gut, clearance in a row to one meal; its peak is 1."""

    def answer(at_min: Floats) -> Floats:
        rate = 1.0 / gut_min - 1.0 / clearance_min
        fed = 1.0 - (1.0 + rate * at_min) * np.exp(-rate * at_min)
        return np.asarray(np.exp(-at_min / clearance_min) * fed)

    return np.asarray(answer(minutes) / answer(np.arange(0.0, 600.0, 2.0)).max())


def _soft_floor(glucose: Floats, floor_mgdl: Floats) -> Floats:
    """Bend values (T,) near and below the floor upwards, smoothly over 10 mg/dL."""
    return np.asarray(floor_mgdl + 10.0 * np.logaddexp(0.0, (glucose - floor_mgdl) / 10.0))


def _with_hypoglycaemia(rng: np.random.Generator, glucose: Floats, time_s: Floats, expected: float) -> Floats:
    """Glucose (T,) with episodes that fall in about an hour, are treated, and overshoot."""
    out = glucose.copy()
    for centre_s in rng.uniform(time_s[0], time_s[-1], rng.poisson(expected)):
        target, fall_s, rise_s = rng.uniform(44, 64), rng.uniform(1500, 3000), rng.uniform(900, 1800)
        rebound = rng.uniform(0, 60)
        distance = time_s - centre_s
        shape = np.exp(-0.5 * (distance / np.where(distance < 0, fall_s, rise_s)) ** 2)
        overshoot = np.exp(-0.5 * ((distance - 4200.0) / 2000.0) ** 2)
        out += shape * np.minimum(target - out, 0.0) + rebound * overshoot
    return out


def _sensor_noise(rng: np.random.Generator, count: int, interval_s: float) -> Floats:
    """Autoregressive noise (T,) of the sensor, deviation about 1, with a correlation time of 15 minutes."""
    keep = np.exp(-interval_s / 900.0)
    white = rng.standard_normal(count + 50)
    return np.asarray(sps.lfilter([np.sqrt(1.0 - keep**2)], [1.0, -keep], white)[50:])


def _kept(rng: np.random.Generator, time_s: Floats, expected: float) -> NDArray[np.bool_]:
    """Which readings (T,) arrived: interruptions of ten minutes to some hours, and single lost readings."""
    kept = rng.random(len(time_s)) > (0.003 if expected > 0 else 0.0)
    starts = rng.uniform(time_s[0], time_s[-1], rng.poisson(expected))
    for start_s, minutes in zip(starts, np.clip(rng.lognormal(3.6, 0.9, len(starts)), 10, 480), strict=True):
        kept &= (time_s < start_s) | (time_s > start_s + minutes * 60.0)
    kept[0] = True
    return np.asarray(kept)
