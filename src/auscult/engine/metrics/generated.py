"""Metrics of the answer kind *sample*: whether generated items are like the real ones, or copies of them.

Features are what a fixed network or a fixed transform makes of an item. ``unit`` and ``weights`` are
explained in :mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from auscult.base.errors import ShapeError, UsageError
from auscult.engine.metrics.checks import Array, Floats, as_floats, require_shape
from auscult.engine.metrics.curves import roc_auc, score_roc_auc
from auscult.engine.metrics.weighting import blocks, ratio, resolve_units, sum_by_unit, weighted_sums

DEFAULT_GRAM = 8


def kid(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Kernel inception distance: unbiased squared mean discrepancy with the kernel ``(x·y / F + 1)³``.

    Parameters
    ----------
    target : (N, F) float
        Features of real items.
    output : (M, F) float
        Features of generated items.
    unit : (N + M,) int or None
        Units of the real and then of the generated items.
    weights : (B, S) float or None
        An item that was drawn twice is never compared with itself, so resamples are not biased either.

    Returns
    -------
    (B,) float64
        0 in the mean for equal distributions (a value may be slightly negative); NaN where fewer than two
        items of one side were drawn.

    Raises
    ------
    ShapeError
        The numbers of features differ, or a feature is NaN.

    Notes
    -----
    Bińkowski et al. 2018, ICLR. Memory is that of one (N + M, N + M) matrix.
    """
    real = as_floats("target", target, ("N", "F"))
    made = as_floats("output", output, ("M", real.shape[1]))
    features = np.concatenate([real, made])
    index, drawn = resolve_units(len(features), unit, weights)
    kernel = (features @ features.T / real.shape[1] + 1.0) ** 3
    np.fill_diagonal(kernel, 0.0)
    split = len(real)
    out = np.empty(len(drawn))
    for rows in blocks(len(drawn), len(features)):
        weight = drawn[rows][:, index].astype(np.float64)  # (b, N + M)
        side = (weight[:, :split], weight[:, split:])
        pairs = [w.sum(axis=1) ** 2 - (w**2).sum(axis=1) for w in side]
        n_cross = side[0].sum(axis=1) * side[1].sum(axis=1)
        first = ((side[0] @ kernel[:split, :split]) * side[0]).sum(axis=1)
        second = ((side[1] @ kernel[split:, split:]) * side[1]).sum(axis=1)
        cross = ((side[0] @ kernel[:split, split:]) * side[1]).sum(axis=1)
        out[rows] = ratio(first, pairs[0]) + ratio(second, pairs[1]) - 2.0 * ratio(cross, n_cross)
    return out


def nearest_distances(features: Array, others: Array) -> Floats:
    """Euclidean distance from each item to the nearest of the others.

    Parameters
    ----------
    features : (N, F) float
    others : (M, F) float, at least one

    Returns
    -------
    (N,) float64

    Raises
    ------
    ShapeError
        The numbers of features differ, a feature is NaN, or there are no others.
    """
    points = as_floats("features", features, ("N", "F"))
    rest = as_floats("others", others, ("M", points.shape[1]))
    if not len(rest):
        raise ShapeError("others: expected at least one item, got none")
    out = np.empty(len(points))
    squares = (rest**2).sum(axis=1)
    for rows in blocks(len(points), len(rest)):
        near = np.argmin(squares - 2.0 * points[rows] @ rest.T, axis=1)
        out[rows] = np.linalg.norm(points[rows] - rest[near], axis=1)
    return out


def membership_auc(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """How well the distance to the nearest generated item tells training items from held-out items.

    Parameters
    ----------
    target : (N,) bool
        Whether the item was in the training set.
    output : (N,) float
        Its distance to the nearest generated item (:func:`nearest_distances`).

    Returns
    -------
    (B,) float64 in [0, 1]
        0.5: nothing is told; 1: the generator gives its training items away.

    Raises
    ------
    ShapeError
        Shapes differ, or a distance is NaN.

    Notes
    -----
    Distance attack of Chen et al. 2020, ACM CCS (GAN-Leaks), full black box.
    """
    return score_roc_auc(target, -as_floats("output", output, ("N",)), unit=unit, weights=weights)


def trained_auc(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """Mean area under the ROC curve of a model that was trained several times, on real or on generated items.

    Parameters
    ----------
    target : (N,) int in [0, K)
        Classes of real items that none of the trainings saw.
    output : (N, R, K) float
        Probabilities of R trainings.

    Returns
    -------
    (B,) float64 in [0, 1]

    Raises
    ------
    ShapeError
        Shapes differ, or a probability is NaN.
    """
    values = as_floats("output", output, ("N", "R", "K"))
    areas = [roc_auc(target, values[:, r], unit=unit, weights=weights) for r in range(values.shape[1])]
    return np.asarray(np.mean(areas, axis=0))


def share_of_real(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """``trained_auc`` of ``output[:, 0]`` over that of ``output[:, 1]``: what generated items are worth, (B,).

    ``output`` is (N, 2, R, K): of trainings on generated items, and on real ones.
    """
    pair = as_floats("output", output, ("N", "P", "R", "K"))
    made, real = (trained_auc(target, pair[:, k], unit=unit, weights=weights) for k in (0, 1))
    return ratio(made, real)


def auc_gain(target: Array, output: Array, *, unit: Array | None = None, weights: Array | None = None) -> Floats:
    """``trained_auc`` of ``output[:, 0]`` minus that of ``output[:, 1]``: what more items of another kind add, (B,).

    ``output`` is (N, 2, R, K): of trainings on few real items with generated ones, and without.
    """
    pair = as_floats("output", output, ("N", "P", "R", "K"))
    more, few = (trained_auc(target, pair[:, k], unit=unit, weights=weights) for k in (0, 1))
    return more - few


def _grams(tokens: Sequence[Hashable], n: int) -> list[tuple[Hashable, ...]]:
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]


def copy_rate(
    target: Sequence[Sequence[Hashable]],
    output: Sequence[Sequence[Hashable]],
    *,
    n: int = DEFAULT_GRAM,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Share of the n-grams of the generated texts that stand word for word in the training texts.

    Parameters
    ----------
    target : sequence of token sequences
        The training texts.
    output : sequence of N token sequences
        The generated texts (or held-out real ones, for comparison); these are the items that units are of.
    n : int
        Tokens in a row.

    Returns
    -------
    (B,) float64 in [0, 1]
        NaN where no drawn text has n tokens.

    Raises
    ------
    UsageError
        ``n`` is below 1.

    Notes
    -----
    McCoy et al. 2023, TACL 11:652 (n-gram novelty is one minus this).
    """
    if n < 1:
        raise UsageError(f"n: expected 1 or more tokens, got {n}; 8 is usual")
    known = {gram for tokens in target for gram in _grams(tokens, n)}
    counts = np.array([[sum(g in known for g in grams), len(grams)] for grams in (_grams(t, n) for t in output)])
    index, drawn = resolve_units(len(output), unit, weights)
    require_shape("output", counts, ("N", 2))
    copied, total = weighted_sums(sum_by_unit(counts, index, drawn.shape[1]), drawn).T
    return ratio(copied, total)
