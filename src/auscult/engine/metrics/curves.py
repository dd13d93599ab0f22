"""Areas under the ROC and the precision-recall curve with exact ties, for any number of resamples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auscult.engine.metrics.checks import Array, Bools, Floats, as_binary, as_classes, as_floats
from auscult.engine.metrics.weighting import blocks, mean_defined, ratio, resolve_units


def _curves(
    positive: Bools, score: Floats, unit: Array | None, weights: Array | None
) -> Iterator[tuple[Floats, Floats]]:
    """Yield, by blocks of resamples, true and false positives (b, G) at each distinct score, high to low."""
    index, drawn = resolve_units(len(score), unit, weights)
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    is_positive, ranked_unit = positive[order].astype(np.float64), index[order]
    for rows in blocks(len(drawn), len(score)):
        weight = drawn[rows].take(ranked_unit, axis=1).astype(np.float64)  # (b, S) -> (b, N)
        both = np.cumsum(weight, axis=1)
        weight *= is_positive
        true = np.cumsum(weight, axis=1, out=weight)
        if len(last_of_tie) < len(score):
            true, both = true[:, last_of_tie], both[:, last_of_tie]
        yield true, both - true


def score_roc_auc(target: Array, score: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Area under the ROC curve: the chance that a positive scores above a negative, a tie counting half.

    Parameters
    ----------
    target : (N,) bool
        The positives.
    score : (N,) float
        Higher is more positive.
    unit, weights
        See :mod:`auscult.engine.metrics.weighting`.

    Returns
    -------
    (B,) float64 in [0, 1]
        NaN where a resample has one class only.

    Raises
    ------
    ShapeError
        Shapes differ, or a score is NaN.

    Notes
    -----
    Hanley and McNeil 1982, Radiology 143:29.
    """
    values = as_floats("score", score, ("N",))
    positive = as_binary("target", target, len(values))
    parts = []
    for true, false in _curves(positive, values, unit, weights):
        area = false[:, 0] * true[:, 0] / 2.0
        area += ((false[:, 1:] - false[:, :-1]) * (true[:, 1:] + true[:, :-1])).sum(axis=1) / 2.0
        parts.append(ratio(area, true[:, -1] * false[:, -1]))
    return np.concatenate(parts)


def score_pr_auc(target: Array, score: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Average precision: the precision at each distinct score, weighted by the recall gained there.

    Parameters
    ----------
    target : (N,) bool
        The positives.
    score : (N,) float
        Higher is more positive.
    unit, weights
        See :mod:`auscult.engine.metrics.weighting`.

    Returns
    -------
    (B,) float64 in [0, 1]
        NaN where a resample has no positive.

    Raises
    ------
    ShapeError
        Shapes differ, or a score is NaN.

    Notes
    -----
    No interpolation between points, which would flatter (Davis and Goadrich 2006, ICML).
    """
    values = as_floats("score", score, ("N",))
    positive = as_binary("target", target, len(values))
    parts = []
    for true, false in _curves(positive, values, unit, weights):
        gained = np.diff(true, axis=1, prepend=0.0)
        precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
        parts.append(ratio((gained * precision).sum(axis=1), true[:, -1]))
    return np.concatenate(parts)


def _one_against_rest(output: Array, target: Array) -> list[tuple[Bools, Floats]]:
    """Give positives and scores of the second of two classes, or of each of more."""
    values = np.asarray(output)
    columns = values[:, None] if values.ndim == 1 else as_floats("output", values, ("N", "K"))
    n_classes = max(2, columns.shape[1])
    truth = as_classes("target", target, n_classes)
    positives = [1] if n_classes == 2 else range(n_classes)
    return [(np.asarray(truth == k), columns[:, -1 if n_classes == 2 else k]) for k in positives]


def roc_auc(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Area under the ROC curve of the answer kind *class*, (B,) in [0, 1].

    ``target`` is (N,) int in [0, K); ``output`` is (N, K) probabilities or (N,) scores of the second of two
    classes. Two classes: of the second. More: mean of one class against the rest, over the classes with both
    a positive and a negative in the resample.
    """
    pairs = _one_against_rest(output, target)
    areas = [score_roc_auc(*pair, unit=unit, weights=weights) for pair in pairs]
    return mean_defined(np.stack(areas, axis=1))


def pr_auc(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Average precision of the answer kind *class*, (B,) in [0, 1].

    Input as in :func:`roc_auc`; for more than two classes the mean over those with a positive.
    """
    pairs = _one_against_rest(output, target)
    areas = [score_pr_auc(*pair, unit=unit, weights=weights) for pair in pairs]
    return mean_defined(np.stack(areas, axis=1))
