"""Simulated ECG with labelled beats.

The signal is the sum of one Gaussian per wave and beat, as in ECGSYN (McSharry et al. 2003, IEEE TBME
50:289), but each wave is a dipole (Sameni et al. 2007, EURASIP JASP 2007:43407) that is projected on the
leads, so that the leads agree with each other. Waves are placed in time, not in phase: the QRS complex
keeps its width when the rate changes, and only repolarisation stretches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal as sps

from auscult.base.errors import UsageError, unknown
from auscult.domains.signals.simulate.heart import (
    LEAD_VECTORS,
    PREMATURE,
    REPOLARISATION_S,
    EcgTraits,
    Floats,
    sample_traits,
)
from auscult.domains.signals.simulate.noise import smooth_noise


@dataclass(frozen=True, eq=False)
class SimulatedEcg:
    """A simulated ECG record.

    Attributes
    ----------
    signal_mv : array (T, C) float32
        Millivolt.
    rate_hz : float
        Sampling rate.
    leads : tuple of str
        One name per channel.
    peaks : array (K,) int64
        Sample of each beat's main deflection, ascending, in 0 .. T-1.
    symbols : array (K,) str
        MIT-BIH beat codes: ``N`` normal, ``V`` premature ventricular, ``A`` premature atrial, ``F`` fusion.
    """

    signal_mv: NDArray[np.float32]
    rate_hz: float
    leads: tuple[str, ...]
    peaks: NDArray[np.int64]
    symbols: NDArray[np.str_]


def simulate_ecg(  # noqa: PLR0913 - each is one property of the simulated recording, all by keyword
    rng: np.random.Generator,
    *,
    duration_s: float,
    rate_hz: float = 360.0,
    leads: tuple[str, ...] = ("MLII", "V1"),
    heart_rate_bpm: float | None = None,
    premature_ventricular: float = 0.05,
    premature_supraventricular: float = 0.03,
    fusion: float = 0.01,
    noise_mv: float = 0.02,
    wander_mv: float = 0.08,
    traits: EcgTraits | None = None,
) -> SimulatedEcg:
    """Simulate one ECG record of one subject.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same record.
    duration_s, rate_hz : float
        Length and sampling rate; at least one second and 50 Hz.
    leads : tuple of str
        Names from ``LEAD_VECTORS``: the twelve standard leads and ``MLII``.
    heart_rate_bpm : float, optional
        Mean sinus rate, 25 .. 220; drawn where absent. Not together with `traits`.
    premature_ventricular, premature_supraventricular, fusion : float
        Expected share of the beats that are V, A and F; together at most 0.6.
    noise_mv, wander_mv : float
        Standard deviation of the muscle and amplifier noise, and of the baseline around its own offset (whose
        deviation is twice as large).
    traits : EcgTraits, optional
        The subject; drawn where absent. Give the same traits for several records of one subject.

    Returns
    -------
    SimulatedEcg
        Signal (T, C) in millivolt with its labelled beats.

    Raises
    ------
    UsageError
        A lead is unknown, a parameter is out of its range, or both `heart_rate_bpm` and `traits` are given.

    Examples
    --------
    >>> simulate_ecg(np.random.default_rng(0), duration_s=10.0).signal_mv.shape
    (3600, 2)
    """
    shares = {"V": premature_ventricular, "A": premature_supraventricular, "F": fusion}
    _check((duration_s, rate_hz, heart_rate_bpm), leads, traits, shares)
    subject = sample_traits(rng, heart_rate_bpm=heart_rate_bpm) if traits is None else traits
    times_s, intervals_s, symbols = _beats(rng, subject, duration_s, shares)
    n_samples = round(duration_s * rate_hz)
    shape = (n_samples, len(leads))
    breath = _breath(rng, subject.respiration_hz, duration_s)
    moments = _moments(rng, subject, symbols, np.interp(times_s, *breath))
    dipole_mv = np.zeros((n_samples, 3))
    rate_root = np.sqrt(np.clip(0.6 * 60.0 / subject.heart_rate_bpm + 0.4 * intervals_s, 0.4, 1.4))  # Bazett, slowed
    for wave, stretches, moment in moments:
        used = np.any(moment != 0, axis=1)
        stretch = rate_root[used] if stretches else np.ones(int(used.sum()))
        centre = (times_s[used] + wave[0] * stretch) * rate_hz
        _add_wave(dipole_mv, centre, widths=wave[1:3] * rate_hz, stretch=stretch, moment=moment[used])
    clean_mv = dipole_mv @ np.stack([LEAD_VECTORS[name] for name in leads], axis=1)  # (T, 3) -> (T, C)
    noise = _noise(rng, shape, rate_hz) * noise_mv
    wander = _wander(rng, shape, rate_hz, breath) * wander_mv
    peaks = np.round(times_s * rate_hz).astype(np.int64)
    inside = (peaks >= 0) & (peaks < n_samples)
    signal = (clean_mv + noise + wander).astype(np.float32)
    return SimulatedEcg(signal, float(rate_hz), tuple(leads), peaks[inside], symbols[inside])


def _check(
    numbers: tuple[float, float, float | None],
    leads: tuple[str, ...],
    traits: EcgTraits | None,
    shares: dict[str, float],
) -> None:
    """Refuse bad parameters; `numbers` are duration (s), sampling rate (Hz) and heart rate (bpm)."""
    duration_s, rate_hz, bpm = numbers
    for name in leads:
        if name not in LEAD_VECTORS:
            raise UsageError(unknown("lead", name, LEAD_VECTORS, where="simulate_ecg"))
    if traits is not None and bpm is not None:
        raise UsageError("simulate_ecg: expected heart_rate_bpm or traits, got both; give the rate to sample_traits.")
    limits = (
        ("duration_s", duration_s, 1.0, 1e6),
        ("rate_hz", rate_hz, 50.0, 1e5),
        ("heart_rate_bpm", bpm, 25.0, 220.0),
    )
    shares_ok = min(shares.values()) >= 0 and sum(shares.values()) <= 0.6
    for name, value, low, high in limits:
        if value is not None and not low <= value <= high:
            raise UsageError(f"simulate_ecg: {name} must be in {low:g} .. {high:g}, got {value:g}; give another value.")
    if not leads or not shares_ok:
        raise UsageError(
            "simulate_ecg: expected at least one lead and shares of V, A and F that are not negative and "
            f"together at most 0.6, got {len(leads)} leads and {shares}; give other values."
        )


def _sinus_intervals(rng: np.random.Generator, subject: EcgTraits, count: int) -> Floats:
    """RR intervals (K,) in s: Mayer waves at 0.1 Hz, breathing and a slow drift (McSharry 2003)."""
    mean_s = 60.0 / subject.heart_rate_bpm
    frequency_hz = np.fft.rfftfreq(count, mean_s)
    mayer = np.exp(-0.5 * ((frequency_hz - 0.1) / 0.02) ** 2)
    breathing = np.exp(-0.5 * ((frequency_hz - subject.respiration_hz) / 0.03) ** 2) * rng.uniform(0.3, 2.0)
    power = mayer + breathing + 0.003 / np.maximum(frequency_hz, 0.004)
    power[0] = 0.0
    phases = np.exp(2j * np.pi * rng.random(len(power)))
    series = np.fft.irfft(np.sqrt(power) * phases, count)
    relative = np.clip(1.0 + subject.variability * series / series.std(), 0.7, 1.4)
    return np.asarray(mean_s * relative / relative.mean())


def _symbols(rng: np.random.Generator, subject: EcgTraits, count: int, shares: dict[str, float]) -> NDArray[np.str_]:
    """Beat codes (K,): premature beats come in quiet and busy minutes, singly or in runs."""
    symbols = np.full(count, "N")
    busy = np.exp(0.7 * smooth_noise(rng, count, 40.0)[:, 0] - 0.245)  # mean 1
    for symbol in ("F", "A", "V"):
        mean_length = subject.run_length[symbol]
        starts = np.flatnonzero(rng.random(count) < shares[symbol] / mean_length * busy)
        lengths = rng.geometric(1.0 / mean_length, len(starts))
        first = np.repeat(np.cumsum(lengths) - lengths, lengths)
        beats = np.repeat(starts, lengths) + np.arange(lengths.sum()) - first
        symbols[beats[beats < count]] = symbol
    return symbols


def _beats(
    rng: np.random.Generator, subject: EcgTraits, duration_s: float, shares: dict[str, float]
) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Time of each beat (K,) s, the interval before it (K,) s, and its code (K,)."""
    count = int(duration_s * subject.heart_rate_bpm / 60.0 * 1.8) + 12
    sinus_s = _sinus_intervals(rng, subject, count)
    symbols = _symbols(rng, subject, count, shares)
    early = np.ones(count)
    for symbol, (low, high) in PREMATURE.items():
        share = np.clip(subject.coupling[symbol] + rng.normal(0.0, 0.025, count), low, high)
        early = np.where(symbols == symbol, share, early)
    before, early_before = np.roll(symbols, 1), np.roll(early, 1)
    pause = np.where(np.isin(before, ("V", "F")), 2.0 - early_before, 1.0)  # the sinus node kept its time
    pause = np.where(before == "A", rng.uniform(1.0, 1.12, count), pause)  # the sinus node was reset
    intervals_s = np.maximum(sinus_s * np.where(symbols == "N", pause, early), 0.28)
    times_s = np.cumsum(intervals_s)
    times_s += rng.random() * intervals_s[1] - times_s[1]
    seen = times_s < duration_s + 0.6
    return times_s[seen], intervals_s[seen], symbols[seen]


