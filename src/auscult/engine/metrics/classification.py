"""Metrics of the answer kind *class*: one class an item.

``target`` is (N,) whole numbers in [0, K). ``output`` is one of: probabilities (N, K), of which the largest
decides, or for K = 2 the threshold on the second column; scores (N,) of the second of two classes; decided
classes (N,) as whole numbers. ``unit`` and ``weights`` are explained in
:mod:`auscult.engine.metrics.weighting`; every answer is (B,), NaN where undefined in a resample.
"""

from __future__ import annotations

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Floats, Ints, as_classes, as_floats, require_shape
from auscult.engine.metrics.weighting import mean_defined, ratio, resolve_units, weighted_sums

DEFAULT_THRESHOLD = 0.5


def decide(output: Array, threshold: float | None = None) -> tuple[Ints, int | None]:
    """Turn the output into classes.

    Parameters
    ----------
    output : (N, K) float, (N,) float or (N,) int
        See the module.
    threshold : float or None
        For two classes: the second is chosen where its probability is at or above it. None: the largest
        probability decides; 0.5 for scores.

    Returns
    -------
    decided : (N,) int64
    n_classes : int or None
        None where only decided classes were given.

    Raises
    ------
    ShapeError
        Wrong axes, NaN, or a threshold for something else than two classes.
    """
    values = np.asarray(output)
    if values.ndim == 1 and values.dtype.kind in "biu" and threshold is None:
        return values.astype(np.int64), None
    if values.ndim == 1 and values.dtype.kind == "f":
        score = as_floats("output", values, ("N",))
        return (score >= (DEFAULT_THRESHOLD if threshold is None else threshold)).astype(np.int64), 2
    probabilities = as_floats("output", values, ("N", "K"))
    if threshold is None:
        return np.argmax(probabilities, axis=1).astype(np.int64), probabilities.shape[1]
    require_shape("output with a threshold", probabilities, ("N", 2))
    return (probabilities[:, 1] >= threshold).astype(np.int64), 2


def class_counts(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | None = None,
) -> Floats:
    """Count, for each resample and class: in the target, in the output, in both.

    Returns
    -------
    (B, 3, K) float64
        The margins and the diagonal of the confusion matrix, which is all that the metrics here need.

    Raises
    ------
    ShapeError
        Shapes differ, or a class is outside the range.
    """
    decided, known = decide(output, threshold)
    n_classes = known or int(max(np.max(target, initial=0), np.max(decided, initial=0))) + 1
    truth = as_classes("target", target, n_classes)
    require_shape("output", decided, truth.shape)
    as_classes("output", decided, n_classes)
    index, drawn = resolve_units(len(truth), unit, weights)
    n_units = drawn.shape[1]
    hit = truth == decided
    size = n_units * n_classes
    cells = [index * n_classes + truth, index * n_classes + decided, (index * n_classes + truth)[hit]]
    per_unit = np.stack([np.bincount(cell, minlength=size).reshape(n_units, n_classes) for cell in cells], axis=1)
    return weighted_sums(per_unit, drawn)  # (S, 3, K) -> (B, 3, K)


