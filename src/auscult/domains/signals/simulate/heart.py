"""The simulated heart: which leads see what, and what is one subject's own.

A heart is a dipole in Frank's axes (x left, y inferior, z posterior) that moves through waves; a wave is a
Gaussian in time. Traits drawn once per subject make learning across subjects a real problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]

# Dower et al. 1980, Clin Cardiol 3:87: leads from the Frank dipole (x left, y inferior, z posterior).
_DOWER: dict[str, tuple[float, float, float]] = {
    "I": (0.632, -0.235, 0.059),
    "II": (0.235, 1.066, -0.132),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}


def _derived_leads() -> dict[str, Floats]:
    """All lead vectors (3,): Dower's eight, the four that Einthoven and Goldberger derive, and MLII as II."""
    vectors = {name: np.array(row) for name, row in _DOWER.items()}
    one, two = vectors["I"], vectors["II"]
    derived = {
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVL": one - two / 2,
        "aVF": two - one / 2,
        "MLII": two,
    }
    return vectors | derived


LEAD_VECTORS = _derived_leads()

# Rows: centre from the R peak (s), width before and after the centre (s), dipole x y z (mV).
_NORMAL = np.array(
    [
        [-0.175, 0.020, 0.020, 0.060, 0.085, -0.060],  # P, right atrium: anterior
        [-0.145, 0.019, 0.019, 0.050, 0.070, 0.045],  # P, left atrium: posterior
        [-0.027, 0.0085, 0.0085, -0.110, -0.020, -0.260],  # Q, the septum
        [0.000, 0.0110, 0.0105, 1.000, 0.950, 0.430],  # R, the free walls
        [0.027, 0.0095, 0.0110, -0.220, -0.280, 0.330],  # S, the base
        [0.130, 0.045, 0.055, 0.020, 0.015, -0.030],  # ST segment
        [0.270, 0.062, 0.036, 0.280, 0.240, -0.150],  # T: slow rise, fast fall
    ]
)
_P, _ST, _T = slice(0, 2), 5, 6
REPOLARISATION_S = 0.1  # waves centred later than this after the R peak stretch with the interval

# Main QRS dipole (mV) by origin of a ventricular beat: right outflow tract, right apex, left inferior wall,
# left free wall.
_ORIGINS = np.array([[0.2, 1.5, 0.7], [1.1, -1.1, 0.7], [0.2, -1.3, -0.9], [-0.9, 0.9, -0.9]])
PREMATURE = {
    "V": (0.52, 0.80),
    "A": (0.55, 0.82),
    "F": (0.90, 0.97),
}  # interval before, of the sinus interval


@dataclass(frozen=True, eq=False)
class EcgTraits:
    """What stays the same in all records of one simulated subject.

    Attributes
    ----------
    heart_rate_bpm, variability, respiration_hz : float
        Mean sinus rate, standard deviation of the RR interval as a share of its mean, breathing rate.
    normal, atrial : array (7, 6)
        Waves of the normal and of the premature atrial beat: centre, widths (s), dipole (mV).
    ventricular : array (F, 4, 6)
        Waves of the premature ventricular beat of each focus.
    coupling : dict
        Mean interval before a premature beat, as a share of the sinus interval, by symbol.
    run_length : dict
        Mean number of premature beats in a row, by symbol.
    """

    heart_rate_bpm: float
    variability: float
    respiration_hz: float
    normal: Floats
    atrial: Floats
    ventricular: Floats
    coupling: dict[str, float]
    run_length: dict[str, float]


def sample_traits(rng: np.random.Generator, *, heart_rate_bpm: float | None = None) -> EcgTraits:
    """Draw a simulated subject.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    heart_rate_bpm : float, optional
        Mean sinus rate; drawn from 50 .. 105 where absent.

    Returns
    -------
    EcgTraits
        Morphology, rhythm and breathing of the subject.
    """
    turn = Rotation.from_euler("xyz", rng.normal(0.0, [10.0, 12.0, 20.0]), degrees=True).as_matrix()  # heart axis
    normal = _NORMAL.copy()
    normal[:, 1:3] *= rng.lognormal(0.0, 0.08, (len(normal), 1))
    normal[2:5, :3] *= rng.uniform(0.85, 1.25)  # QRS 80 .. 115 ms
    normal[:2, 0] -= rng.uniform(-0.03, 0.04)  # PR interval
    normal[:, 3:] *= rng.lognormal(0.0, 0.25, (len(normal), 1))
    normal[:, 3:] += rng.normal(0.0, 0.12, (len(normal), 3)) * np.linalg.norm(normal[:, 3:], axis=1, keepdims=True)
    normal[_ST, 3:] = rng.normal(0.0, 0.03, 3)
    normal[_T, 3:] *= rng.choice([1.0, 0.45, -0.5], p=[0.72, 0.16, 0.12])  # flat and inverted T waves are common
    normal[:, 3:] = rng.lognormal(0.05, 0.22) * normal[:, 3:] @ turn.T
    rate = float(np.clip(rng.normal(75.0, 11.0), 50.0, 105.0)) if heart_rate_bpm is None else heart_rate_bpm
    return EcgTraits(
        heart_rate_bpm=rate,
        variability=float(rng.uniform(0.02, 0.06)),
        respiration_hz=float(rng.uniform(0.18, 0.32)),
        normal=normal,
        atrial=_atrial(rng, normal),
        ventricular=np.stack([_ventricular(rng) for _ in range(1 + int(rng.random() < 0.35))]),
        coupling={symbol: float(rng.uniform(*limits)) for symbol, limits in PREMATURE.items()},
        run_length={
            "V": float(rng.choice([1.0, 1.15, 1.5])),
            "A": float(rng.choice([1.0, 1.2, 2.0])),
            "F": 1.0,
        },
    )


def _atrial(rng: np.random.Generator, normal: Floats) -> Floats:
    """Waves (7, 6) of a premature atrial beat: another P wave and PR interval, nearly the same QRS."""
    waves = normal.copy()
    waves[_P, 3:] = (waves[_P, 3:] + rng.normal(0.0, 0.12, 3)) * rng.uniform(-0.8, 0.9)
    waves[_P, 0] += rng.uniform(-0.03, 0.045)
    waves[2:5, 3:] *= rng.lognormal(0.0, 0.06, (3, 1))
    return waves


def _ventricular(rng: np.random.Generator) -> Floats:
    """Waves (4, 6) of one ventricular focus: slurred start, wide main wave, late part, discordant T."""
    main = _ORIGINS[rng.integers(len(_ORIGINS))] * rng.lognormal(0.1, 0.22) + rng.normal(0.0, 0.22, 3)
    late = -rng.uniform(0.15, 0.6) * main + rng.normal(0.0, 0.25, 3)
    slur = rng.uniform(0.1, 0.35) * main + rng.normal(0.0, 0.1, 3)
    recovery = -rng.uniform(0.28, 0.45) * main + rng.normal(0.0, 0.05, 3)
    wide = rng.uniform(0.85, 1.2)
    waves = [
        [-0.046 * wide, 0.018 * wide, 0.018 * wide, *slur],
        [0.0, 0.024 * wide, 0.025 * wide, *main],
        [0.062 * wide, 0.022 * wide, 0.026 * wide, *late],
        [0.285 * wide, 0.080, 0.052, *recovery],
    ]
    return np.array(waves)
