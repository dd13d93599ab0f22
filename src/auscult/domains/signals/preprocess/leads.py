"""Brings an ECG to the leads and the rate that a task expects; refuses what would have to be guessed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from auscult.base.contracts import Field
from auscult.base.errors import ReadError, UnitError

LEAD_ORDER = ("MLII", "II", "I", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF")
"""Preference when a task wants few leads: a limb lead along the heart's axis first, then the chest."""
MIN_DURATION_S = 5.0
MIN_RATE_HZ = 100.0
MAX_RATE_HZ = 10_000.0


def choose_leads(field: Field, n_leads: int) -> list[int]:
    """Return the columns of the leads that a task uses.

    Parameters
    ----------
    field : Field
        The ``ecg`` field, whose channels are lead names.
    n_leads : int
        How many leads.

    Raises
    ------
    ReadError
        If the record has fewer leads.
    """
    if len(field.channels) < n_leads:
        raise ReadError(
            f"ecg: expected at least {n_leads} leads, got {len(field.channels)} ({', '.join(field.channels)}); "
            "use a release for fewer leads"
        )
    rank = {name: place for place, name in enumerate(LEAD_ORDER)}
    order = sorted(range(len(field.channels)), key=lambda c: rank.get(field.channels[c], len(rank)))
    return order[:n_leads]


def checked_rate(field: Field) -> float:
    """Return the sampling rate of a field.

    Raises
    ------
    UnitError
        If it is absent or outside 100 to 10,000 Hz.
    """
    rate = field.rate_hz
    if rate is None or not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise UnitError(f"{field.name}: expected a rate from {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz, got {rate}")
    return rate


def usable_ecg(signal: npt.NDArray[np.float32], rate_hz: float) -> None:
    """Refuse an ECG that is too short, has gaps or a flat lead.

    Parameters
    ----------
    signal : (T, C) float32
        Millivolt; NaN is a gap.
    rate_hz : float
        Sampling rate.

    Raises
    ------
    ReadError
        With what was expected, what came, and what to do.
    """
    if len(signal) < MIN_DURATION_S * rate_hz:
        raise ReadError(
            f"ecg: expected at least {MIN_DURATION_S:g} s, got {len(signal) / rate_hz:.2f} s; record longer"
        )
    gaps = int(np.isnan(signal).any(axis=1).sum())
    if gaps:
        raise ReadError(f"ecg: expected no gaps, got {gaps} of {len(signal)} samples missing; cut the record at its gaps")
    flat = int(np.sum(np.ptp(signal, axis=0) == 0))
    if flat:
        raise ReadError(f"ecg: expected a signal, got a flat line in {flat} of {signal.shape[1]} leads; check the electrodes")


def to_rate(signal: npt.NDArray[np.float32], rate_hz: float, target_hz: float) -> npt.NDArray[np.float32]:
    """Resample with a polyphase filter (anti-aliased, no delay).

    Parameters
    ----------
    signal : (T, C) float32
        Without NaN.
    rate_hz, target_hz : float
        Rates before and after.

    Returns
    -------
    (T', C) float32
    """
    if rate_hz == target_hz:
        return signal
    ratio = Fraction(target_hz / rate_hz).limit_denominator(1000)
    return np.asarray(resample_poly(signal, ratio.numerator, ratio.denominator, axis=0), dtype=np.float32)