def _breath(rng: np.random.Generator, respiration_hz: float, duration_s: float) -> tuple[Floats, Floats]:
    """Breathing as times (G,) s and values (G,) in about -1 .. 1, at 10 Hz."""
    times_s = np.arange(0.0, duration_s + 1.0, 0.1)
    rate_hz = respiration_hz * (1.0 + 0.12 * smooth_noise(rng, len(times_s), 60.0)[:, 0])
    return times_s, np.sin(2 * np.pi * (np.cumsum(rate_hz) * 0.1 + rng.random()))


def _moments(
    rng: np.random.Generator, subject: EcgTraits, symbols: NDArray[np.str_], breath: Floats
) -> list[tuple[Floats, bool, Floats]]:
    """Per wave: its row (6,), if it stretches with the interval, its dipole in every beat (K, 3) in mV."""
    focus = np.minimum(rng.geometric(0.7, len(symbols)) - 1, len(subject.ventricular) - 1)
    sinus_part = rng.uniform(0.3, 0.7, len(symbols))
    share_normal = np.where(symbols == "F", sinus_part, (symbols == "N").astype(float))
    share_ventricular = np.where(symbols == "F", 1.0 - sinus_part, (symbols == "V").astype(float))
    parts = [(subject.normal, share_normal), (subject.atrial, (symbols == "A").astype(float))]
    parts += [(waves, share_ventricular * (focus == which)) for which, waves in enumerate(subject.ventricular)]
    lungs = 1.0 + breath[:, None] * np.array([0.03, 0.07, -0.05])  # (K, 3): the axis turns with the diaphragm
    moments = []
    for waves, share in parts:
        for wave in waves:
            gain = share * rng.normal(1.0, 0.035, len(share))
            moments.append((wave, bool(wave[0] > REPOLARISATION_S), wave[3:] * gain[:, None] * lungs))
    return moments


