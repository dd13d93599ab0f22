"""Isotonic calibration: the rising step function that is nearest to what was observed, frozen as knots."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from auscult.base.errors import DataError, ShapeError
from auscult.engine.calibration.base import Calibrator
from auscult.engine.metrics.checks import Array, Bools, Floats, as_binary, as_floats, require_shape


def _rising(scores: tuple[float, ...], probabilities: tuple[float, ...]) -> bool:
    return (
        len(scores) == len(probabilities) > 0
        and all(a < b for a, b in pairwise(scores))
        and all(a <= b for a, b in pairwise(probabilities))
    )


class Isotonic(Calibrator):
    """Knots of a rising function from score to probability; linear between them, constant outside.

    Attributes
    ----------
    scores : tuple of float
        Ascending.
    probabilities : tuple of float
        Not falling, in [0, 1].
    """

    method: Literal["isotonic"] = "isotonic"
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not _rising(self.scores, self.probabilities):
            raise ValueError("knots rise and are as many scores as probabilities")
        return self

    def apply(self, score: Array) -> Floats:
        """Turn scores into probabilities.

        Parameters
        ----------
        score : (N,) float

        Returns
        -------
        (N,) float64 in [0, 1]

        Raises
        ------
        ShapeError
            Not one axis, or NaN.
        """
        return np.interp(as_floats("score", score, ("N",)), self.scores, self.probabilities)


class IsotonicLabels(Calibrator):
    """An isotonic function for each label; None where validation could not fit one, and the score stays.

    Attributes
    ----------
    labels : tuple of Isotonic or None
        One a label.
    """

    method: Literal["isotonic_labels"] = "isotonic_labels"
    labels: tuple[Isotonic | None, ...]

    def apply(self, score: Array) -> Floats:
        """Turn scores into probabilities.

        Parameters
        ----------
        score : (N, K) float

        Returns
        -------
        (N, K) float64

        Raises
        ------
        ShapeError
            Another number of labels, or NaN.
        """
        out = as_floats("score", score, ("N", len(self.labels))).copy()
        for column, label in enumerate(self.labels):
            if label is not None:
                out[:, column] = label.apply(out[:, column])
        return out


def fit_isotonic(score: Array, target: Array) -> Isotonic:
    """Fit by pooling adjacent violators; equal scores are one point.

    Parameters
    ----------
    score : (N,) float
        Of validation items.
    target : (N,) bool

    Returns
    -------
    Isotonic

    Raises
    ------
    ShapeError
        Shapes differ, or NaN.
    DataError
        The target has one class only.

    Notes
    -----
    Zadrozny and Elkan 2002, KDD; the pooling itself is ``scipy.optimize.isotonic_regression``.
    """
    from scipy import optimize  # fitting only: serving starts without it

    values = as_floats("score", score, ("N",))
    positive = as_binary("target", target, len(values))
    n_positive = int(np.count_nonzero(positive))
    if n_positive in (0, len(positive)):
        raise DataError(
            f"isotonic: expected both classes on validation, got {n_positive} positives of {len(positive)}; "
            "use temperature, or a larger validation set"
        )
    knots, point = np.unique(values, return_inverse=True)
    n_items = np.bincount(point)
    means = np.bincount(point, weights=positive) / n_items
    fitted = np.clip(optimize.isotonic_regression(means, weights=n_items).x, 0.0, 1.0)
    inner = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])  # within a flat stretch
    keep = ~np.concatenate([[False], inner, [False]]) if len(fitted) > 1 else np.ones(1, dtype=np.bool_)
    return Isotonic(scores=tuple(knots[keep].tolist()), probabilities=tuple(fitted[keep].tolist()))


def fit_isotonic_labels(score: Array, target: Array, *, missing: Bools | None = None) -> IsotonicLabels:
    """Fit each label on the items whose target is known.

    Parameters
    ----------
    score : (N, K) float
    target : (N, K) of 0 and 1
    missing : (N, K) bool or None
        True where the target is not known.

    Returns
    -------
    IsotonicLabels
        None for a label that has one class only.

    Raises
    ------
    ShapeError
        Shapes differ, or NaN.
    """
    values = as_floats("score", score, ("N", "K"))
    truth = np.asarray(target)
    require_shape("target", truth, values.shape)
    known = np.ones(values.shape, dtype=np.bool_) if missing is None else ~np.asarray(missing)
    if known.shape != values.shape:
        raise ShapeError(f"missing: expected shape {values.shape}, got {known.shape}; one mark a target")
    labels: list[Isotonic | None] = []
    for column in range(values.shape[1]):
        rows = known[:, column]
        both = len(np.unique(truth[rows, column])) > 1
        labels.append(fit_isotonic(values[rows, column], truth[rows, column]) if both else None)
    return IsotonicLabels(labels=tuple(labels))
