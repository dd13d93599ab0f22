"""Device faults for the robustness evidence: what electrodes, amplifiers, mains and radio do to a signal.

Every fault draws its parameters first and applies them after, never writes to the caller's array, keeps
shape and type, and returns an equal copy at severity 0. Amplitudes are relative to each lead's own span
(0.5 .. 99.5 percentile), so that one severity means the same for every unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import signal as sps

from auscult.base.errors import ShapeError, UsageError
from auscult.domains.signals.simulate.noise import smooth_noise

Floats = NDArray[np.floating]
Fault = Callable[[Floats, float, np.random.Generator, float], Floats]


def _copy(signal: Floats, rate_hz: float, severity: float) -> tuple[Floats, NDArray[np.float64]]:
    """Check the arguments; a copy (T, C), and the span of each lead (C,)."""
    if signal.ndim != 2 or signal.size == 0 or not np.issubdtype(signal.dtype, np.floating):
        raise ShapeError(
            f"fault: expected a signal (T, C) of floats with at least one value, got shape {signal.shape} of "
            f"{signal.dtype}; give time first and one column per lead."
        )
    if not 0.0 <= severity <= 1.0 or not rate_hz > 0.0:
        raise UsageError(
            f"fault: expected severity in 0 .. 1 and rate_hz above 0, got {severity:g} and {rate_hz:g}; "
            "give other values."
        )
    span = np.zeros(signal.shape[1])
    for lead, column in enumerate(signal.T):
        known = column[np.isfinite(column)]
        span[lead] = np.subtract(*np.percentile(known, [99.5, 0.5])) if known.size else 0.0
    return signal.copy(), span


def _stretches(rng: np.random.Generator, n_samples: int, n_stretches: int, share: float) -> list[tuple[int, int]]:
    """Draw stretches (first, last + 1) that together cover about `share` of the record."""
    weights = rng.dirichlet(np.ones(n_stretches))
    lengths = np.round(weights * share * n_samples).astype(np.int64)
    firsts = rng.integers(0, np.maximum(n_samples - lengths, 0) + 1)
    return [(int(first), int(first + length)) for first, length in zip(firsts, lengths, strict=True)]


def lead_off(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Let one lead fall off: flat at zero or at the amplifier's rail for up to the whole record.

    Parameters
    ----------
    signal : array (T, C)
        Any unit.
    rate_hz : float
        Sampling rate.
    rng : numpy.random.Generator
        Source of randomness.
    severity : float
        Share of the record, 0 .. 1, in which the lead is off.

    Returns
    -------
    array (T, C)
        The signal with the fault.

    Raises
    ------
    ShapeError, UsageError
        As for every fault here: the signal is not (T, C) floats, or severity or rate is out of range.
    """
    out, span = _copy(signal, rate_hz, severity)
    lead = int(rng.integers(out.shape[1]))
    level = float(rng.choice([0.0, -2.5, 2.5])) * span[lead]
    for first, last in _stretches(rng, len(out), 1, severity):
        out[first:last, lead] = level
    return out


