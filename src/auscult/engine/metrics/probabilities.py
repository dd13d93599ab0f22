"""How good the probabilities themselves are: log loss, Brier score and expected calibration error.

``target`` is (N,) whole numbers in [0, K); ``output`` is probabilities (N, K), or (N,) of the second of two
classes. ``unit`` and ``weights`` are explained in :mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from auscult.base.errors import UsageError
from auscult.engine.metrics.checks import Array, Bools, Floats, Ints, as_classes, as_floats, as_probabilities
from auscult.engine.metrics.weighting import ratio, resolve_units, sum_by_unit, weighted_means, weighted_sums

BinRule = Literal["mass", "width"]

# A probability of 0 that came true would cost infinity; single-precision outputs resolve no less than this.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Bins:
    """Items in bins of their confidence.

    Attributes
    ----------
    edges : (E + 1,) float
        Ascending, from 0 to 1; a bin holds its lower edge and the last one also its upper.
    index : (N,) int
        The bin of each item.
    confidence : (N,) float
        What the model said of its answer.
    right : (N,) bool
        Whether it was so.
    """

    edges: Floats
    index: Ints
    confidence: Floats
    right: Bools


def two_columns(output: Array) -> Floats:
    """Give probabilities (N, K) from (N, K), or from (N,) of the second of two classes.

    Raises
    ------
    ShapeError
        Not probabilities.
    """
    values = np.asarray(output)
    if values.ndim == 1:
        second = as_floats("output", values, ("N",))
        values = np.stack([1.0 - second, second], axis=1)  # (N,) -> (N, 2)
    return as_probabilities("output", values)


def confidence_bins(
    target: Array, output: Array, *, n_bins: int = 15, rule: BinRule = "mass", positive: int | None = None
) -> Bins:
    """Put the items into bins of confidence.

    Parameters
    ----------
    target : (N,) int
    output : (N, K) or (N,) float
    n_bins : int
        How many; ties may leave fewer bins of equal mass.
    rule : {"mass", "width"}
        Bins with equally many items, or equally wide bins.
    positive : int or None
        Judge the probability of this class. None: of the class that is chosen (top label); of the second
        class where ``output`` is (N,).

    Returns
    -------
    Bins

    Raises
    ------
    ShapeError
        Not probabilities, or a class is out of range.
    UsageError
        The rule is unknown or there is no bin.
    """
    if n_bins < 1 or rule not in ("mass", "width"):
        raise UsageError(f"bins: expected 1 or more by 'mass' or 'width', got {n_bins} by '{rule}'; 15 by 'mass'")
    if positive is None and np.ndim(output) == 1:
        positive = 1
    probabilities = two_columns(output)
    truth = as_classes("target", target, probabilities.shape[1])
    chosen = np.argmax(probabilities, axis=1) if positive is None else np.full(len(truth), positive)
    confidence = np.minimum(probabilities[np.arange(len(truth)), chosen], 1.0)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    if rule == "mass":
        inner = np.quantile(confidence, edges[1:-1], method="inverted_cdf")
        edges = np.unique(np.concatenate([[0.0], inner, [1.0]]))
    index = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, len(edges) - 2)
    return Bins(edges, index.astype(np.int64), confidence, np.asarray(truth == chosen))


def ece(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    n_bins: int = 15,
    rule: BinRule = "mass",
    positive: int | None = None,
) -> Floats:
    """Mean over the bins, by their items, of the gap between observed share and mean confidence.

    The bins are those of all items, in every resample. Parameters as in :func:`confidence_bins`.

    Returns
    -------
    (B,) float64 in [0, 1]

    Notes
    -----
    Guo et al. 2017, ICML; bins of equal mass: Nguyen and O'Connor 2015, EMNLP.
    """
    bins = confidence_bins(target, output, n_bins=n_bins, rule=rule, positive=positive)
    index, drawn = resolve_units(len(bins.index), unit, weights)
    size = len(bins.edges) - 1
    member = bins.index[:, None] == np.arange(size)  # (N, E)
    gap = bins.right - bins.confidence
    sums = weighted_sums(sum_by_unit(member * gap[:, None], index, drawn.shape[1]), drawn)
    n_items = weighted_sums(np.bincount(index, minlength=drawn.shape[1])[:, None], drawn)[:, 0]
    return ratio(np.abs(sums).sum(axis=1), n_items)


def brier(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Brier score: mean squared error of the probabilities.

    Two classes: of the second one, in [0, 1]. More: summed over the classes, in [0, 2].

    Returns
    -------
    (B,) float64

    Notes
    -----
    Brier 1950, Monthly Weather Review 78:1.
    """
    probabilities = two_columns(output)
    n_classes = probabilities.shape[1]
    truth = as_classes("target", target, n_classes)
    squares = ((probabilities - np.eye(n_classes)[truth]) ** 2).sum(axis=1)
    index, drawn = resolve_units(len(truth), unit, weights)
    means = weighted_means(squares[:, None], index, drawn)[:, 0]
    return means / 2.0 if n_classes == 2 else means


def log_loss(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Mean negative logarithm of the probability of the true class, in nats; probabilities are at least 1e-7.

    Returns
    -------
    (B,) float64 in [0, 16.2]

    Notes
    -----
    Good 1952, J R Stat Soc B 14:107.
    """
    probabilities = two_columns(output)
    truth = as_classes("target", target, probabilities.shape[1])
    index, drawn = resolve_units(len(truth), unit, weights)
    chosen = np.clip(probabilities[np.arange(len(truth)), truth], SMALLEST_PROBABILITY, 1.0)
    return weighted_means(-np.log(chosen)[:, None], index, drawn)[:, 0]
