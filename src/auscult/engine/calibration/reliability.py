"""Reliability: how often the model is right where it says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auscult.engine.metrics.checks import Array, Floats, Ints
from auscult.engine.metrics.probabilities import BinRule, brier, confidence_bins, ece


@dataclass(frozen=True)
class Reliability:
    """Points of the reliability curve, with the two figures that sum it up.

    Attributes
    ----------
    rule : {"mass", "width"}
        Bins with equally many items, or equally wide bins.
    edges : (E + 1,) float
        Of the bins.
    n_items : (E,) int
        Items in each bin.
    confidence : (E,) float
        Mean confidence in each bin; NaN where it is empty.
    share_right : (E,) float
        Share of the items in the bin for which it came true; NaN where it is empty.
    ece, brier : float
        Of all items, by the same bins.
    """

    rule: BinRule
    edges: Floats
    n_items: Ints
    confidence: Floats
    share_right: Floats
    ece: float
    brier: float


def reliability(
    target: Array,
    output: Array,
    *,
    n_bins: int = 15,
    rule: BinRule = "mass",
    positive: int | None = None,
) -> Reliability:
    """Give the reliability curve.

    Parameters
    ----------
    target : (N,) int in [0, K)
    output : (N, K) or (N,) float
        Probabilities of the classes, or of the second of two.
    n_bins : int
        How many; ties may leave fewer bins of equal mass.
    rule : {"mass", "width"}
        See :class:`Reliability`.
    positive : int or None
        Judge the probability of this class. None: of the chosen class; of the second one for (N,).

    Returns
    -------
    Reliability

    Raises
    ------
    ShapeError
        Not probabilities, or a class out of range.
    UsageError
        The rule is unknown or there is no bin.

    Notes
    -----
    Niculescu-Mizil and Caruana 2005, ICML.
    """
    bins = confidence_bins(target, output, n_bins=n_bins, rule=rule, positive=positive)
    size = len(bins.edges) - 1
    n_items = np.bincount(bins.index, minlength=size)
    divisor = np.where(n_items > 0, n_items, np.nan)
    return Reliability(
        rule=rule,
        edges=bins.edges,
        n_items=n_items.astype(np.int64),
        confidence=np.bincount(bins.index, weights=bins.confidence, minlength=size) / divisor,
        share_right=np.bincount(bins.index, weights=bins.right, minlength=size) / divisor,
        ece=float(ece(target, output, n_bins=n_bins, rule=rule, positive=positive)[0]),
        brier=float(brier(target, output)[0]),
    )