def _add_wave(out: Floats, centre: Floats, *, widths: Floats, stretch: Floats, moment: Floats) -> None:
    """Add one two-sided Gaussian per beat to `out` (T, 3); `centre` (K,) and `widths` (2,) are in samples."""
    if len(centre) == 0:
        return
    reach = 4.0 * widths * stretch.max()
    offsets = np.arange(-int(np.ceil(reach[0])), int(np.ceil(reach[1])) + 1)
    start = np.floor(centre).astype(np.int64)
    index = start[:, None] + offsets  # (K, S)
    distance = index - centre[:, None]
    width = np.where(distance < 0, widths[0], widths[1]) * stretch[:, None]
    shape = np.exp(-0.5 * (distance / width) ** 2)
    shape[(index < 0) | (index >= len(out))] = 0.0
    index = np.clip(index, 0, len(out) - 1).ravel()
    for axis in range(out.shape[1]):
        weights = (shape * moment[:, axis, None]).ravel()
        out[:, axis] += np.bincount(index, weights, minlength=len(out))


def _noise(rng: np.random.Generator, shape: tuple[int, int], rate_hz: float) -> Floats:
    """Muscle and amplifier noise (T, C), deviation about 1, louder and quieter over seconds."""
    band = sps.butter(1, [1.5, min(70.0, 0.4 * rate_hz)], "bandpass", fs=rate_hz, output="sos")
    noise = sps.sosfilt(band, rng.standard_normal(shape), axis=0)
    knots = np.arange(0.0, shape[0] / rate_hz + 1.0, 0.5)
    level = np.exp(0.5 * smooth_noise(rng, len(knots), 4.0)[:, 0] - 0.25)
    envelope = np.interp(np.arange(shape[0]) / rate_hz, knots, level)
    return np.asarray(noise / noise.std(axis=0) * envelope[:, None])


def _wander(rng: np.random.Generator, shape: tuple[int, int], rate_hz: float, breath: tuple[Floats, Floats]) -> Floats:
    """Baseline (T, C), deviation about 1: breathing, posture and electrode drift, around an offset."""
    times_s = np.arange(shape[0]) / rate_hz
    coarse_s, breathing = breath
    drift = 0.75 * smooth_noise(rng, len(coarse_s), 80.0, shape[1]) + 0.35 * smooth_noise(
        rng, len(coarse_s), 8.0, shape[1]
    )
    mixed = drift + breathing[:, None] * rng.normal(0.0, 0.7, shape[1]) + rng.normal(0.0, 2.0, shape[1])
    return np.stack([np.interp(times_s, coarse_s, mixed[:, lead]) for lead in range(shape[1])], axis=1)