def confusion_matrix(target: Array, output: Array, *, threshold: float | None = None) -> Ints:
    """Count the items by target (rows) and decided class (columns).

    Returns
    -------
    (K, K) int64

    Raises
    ------
    ShapeError
        Shapes differ, or a class is outside the range.
    """
    decided, known = decide(output, threshold)
    n_classes = known or int(max(np.max(target, initial=0), np.max(decided, initial=0))) + 1
    truth = as_classes("target", target, n_classes)
    require_shape("output", decided, truth.shape)
    flat = np.bincount(truth * n_classes + decided, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def n_classes_with_positive(target: Array) -> int:
    """Count the classes that occur in the target: the classes that ``macro_f1`` is over."""
    return len(np.unique(np.asarray(target)))


def accuracy(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | None = None,
) -> Floats:
    """Share of the items whose class is right, (B,) in [0, 1]."""
    true, _, both = np.moveaxis(class_counts(target, output, unit=unit, weights=weights, threshold=threshold), 1, 0)
    return ratio(both.sum(axis=1), true.sum(axis=1))


def macro_f1(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | None = None,
) -> Floats:
    """Mean F1 over the classes with a positive in the (re)sample, (B,) in [0, 1]."""
    true, decided, both = np.moveaxis(
        class_counts(target, output, unit=unit, weights=weights, threshold=threshold), 1, 0
    )
    return mean_defined(np.where(true > 0, ratio(2.0 * both, true + decided), np.nan))


def _one_class(counts: Floats, positive: int) -> tuple[Floats, Floats, Floats]:
    if not 0 <= positive < counts.shape[2]:
        raise ShapeError(f"positive: expected a class from 0 to {counts.shape[2] - 1}, got {positive}")
    return counts[:, 0, positive], counts[:, 1, positive], counts[:, 2, positive]


def class_f1(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    positive: int = 1,
    threshold: float | None = None,
) -> Floats:
    """F1 of one class against the rest, (B,) in [0, 1]; NaN where a resample has no positive."""
    counts = class_counts(target, output, unit=unit, weights=weights, threshold=threshold)
    true, decided, both = _one_class(counts, positive)
    return np.where(true > 0, ratio(2.0 * both, true + decided), np.nan)


def sensitivity(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    positive: int = 1,
    threshold: float | None = None,
) -> Floats:
    """Share of the positives that are found, (B,) in [0, 1]; NaN where a resample has no positive."""
    counts = class_counts(target, output, unit=unit, weights=weights, threshold=threshold)
    true, _, both = _one_class(counts, positive)
    return ratio(both, true)


def specificity(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    positive: int = 1,
    threshold: float | None = None,
) -> Floats:
    """Share of the negatives that are not called positive, (B,) in [0, 1]; NaN where there is no negative."""
    counts = class_counts(target, output, unit=unit, weights=weights, threshold=threshold)
    true, decided, both = _one_class(counts, positive)
    n_items = counts[:, 0].sum(axis=1)
    return ratio(n_items - true - decided + both, n_items - true)


def ppv(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    positive: int = 1,
    threshold: float | None = None,
) -> Floats:
    """Share of those called positive that are, (B,) in [0, 1]; NaN where none is called positive."""
    counts = class_counts(target, output, unit=unit, weights=weights, threshold=threshold)
    _, decided, both = _one_class(counts, positive)
    return ratio(both, decided)


def _kappa(counts: Floats) -> Floats:
    true, decided, both = np.moveaxis(counts, 1, 0)
    n_items = true.sum(axis=1)
    expected = ratio((true * decided).sum(axis=1), n_items**2)
    return ratio(ratio(both.sum(axis=1), n_items) - expected, 1.0 - expected)


def cohen_kappa(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    threshold: float | None = None,
) -> Floats:
    """Agreement beyond chance, (B,) in [-1, 1]; NaN where chance alone agrees fully."""
    return _kappa(class_counts(target, output, unit=unit, weights=weights, threshold=threshold))


def jk_index(
    target: Array,
    output: Array,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    supraventricular: int = 1,
    ventricular: int = 2,
) -> Floats:
    """Index of arrhythmia classification on the AAMI classes N, S, V, F.

    ``0.5 * kappa + 0.125 * (Se_S + Se_V + PPV_S + PPV_V)``. A class that is never called has PPV 0 here, so
    that silence does not raise the index; NaN where a resample has no S or no V beat.

    Returns
    -------
    (B,) float64 in [-0.5, 1]

    Notes
    -----
    Mondejar-Guerra et al. 2019, Biomed Signal Process Control 47:41, after Mar et al. 2011, IEEE TBME
    58:2168.
    """
    counts = class_counts(target, output, unit=unit, weights=weights)
    total = np.zeros(len(counts))
    for positive in (supraventricular, ventricular):
        true, decided, both = _one_class(counts, positive)
        total += ratio(both, true) + np.nan_to_num(ratio(both, decided))
    return 0.5 * _kappa(counts) + 0.125 * total
