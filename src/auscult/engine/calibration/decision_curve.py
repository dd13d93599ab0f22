"""Decision curve: what acting on the model is worth beside acting on everybody or on nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auscult.base.errors import UsageError
from auscult.engine.metrics.checks import Array, Floats, as_binary, as_floats
from auscult.engine.metrics.weighting import ratio, resolve_units, sum_by_unit, weighted_sums

USUAL_THRESHOLDS = tuple(float(threshold) for threshold in np.round(np.arange(0.01, 1.0, 0.01), 2))


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over the threshold probability at which one would act.

    Attributes
    ----------
    threshold : (P,) float
        In (0, 1).
    model : (P,) float
        True positives an item, less false positives weighed by the odds of the threshold.
    treat_all : (P,) float
        The same if everybody is called positive. Calling nobody has net benefit 0.
    """

    threshold: Floats
    model: Floats
    treat_all: Floats


def net_benefit(
    target: Array,
    output: Array,
    *,
    threshold: float,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Net benefit of acting where the probability is at or above the threshold.

    Parameters
    ----------
    target : (N,) bool
    output : (N,) float
        Calibrated probabilities.
    threshold : float
        In (0, 1).
    unit, weights
        See :mod:`auscult.engine.metrics.weighting`.

    Returns
    -------
    (B,) float64
        ``TP / N - FP / N * threshold / (1 - threshold)``.

    Raises
    ------
    UsageError
        The threshold is not inside (0, 1).
    ShapeError
        Shapes differ, or NaN.

    Notes
    -----
    Vickers and Elkin 2006, Med Decis Making 26:565.
    """
    if not 0.0 < threshold < 1.0:
        raise UsageError(f"threshold: expected a probability between 0 and 1, got {threshold}")
    score = as_floats("output", output, ("N",))
    positive = as_binary("target", target, len(score))
    index, drawn = resolve_units(len(score), unit, weights)
    called = score >= threshold
    gain = called * np.where(positive, 1.0, -threshold / (1.0 - threshold))
    both = np.stack([gain, np.ones(len(score))], axis=1)
    total, n_items = weighted_sums(sum_by_unit(both, index, drawn.shape[1]), drawn).T
    return ratio(total, n_items)


def decision_curve(target: Array, output: Array, *, thresholds: tuple[float, ...] = USUAL_THRESHOLDS) -> DecisionCurve:
    """Give the decision curve of all items.

    Parameters
    ----------
    target : (N,) bool
    output : (N,) float
        Calibrated probabilities.
    thresholds : tuple of float
        Each in (0, 1).

    Returns
    -------
    DecisionCurve

    Raises
    ------
    UsageError, ShapeError
        As in :func:`net_benefit`.
    """
    everybody = np.ones(len(np.asarray(output)))
    return DecisionCurve(
        threshold=np.array(thresholds),
        model=np.array([net_benefit(target, output, threshold=t)[0] for t in thresholds]),
        treat_all=np.array([net_benefit(target, everybody, threshold=t)[0] for t in thresholds]),
    )
