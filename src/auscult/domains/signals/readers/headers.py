"""What XML and DICOM headers say in the same words: rates by periods, scaled samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError

RATE_LIMITS_HZ = (1.0, 100_000.0)
"""A waveform with another rate is a slip of unit."""

# Far above the rounding of a period in five digits, far below the distance of two rates that are in use.
_RATE_TOLERANCE = 1e-4
_LARGEST = 1e9


def plausible_rate(rate_hz: float, where: str) -> float:
    """Return a rate in hertz, freed of the rounding of the period it was computed from.

    A rate within 0.01 % of a whole number is that number: a period of 0.0027778 s is 360 Hz.

    Raises
    ------
    ReadError
        If the rate is no number from 1 to 100,000 Hz.
    """
    low, high = RATE_LIMITS_HZ
    if not low <= rate_hz <= high:
        raise ReadError(f"{where}: expected a rate of {low:g} to {high:g} Hz, got {rate_hz:g} Hz; export it again")
    whole = round(rate_hz)
    return float(whole) if abs(rate_hz - whole) <= _RATE_TOLERANCE * rate_hz else rate_hz


def scaled(digits: npt.NDArray[np.generic], scale: float, offset: float, *, where: str) -> npt.NDArray[np.float32]:
    """Return ``digits * scale + offset`` as float32; NaN stays NaN. Any shape, such as (T,), is kept.

    Raises
    ------
    ReadError
        If the scale is no number or 0, or a value is infinite or too large to be a measurement.
    """
    if not (np.isfinite(scale) and np.isfinite(offset) and scale != 0):
        raise ReadError(f"{where}: expected a scale other than 0 and an offset that are numbers; export it again")
    values = digits.astype(np.float64) * scale + offset
    if bool((np.abs(values) > _LARGEST).any()):
        raise ReadError(f"{where}: expected values below {_LARGEST:g} in size, got a larger one; export it again")
    return values.astype(np.float32)
