"""Platt scaling of several labels: a line through the log-odds of each, so that no two scores change places."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from auscult.engine.calibration.base import Calibrator
from auscult.engine.metrics.checks import Array, Bools, Floats, as_floats, require_shape
from auscult.engine.metrics.probabilities import SMALLEST_PROBABILITY

LOWEST_SLOPE = 0.05
"""A label whose scores say nothing on validation keeps their order and gets nearly its base rate."""


class PlattLabels(Calibrator):
    """A fitted line for each label.

    Attributes
    ----------
    slope, offset : tuple of K floats
        ``log-odds = slope * log-odds of the score + offset``; the slope is above 0, so ranks stay.
    """

    method: Literal["platt_labels"] = "platt_labels"
    slope: tuple[float, ...] = Field(min_length=1)
    offset: tuple[float, ...] = Field(min_length=1)

    def apply(self, score: Array) -> Floats:
        """Scale scores.

        Parameters
        ----------
        score : (N, K) float in [0, 1]

        Returns
        -------
        (N, K) float64

        Raises
        ------
        ShapeError
            Another number of labels, or NaN.
        """
        values = as_floats("score", score, ("N", len(self.slope)))
        logit = _log_odds(values) * np.asarray(self.slope) + np.asarray(self.offset)
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def _log_odds(score: Floats) -> Floats:
    inside = np.clip(score, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    return np.log(inside) - np.log1p(-inside)


def fit_platt_labels(score: Array, target: Array, *, missing: Bools | None = None) -> PlattLabels:
    """Fit each label on the validation items whose target is known.

    Parameters
    ----------
    score : (N, K) float in [0, 1]
    target : (N, K) of 0 and 1
    missing : (N, K) bool or None
        True where the target is not known.

    Returns
    -------
    PlattLabels
        A label with one class only keeps its scores.

    Raises
    ------
    ShapeError
        Shapes differ, or NaN.

    Notes
    -----
    Platt 1999, Advances in Large Margin Classifiers; with his softened targets.
    """
    values = as_floats("score", score, ("N", "K"))
    truth = np.asarray(target)
    require_shape("target", truth, values.shape)
    known = np.ones(values.shape, dtype=np.bool_) if missing is None else ~np.asarray(missing, dtype=np.bool_)
    require_shape("missing", known, values.shape)
    logit = _log_odds(values)
    lines = [_line(logit[known[:, k], k], truth[known[:, k], k]) for k in range(values.shape[1])]
    return PlattLabels(slope=tuple(a for a, _ in lines), offset=tuple(b for _, b in lines))


def _line(logit: Floats, target: Array) -> tuple[float, float]:
    """Slope and offset with the least log loss."""
    from scipy import optimize  # fitting only: serving starts without it

    positive = int(np.count_nonzero(target == 1))
    if positive in (0, len(target)):
        return 1.0, 0.0
    high, low = (positive + 1) / (positive + 2), 1 / (len(target) - positive + 2)
    wanted = np.where(target == 1, high, low)

    def loss(line: Floats) -> float:
        z = line[0] * logit + line[1]
        return float(np.mean(np.logaddexp(0.0, z) - wanted * z))

    found = optimize.minimize(loss, np.array([1.0, 0.0]), bounds=((LOWEST_SLOPE, 20.0), (-20.0, 20.0)))
    return float(found.x[0]), float(found.x[1])
