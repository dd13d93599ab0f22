"""Intervals of label probabilities: how often the label held among the validation answers with the nearest scores.

A window of neighbouring scores slides over the validation answers of a label; the share that held in it has a Wilson
interval (Wilson 1927, J Am Stat Assoc 22:209). Between windows the ends are joined by lines. The interval speaks of the
rate among compounds, reports or signals that look as sure as this one, not of the one answer.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from auscult.engine.calibration.base import Calibrator
from auscult.engine.metrics.checks import Array, Bools, Floats, as_floats, require_shape

KNOTS = 21
FEWEST = 25
"""Answers in a window at the least; a label with fewer known answers says nothing: its interval is all from 0 to 1."""


class LabelRates(Calibrator):
    """Fitted ends for each label.

    Attributes
    ----------
    at, low, high : tuple of K tuples of G floats
        Probabilities in rising order, and the ends of the interval there.
    coverage : float
        Confidence level of each interval.
    """

    method: Literal["label_rates"] = "label_rates"
    at: tuple[tuple[float, ...], ...] = Field(min_length=1)
    low: tuple[tuple[float, ...], ...] = Field(min_length=1)
    high: tuple[tuple[float, ...], ...] = Field(min_length=1)
    coverage: float

    def apply(self, probability: Array) -> Floats:
        """Give the intervals of calibrated probabilities.

        Parameters
        ----------
        probability : (N, K) float in [0, 1]

        Returns
        -------
        (N, K, 2) float64
            Low and high; the probability always lies between.

        Raises
        ------
        ShapeError
            Another number of labels, or NaN.
        """
        values = as_floats("probability", probability, ("N", len(self.at)))
        ends = [
            np.stack([np.interp(values[:, k], self.at[k], e[k]) for e in (self.low, self.high)], axis=1)
            for k in range(len(self.at))
        ]
        made = np.stack(ends, axis=1)  # K x (N, 2) -> (N, K, 2)
        made[..., 0] = np.minimum(made[..., 0], values)
        made[..., 1] = np.maximum(made[..., 1], values)
        return made


def wilson(successes: Array, total: Array, coverage: float) -> tuple[Floats, Floats]:
    """Ends of Wilson's interval of a share.

    Parameters
    ----------
    successes : (G,) numbers
    total : (G,) int
        Trials behind each.
    coverage : float
        Confidence level.

    Returns
    -------
    ((G,), (G,)) float64 in [0, 1]
    """
    from scipy.stats import norm  # fitting only: serving starts without it

    z = float(norm.ppf(0.5 + coverage / 2))
    share = np.asarray(successes, dtype=np.float64) / total
    center = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return np.clip(center - half, 0.0, 1.0), np.clip(center + half, 0.0, 1.0)


def fit_label_rates(probability: Array, target: Array, *, coverage: float, missing: Bools | None = None) -> LabelRates:
    """Fit the ends of each label on the validation answers whose truth is known.

    Parameters
    ----------
    probability : (N, K) float in [0, 1]
        Calibrated.
    target : (N, K) of 0 and 1
    coverage : float
        Confidence level of each interval.
    missing : (N, K) bool or None
        True where the truth is not known.

    Returns
    -------
    LabelRates

    Raises
    ------
    ShapeError
        Shapes differ, or NaN.
    """
    values = as_floats("probability", probability, ("N", "K"))
    truth = np.asarray(target)
    require_shape("target", truth, values.shape)
    known = np.ones(values.shape, dtype=np.bool_) if missing is None else ~np.asarray(missing, dtype=np.bool_)
    require_shape("missing", known, values.shape)
    columns = [_ends(values[known[:, k], k], truth[known[:, k], k], coverage) for k in range(values.shape[1])]
    at, low, high = (tuple(tuple(c[i].tolist()) for c in columns) for i in range(3))
    return LabelRates(at=at, low=low, high=high, coverage=coverage)


def _ends(probability: Floats, target: Array, coverage: float) -> tuple[Floats, Floats, Floats]:
    """Knots and ends of one label."""
    n = len(probability)
    if n < FEWEST:
        return np.array([0.0, 1.0]), np.zeros(2), np.ones(2)
    order = np.argsort(probability, kind="stable")
    width = max(FEWEST, n // 10)
    rising = probability[order]
    begin = np.linspace(0, n - width, KNOTS).astype(np.int64)
    # Equal scores are one group: a window that cut through it would depend on the order of the records.
    windows = np.unique(
        np.stack(
            [
                np.searchsorted(rising, rising[begin], side="left"),
                np.searchsorted(rising, rising[begin + width - 1], side="right"),
            ],
            axis=1,
        ),
        axis=0,
    )
    held, sums = (np.concatenate([[0], np.cumsum(v)]) for v in (target[order] == 1, rising))
    total = windows[:, 1] - windows[:, 0]
    low, high = wilson(held[windows[:, 1]] - held[windows[:, 0]], total, coverage)
    return (sums[windows[:, 1]] - sums[windows[:, 0]]) / total, low, high
