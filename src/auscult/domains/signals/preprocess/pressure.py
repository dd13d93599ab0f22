"""The arithmetic of two standards for blood pressure monitors, applied to a list of errors.

Neither function is a validation: both standards also fix the subjects, their pressures, arms and ages, the
reference method and the observers. A set that was not collected for them can only borrow their sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auscult.base.errors import ShapeError

BHS_GRADES: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("A", (60.0, 85.0, 95.0)),
    ("B", (50.0, 75.0, 90.0)),
    ("C", (40.0, 65.0, 85.0)),
)
"""Least percentages of errors within 5, 10 and 15 mmHg (O'Brien et al. 1993, table of grades); D is the
rest."""

ISO_LIMITS_MMHG = (5.0, 8.0)
"""ISO 81060-2:2018, criterion 1: largest absolute mean error and standard deviation."""


_LEAST_FOR_SPREAD = 2


@dataclass(frozen=True)
class BhsArithmetic:
    """Percentages of absolute errors within three limits.

    Attributes
    ----------
    within_5, within_10, within_15 : float
        Percent of the errors of at most 5, 10 and 15 mmHg, 0 to 100.
    grade : str
        ``A`` to ``D``: the best grade all three percentages reach.
    """

    within_5: float
    within_10: float
    within_15: float
    grade: str


@dataclass(frozen=True)
class IsoArithmetic:
    """Mean and standard deviation of errors, over readings and over subjects.

    Attributes
    ----------
    n_readings, n_subjects : int
        How many errors and subjects there were.
    mean_mmhg, sd_mmhg : float
        Over all readings (criterion 1).
    subject_mean_mmhg, subject_sd_mmhg : float
        Over the subjects' mean errors (criterion 2).
    within_criterion_1 : bool
        Whether the mean is within 5 mmHg and the standard deviation at most 8 mmHg.
    """

    n_readings: int
    n_subjects: int
    mean_mmhg: float
    sd_mmhg: float
    subject_mean_mmhg: float
    subject_sd_mmhg: float
    within_criterion_1: bool


def bhs_percentages(error_mmhg: ArrayLike) -> BhsArithmetic:
    """Count errors within 5, 10 and 15 mmHg and look up the grade of the British Hypertension Society.

    Arithmetic, not a validation: the protocol asks for 85 selected subjects and two trained observers.

    Parameters
    ----------
    error_mmhg : array, shape (N,)
        Estimate minus reference, mmHg; at least one.

    Returns
    -------
    BhsArithmetic
        Percentages and grade.

    Raises
    ------
    ShapeError
        The errors are no single list, are empty, or hold NaN or infinity.

    Notes
    -----
    O'Brien et al., The British Hypertension Society protocol for the evaluation of blood pressure measuring
    devices, J Hypertens 11 (suppl 2):S43 (1993).

    Examples
    --------
    >>> bhs_percentages([1.0, -4.0, 9.0, 20.0]).within_10
    75.0
    """
    size = np.abs(_checked(error_mmhg, at_least=1))
    shares = [100.0 * float(np.mean(size <= limit)) for limit in (5.0, 10.0, 15.0)]
    reached = [name for name, least in BHS_GRADES if all(s >= low for s, low in zip(shares, least, strict=True))]
    return BhsArithmetic(shares[0], shares[1], shares[2], grade=reached[0] if reached else "D")


def iso_81060_arithmetic(error_mmhg: ArrayLike, subject: ArrayLike) -> IsoArithmetic:
    """Give the mean and standard deviation of errors by the two criteria of ISO 81060-2.

    Arithmetic, not a validation: the standard asks for 85 subjects of given pressures, ages and arm sizes,
    three readings each, against two observers. Criterion 2 compares the subjects' standard deviation with a
    limit that a table gives for each mean error; it is not looked up here.

    Parameters
    ----------
    error_mmhg : array, shape (N,)
        Estimate minus reference, mmHg; at least two.
    subject : array, shape (N,)
        Who each error belongs to, as any label; at least two subjects.

    Returns
    -------
    IsoArithmetic
        Standard deviations have N - 1 in the denominator.

    Raises
    ------
    ShapeError
        The errors are no single list, hold NaN or infinity, or have another length than the subjects, or
        there are fewer than two subjects.

    Notes
    -----
    ISO 81060-2:2018, Non-invasive sphygmomanometers, part 2: Clinical investigation of intermittent
    automated measurement type; criteria 1 (readings) and 2 (subjects).

    Examples
    --------
    >>> iso_81060_arithmetic([1.0, 3.0, 5.0, 7.0], ["a", "a", "b", "b"]).subject_mean_mmhg
    4.0
    """
    error = _checked(error_mmhg, at_least=_LEAST_FOR_SPREAD)
    labels = np.asarray(subject)
    if labels.shape != error.shape:
        raise ShapeError(f"subjects: expected one label an error, shape {error.shape}, got {labels.shape}.")
    _, index = np.unique(labels, return_inverse=True)
    means = np.bincount(index, weights=error) / np.bincount(index)  # (N,) -> (subjects,)
    if len(means) < _LEAST_FOR_SPREAD:
        raise ShapeError("subjects: expected at least 2 of them, got 1; a spread between subjects needs more.")
    mean, spread = float(error.mean()), float(error.std(ddof=1))
    return IsoArithmetic(
        n_readings=len(error),
        n_subjects=len(means),
        mean_mmhg=mean,
        sd_mmhg=spread,
        subject_mean_mmhg=float(means.mean()),
        subject_sd_mmhg=float(means.std(ddof=1)),
        within_criterion_1=abs(mean) <= ISO_LIMITS_MMHG[0] and spread <= ISO_LIMITS_MMHG[1],
    )


def _checked(error_mmhg: ArrayLike, *, at_least: int) -> NDArray[np.float64]:
    error = np.asarray(error_mmhg, dtype=np.float64)
    if error.ndim != 1 or len(error) < at_least:
        raise ShapeError(f"pressure errors: expected a list (N,) of at least {at_least}, got {error.shape}.")
    if not np.isfinite(error).all():
        raise ShapeError("pressure errors: expected finite mmHg, got NaN or infinity; leave abstentions out.")
    return error
