"""Brings an ECG to the leads and the rate that a task expects; refuses what would have to be guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Column, Ragged
from auscult.base.contracts import Field, RecordBatch
from auscult.base.errors import ReadError, UnitError
from auscult.domains.signals.preprocess.filters import median
from auscult.domains.signals.preprocess.quality import quality_index

LEAD_ORDER = ("MLII", "II", "I", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF")
"""Preference when a task wants few leads: a limb lead along the heart's axis first, then the chest."""
MIN_DURATION_S = 5.0
SWING_WINDOW_S = 2.0
SMALLEST_SWING_MV, LARGEST_SWING_MV = 0.05, 10.0
"""Peak to peak. An electrocardiograph takes up to 5 mV on either side (IEC 60601-2-25:2011, 201.12.4.107)."""
POOR_QUALITY = 0.5
MIN_RATE_HZ = 100.0
MAX_RATE_HZ = 10_000.0


def prepare_ecg(
    batch: RecordBatch, *, rate_hz: float, leads: int | None, annotations: Iterable[str] = ()
) -> RecordBatch:
    """Choose the leads, resample, and keep the annotations where there are some.

    Parameters
    ----------
    batch : RecordBatch
        Records with ``ecg``, as a reader gives them.
    rate_hz : float
        Rate to which every record is resampled.
    leads : int, optional
        How many of the known leads, the best first; without it the first channel, whatever it is.
    annotations : iterable of str
        Columns that are kept beside the signal; ``beat_position`` is brought to the new rate.

    Returns
    -------
    RecordBatch
        ``ecg`` (T, C) in mV with the channels ``lead1``, ``lead2``, ..., and the annotations.

    Raises
    ------
    ReadError
        If there is no ECG, a lead is missing, the record has gaps, is flat or too short.
    UnitError
        If the rate is absent or out of range.
    """
    if not batch.has("ecg"):
        raise ReadError(f"expected an ECG, got {', '.join(batch.columns) or 'nothing'}; this release answers ECGs")
    field = batch.field("ecg")
    rate = checked_rate(field)
    chosen = [0] if leads is None else choose_leads(field, leads)
    rows = []
    for signal in batch.ragged("ecg"):
        usable_ecg(signal[:, chosen], rate)
        rows.append(to_rate(np.asarray(signal[:, chosen], dtype=np.float32), rate, rate_hz))
    names = tuple(f"lead{k + 1}" for k in range(len(chosen)))
    made: dict[Field, Column] = {
        replace(field, rate_hz=rate_hz, channels=names, missing=False): Ragged.of(rows),
    }
    for name in annotations:
        if batch.has(name):
            column = batch.ragged(name)
            made[batch.field(name)] = _moved(column, rows, rate, rate_hz) if name == "beat_position" else column
    return batch.with_columns(made, drop=[f.name for f in batch.fields if f.name != "ecg"])


def _moved(positions: Ragged, rows: list[npt.NDArray[np.float32]], rate_hz: float, target_hz: float) -> Ragged:
    """Positions in records whose rate was changed, none behind the last sample."""
    pairs = zip(positions, rows, strict=True)
    return Ragged.of([np.minimum(np.round(p * target_hz / rate_hz).astype(np.int64), len(row) - 1) for p, row in pairs])


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
    ReadError, UnitError
        With what was expected, what came, and what to do.
    """
    if len(signal) < MIN_DURATION_S * rate_hz:
        raise ReadError(
            f"ecg: expected at least {MIN_DURATION_S:g} s, got {len(signal) / rate_hz:.2f} s; record longer"
        )
    gaps = int(np.isnan(signal).any(axis=1).sum())
    if gaps:
        raise ReadError(
            f"ecg: expected no gaps, got {gaps} of {len(signal)} samples missing; cut the record at its gaps"
        )
    flat = int(np.sum(np.ptp(signal, axis=0) == 0))
    if flat:
        raise ReadError(
            f"ecg: expected a signal, got a flat line in {flat} of {signal.shape[1]} leads; check the electrodes"
        )
    _require_heart(signal[:, :1], rate_hz)


def _require_heart(lead: npt.NDArray[np.float32], rate_hz: float) -> None:
    """Refuse a lead whose size is no ECG's (a wrong unit or gain) or that is mostly noise, hum or drift."""
    n = int(SWING_WINDOW_S * rate_hz)
    windows = lead[: len(lead) // n * n].reshape(-1, n)  # (T, 1) -> (W, n)
    swing_mv = float(median(np.ptp(windows, axis=1)))
    if not SMALLEST_SWING_MV <= swing_mv <= LARGEST_SWING_MV:
        raise UnitError(
            f"ecg: expected a swing from {SMALLEST_SWING_MV:g} to {LARGEST_SWING_MV:g} mV within {SWING_WINDOW_S:g} s, "
            f"got one {'below' if swing_mv < SMALLEST_SWING_MV else 'above'}; check unit and gain"
        )
    poor = float(np.mean(quality_index(lead, rate_hz) < POOR_QUALITY))
    if poor > 0.5:
        raise ReadError(
            f"ecg: expected heartbeats, got {100 * poor:.0f} % of the record as noise, hum or drift; "
            "check electrodes and cable"
        )


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
    from scipy.signal import resample_poly  # loads slowly, and only another rate needs it

    ratio = Fraction(target_hz / rate_hz).limit_denominator(1000)
    return np.asarray(resample_poly(signal, ratio.numerator, ratio.denominator, axis=0), dtype=np.float32)