def saturate(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Clip every lead at rails; at severity 1 they stand at a tenth of its largest swing.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, span = _copy(signal, rate_hz, severity)
    remaining = 1.0 - severity * rng.uniform(0.8, 0.9)
    if severity == 0.0 or not np.any(span):
        return out
    middle = np.nanmedian(out, axis=0)
    swing = np.nanmax(np.abs(out - middle), axis=0) * remaining
    return np.asarray(np.clip(out, middle - swing, middle + swing).astype(out.dtype))


def mains_hum(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Add hum of 50 or 60 Hz with its third harmonic; at severity 1 of half the span in amplitude.

    Harmonics above half the sampling rate are left out. Parameters and errors as for :func:`lead_off`;
    returns the signal (T, C).
    """
    out, span = _copy(signal, rate_hz, severity)
    mains_hz = float(rng.choice([50.0, 60.0])) * (1.0 + rng.normal(0.0, 0.0004))
    phases = rng.uniform(0.0, 2 * np.pi, (2, out.shape[1]))
    third = rng.uniform(0.05, 0.25)
    uneven = rng.uniform(0.6, 1.0, out.shape[1])
    swell = 1.0 + 0.15 * smooth_noise(rng, len(out), rate_hz)
    angle = 2 * np.pi * mains_hz / rate_hz * np.arange(len(out))[:, None]
    hum = np.sin(angle + phases[0]) * (mains_hz < rate_hz / 2)
    hum += third * np.sin(3 * angle + phases[1]) * (3 * mains_hz < rate_hz / 2)
    return np.asarray(out + 0.5 * severity * span * uneven * swell * hum, dtype=out.dtype)


def baseline_wander(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Add drift below 0.5 Hz; at severity 1 its standard deviation is the lead's span.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, span = _copy(signal, rate_hz, severity)
    slow = _slow_noise(rng, out.shape, rate_hz, 1.5)
    breathing = _slow_noise(rng, out.shape, rate_hz, 0.5)
    return np.asarray(out + severity * span * (0.85 * slow + 0.5 * breathing), dtype=out.dtype)


def _slow_noise(
    rng: np.random.Generator, shape: tuple[int, ...], rate_hz: float, width_s: float
) -> NDArray[np.float64]:
    """Smooth noise (T, C) of deviation about 1, drawn at 20 Hz and interpolated."""
    n_samples, n_leads = shape
    knots_s = np.arange(0.0, n_samples / rate_hz + 0.1, 0.05)
    coarse = smooth_noise(rng, len(knots_s), width_s * 20.0, n_leads)
    times_s = np.arange(n_samples) / rate_hz
    return np.stack([np.interp(times_s, knots_s, column) for column in coarse.T], axis=1)


def gap(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Lose stretches of all leads: NaN in up to a third of the record, in one to four pieces.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, _ = _copy(signal, rate_hz, severity)
    for first, last in _stretches(rng, len(out), int(rng.integers(1, 5)), severity / 3):
        out[first:last] = np.nan
    return out


def dropout(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Lose radio packets of 0.2 s: all leads hold their last value; half of the packets at severity 1.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, _ = _copy(signal, rate_hz, severity)
    packet = max(round(0.2 * rate_hz), 1)
    lost = rng.random(-(-len(out) // packet)) < 0.5 * severity
    held = np.repeat(lost, packet)[: len(out)]
    source = np.maximum.accumulate(np.where(held, 0, np.arange(len(out))))
    return np.asarray(out[source])


def muscle_noise(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Add bursts of muscle noise above 20 Hz; at severity 1 its standard deviation is 0.3 of the lead's span.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, span = _copy(signal, rate_hz, severity)
    edge_hz = min(20.0, 0.2 * rate_hz)
    band = sps.butter(2, edge_hz, "highpass", fs=rate_hz, output="sos")
    tremor = sps.sosfilt(band, rng.standard_normal(out.shape), axis=0)
    tension = np.exp(0.8 * _slow_noise(rng, (len(out), 1), rate_hz, 1.0) - 0.64)  # mean square 1
    return np.asarray(out + 0.3 * severity * span * tremor * tension, dtype=out.dtype)


def electrode_motion(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Move electrodes: steps of the contact voltage that decay within a second or so, and some shaking.

    Up to about one step in three seconds; heights have a deviation of twice the lead's span. Parameters and
    errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, span = _copy(signal, rate_hz, severity)
    duration_s = len(out) / rate_hz
    n_steps = 1 + rng.poisson(duration_s / 3.0 * severity)
    starts_s = rng.uniform(0.0, duration_s, n_steps)
    heights = rng.normal(0.0, 1.0, (n_steps, out.shape[1])) * 2.0
    decays_s = rng.uniform(0.2, 1.2, n_steps)
    shaking = _slow_noise(rng, out.shape, rate_hz, 0.08)
    times_s = np.arange(len(out)) / rate_hz
    motion = np.zeros(out.shape)
    for start_s, height, decay_s in zip(starts_s, heights, decays_s, strict=True):
        after = np.clip(times_s - start_s, 0.0, None)
        shape = np.where(times_s >= start_s, np.exp(-after / decay_s) * -np.expm1(-after / 0.03), 0.0)
        motion += shape[:, None] * (height + 0.6 * shaking)
    return np.asarray(out + severity * span * motion, dtype=out.dtype)


def gain_error(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Scale every lead by a wrong gain: at severity 1 by 4 or a quarter, each lead a little apart.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, _ = _copy(signal, rate_hz, severity)
    direction = float(rng.choice([-1.0, 1.0]))
    apart = rng.uniform(0.85, 1.0, out.shape[1])
    return np.asarray(out * 4.0 ** (direction * severity * apart), dtype=out.dtype)


def lead_reversal(signal: Floats, rate_hz: float, rng: np.random.Generator, severity: float) -> Floats:
    """Reverse electrodes in the last part of the record, of share `severity`: one inverted or two swapped.

    Parameters and errors as for :func:`lead_off`; returns the signal (T, C).
    """
    out, _ = _copy(signal, rate_hz, severity)
    order = rng.permutation(out.shape[1])[:2]
    swap = len(order) == 2 and rng.random() < 0.5
    first = len(out) - round(severity * len(out))
    if swap:
        out[first:, order] = signal[first:, order[::-1]]
    else:
        out[first:, order[0]] = -signal[first:, order[0]]
    return out


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "lead_off": lead_off,
        "saturate": saturate,
        "mains_hum": mains_hum,
        "baseline_wander": baseline_wander,
        "gap": gap,
        "dropout": dropout,
        "muscle_noise": muscle_noise,
        "electrode_motion": electrode_motion,
        "gain_error": gain_error,
        "lead_reversal": lead_reversal,
    }
)
