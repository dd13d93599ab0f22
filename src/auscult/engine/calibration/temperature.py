"""Temperature scaling: one number that makes the probabilities of a classifier as sure as they may be."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from auscult.base.errors import DataError
from auscult.engine.calibration.base import Calibrator
from auscult.engine.metrics.checks import Array, Floats, as_classes, as_probabilities
from auscult.engine.metrics.probabilities import SMALLEST_PROBABILITY

# Beyond these the validation set says only "always sure" or "never sure", which no finite set can show.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


class Temperature(Calibrator):
    """A fitted temperature.

    Attributes
    ----------
    temperature : float
        Above 1: the model was too sure. The most probable class stays the same.
    """

    method: Literal["temperature"] = "temperature"
    temperature: float = Field(gt=0)

    def apply(self, probabilities: Array) -> Floats:
        """Scale probabilities.

        Parameters
        ----------
        probabilities : (N, K) float

        Returns
        -------
        (N, K) float64
            Rows sum to one.

        Raises
        ------
        ShapeError
            Not probabilities.
        """
        logits = _logits(probabilities) / self.temperature
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(likely / likely.sum(axis=1, keepdims=True), dtype=np.float64)


def _logits(probabilities: Array) -> Floats:
    return np.log(np.clip(as_probabilities("probabilities", probabilities), SMALLEST_PROBABILITY, 1.0))


def fit_temperature(probabilities: Array, target: Array) -> Temperature:
    """Find the temperature with the least log loss on validation items (Brent's method on its logarithm).

    The most probable class then has a mean probability of at most 1 - 1 / (N + 2): N items without a mistake do not
    show more (Laplace's rule of succession), and without that bound few of them would make every answer certain.

    Parameters
    ----------
    probabilities : (N, K) float
    target : (N,) int in [0, K)

    Returns
    -------
    Temperature
        Between 0.05 and 20, or 20 where the bound asks for more.

    Raises
    ------
    ShapeError
        Not probabilities, or a class out of range.
    DataError
        There is no item.

    Notes
    -----
    Guo et al. 2017, ICML.
    """
    from scipy import optimize, special  # fitting only: serving starts without them

    logits = _logits(probabilities)
    truth = as_classes("target", target, logits.shape[1])
    if not len(truth) or len(truth) != len(logits):
        raise DataError(
            f"temperature: expected one target for each of one or more items, got {len(truth)} for "
            f"{len(logits)}; hand in the validation items"
        )
    chosen = logits[np.arange(len(truth)), truth]

    def loss(log_temperature: float) -> float:
        rate = np.exp(-log_temperature)
        return float((special.logsumexp(logits * rate, axis=1) - chosen * rate).mean())

    def excess(log_temperature: float) -> float:
        scaled = logits * np.exp(-log_temperature)
        sure = np.exp(scaled.max(axis=1) - special.logsumexp(scaled, axis=1))
        return float(sure.mean() - (1 - 1 / (len(truth) + 2)))

    found = optimize.minimize_scalar(
        loss,
        bounds=(np.log(LOWEST_TEMPERATURE), np.log(HIGHEST_TEMPERATURE)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    lowest = float(found.x)
    if excess(lowest) > 0:
        highest = np.log(HIGHEST_TEMPERATURE)
        lowest = highest if excess(highest) > 0 else optimize.brentq(excess, lowest, highest, xtol=1e-8)
    return Temperature(temperature=float(np.exp(lowest)))
