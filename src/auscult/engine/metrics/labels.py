"""Metrics of the answer kind *labels*: several yes-or-no answers an item, of which some may be missing.

``target`` is (N, K) of 0 and 1; ``output`` is probabilities (N, K); ``missing`` is (N, K) bool, true where
the target is not known (its value is then not looked at). ``unit`` and ``weights`` are explained in
:mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Bools, Floats, as_floats, require_shape
from auscult.engine.metrics.curves import score_pr_auc, score_roc_auc
from auscult.engine.metrics.screening import bedroc, enrichment_factor
from auscult.engine.metrics.weighting import mean_defined, ratio, resolve_units, sum_by_unit, weighted_sums

DEFAULT_THRESHOLD = 0.5


def _inputs(target: Array, output: Array, missing: Array | None) -> tuple[Bools, Floats, Bools]:
    """Give the positives, the scores and what is known, each (N, K)."""
    score = as_floats("output", output, ("N", "K"))
    truth = np.asarray(target)
    require_shape("target", truth, score.shape)
    known = np.ones(score.shape, dtype=np.bool_) if missing is None else ~np.asarray(missing, dtype=np.bool_)
    require_shape("missing", known, score.shape)
    wrong = int(np.count_nonzero(known & (truth != 0) & (truth != 1)))
    if wrong:
        raise ShapeError(
            f"target: expected 0 and 1 where it is not missing, got {wrong} other values of {truth.size}; "
            "mark them in missing"
        )
    return np.asarray(known & (truth == 1)), score, known


def label_counts(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | Array = DEFAULT_THRESHOLD,
    missing: Array | None = None,
) -> Floats:
    """Count, for each resample and label: positives, called positive, both; missing targets are left out.

    Parameters
    ----------
    threshold : float or (K,) float
        A label is called where its probability is at or above it.

    Returns
    -------
    (B, 3, K) float64

    Raises
    ------
    ShapeError
        Shapes differ, or a known target is neither 0 nor 1.
    """
    positive, score, known = _inputs(target, output, missing)
    limit = np.asarray(threshold, dtype=np.float64)
    if limit.ndim:
        require_shape("threshold", limit, (score.shape[1],))
    called = known & (score >= limit)
    index, drawn = resolve_units(len(score), unit, weights)
    stacked = np.concatenate([positive, called, positive & called], axis=1)  # (N, 3K)
    per_unit = sum_by_unit(stacked, index, drawn.shape[1])
    return weighted_sums(per_unit.reshape(-1, 3, score.shape[1]), drawn)


def n_labels_with_positive(target: Array, missing: Array | None = None) -> int:
    """Count the labels with a known positive: the labels that ``macro_f1`` is over."""
    positive = np.asarray(target) == 1
    if missing is not None:
        positive = positive & ~np.asarray(missing, dtype=np.bool_)
    return int(np.count_nonzero(positive.any(axis=0)))


def micro_f1(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | Array = DEFAULT_THRESHOLD,
    missing: Array | None = None,
) -> Floats:
    """F1 over all pairs of item and label, (B,) in [0, 1]; NaN where there is no positive."""
    counts = label_counts(target, output, unit=unit, weights=weights, threshold=threshold, missing=missing)
    true, called, both = np.moveaxis(counts.sum(axis=2), 1, 0)
    return np.where(true > 0, ratio(2.0 * both, true + called), np.nan)


def macro_f1(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | Array = DEFAULT_THRESHOLD,
    missing: Array | None = None,
) -> Floats:
    """Mean F1 over the labels with a positive in the (re)sample, (B,) in [0, 1]."""
    counts = label_counts(target, output, unit=unit, weights=weights, threshold=threshold, missing=missing)
    true, called, both = np.moveaxis(counts, 1, 0)
    return mean_defined(np.where(true > 0, ratio(2.0 * both, true + called), np.nan))


def label_roc_aucs(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    missing: Array | None = None,
) -> Floats:
    """Area under the ROC curve of each label, (B, K) in [0, 1]; NaN where a label has one class only."""
    return _each(score_roc_auc, _inputs(target, output, missing), unit, weights)


def _each(
    metric: Callable[..., Floats], inputs: tuple[Bools, Floats, Bools], unit: Array | None, weights: Array | None
) -> Floats:
    """Give a metric of scores for each label over the items that are known, (B, K)."""
    positive, score, known = inputs
    index, drawn = resolve_units(len(score), unit, weights)
    out = np.full((len(drawn), score.shape[1]), np.nan)
    for label, rows in enumerate(known.T):
        if rows.any():
            out[:, label] = metric(positive[rows, label], score[rows, label], unit=index[rows], weights=drawn)
    return out


def mean_roc_auc(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    missing: Array | None = None,
) -> Floats:
    """Mean area under the ROC curve over the labels with both classes in the (re)sample, (B,) in [0, 1]."""
    return mean_defined(label_roc_aucs(target, output, unit=unit, weights=weights, missing=missing))


def mean_pr_auc(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    missing: Array | None = None,
) -> Floats:
    """Mean average precision over the labels with a positive in the (re)sample, (B,) in [0, 1]."""
    return mean_defined(_each(score_pr_auc, _inputs(target, output, missing), unit, weights))


def mean_bedroc20(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    missing: Array | None = None,
) -> Floats:
    """Mean BEDROC (alpha 20) over the labels with both classes in the (re)sample, (B,) in [0, 1]."""
    return mean_defined(_each(bedroc, _inputs(target, output, missing), unit, weights))


def mean_ef1(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    missing: Array | None = None,
) -> Floats:
    """Mean enrichment in the first 1 % over the labels with a positive in the (re)sample, (B,) in [0, 100]."""
    return mean_defined(_each(enrichment_factor, _inputs(target, output, missing), unit, weights))
