"""Names of the device faults that an ECG is tried with; kept apart so that naming them loads nothing."""

from __future__ import annotations

ECG_FAULTS = (
    "saturate",
    "mains-hum",
    "baseline-wander",
    "dropout",
    "muscle-noise",
    "electrode-motion",
    "gain-error",
    "lead-reversal",
)
