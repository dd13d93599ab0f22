"""Metrics of the answer kind *events*: positions in a record, matched one to one within a tolerance.

``target`` and ``output`` are sequences of N records; each record is a sorted array of positions (samples, so
that the tolerance is exact). ``unit`` and ``weights`` are explained in
:mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Floats, Ints, require_finite, require_shape
from auscult.engine.metrics.weighting import ratio, resolve_units, sum_by_unit, weighted_sums


def _positions(name: str, values: Array) -> list[float]:
    array = np.asarray(values)
    require_shape(name, array, ("K",))
    require_finite(name, array)
    if np.any(array[1:] < array[:-1]):
        raise ShapeError(f"{name}: expected ascending positions, got {array.shape[0]} unsorted ones; sort them")
    positions: list[float] = array.tolist()
    return positions


def _leftmost(reference: list[float], detected: list[float], tolerance: float) -> list[list[int]]:
    """Pair from left to right: the first pair that fits leaves most for the rest, so none is larger."""
    pairs = []
    i = j = 0
    while i < len(reference) and j < len(detected):
        gap = detected[j] - reference[i]
        if gap < -tolerance:
            j += 1
        elif gap > tolerance:
            i += 1
        else:
            pairs.append([i, j])
            i, j = i + 1, j + 1
    return pairs


def _move_right(pairs: list[list[int]], side: int, reference: list[float], detected: list[float]) -> None:
    """Give each pair, last first, the nearest of the free positions between it and the next pair."""
    positions = (reference, detected)
    free_until = len(positions[side])
    for pair in reversed(pairs):
        here = positions[1 - side][pair[1 - side]]
        candidates = range(pair[side], free_until)
        pair[side] = min(candidates, key=lambda k: abs(positions[side][k] - here))
        free_until = pair[side]


def match_events(reference: Array, detected: Array, tolerance: float) -> Ints:
    """Match positions one to one and in order: as many pairs as can be, then the nearest free partners.

    Parameters
    ----------
    reference : (K,) float or int
        Ascending.
    detected : (M,) float or int
        Ascending, in the same unit.
    tolerance : float
        Two positions may be matched where they are at most this far apart, in the same unit.

    Returns
    -------
    (P, 2) int64
        Index in ``reference`` and in ``detected``, both ascending.

    Raises
    ------
    ShapeError
        Unsorted, NaN, not one axis, or a negative tolerance.

    Notes
    -----
    The number of pairs is the maximum (one sweep over sorted positions; ANSI/AAMI EC57 asks for one to one
    within 150 ms). Positions that were free are then used where they are nearer, which changes no count.
    """
    if not tolerance >= 0:
        raise ShapeError(f"tolerance: expected 0 or more, got {tolerance}; 0.15 s of samples is usual for beats")
    first, second = _positions("reference", reference), _positions("detected", detected)
    pairs = _leftmost(first, second, tolerance)
    for side in (1, 0):
        _move_right(pairs, side, first, second)
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def event_counts(target: Sequence[Array], output: Sequence[Array], *, tolerance: float) -> Ints:
    """Count found, false and missed events of each record.

    Returns
    -------
    (N, 3) int64
        True positives, false positives, false negatives.

    Raises
    ------
    ShapeError
        The numbers of records differ, or :func:`match_events` refuses one.
    """
    if len(target) != len(output):
        raise ShapeError(f"output: expected {len(target)} records as in the target, got {len(output)}")
    counts = np.zeros((len(target), 3), dtype=np.int64)
    for row, reference, detected in zip(counts, target, output, strict=True):
        found = len(match_events(reference, detected, tolerance))
        row[:] = found, len(detected) - found, len(reference) - found
    return counts


def _sums(
    target: Sequence[Array],
    output: Sequence[Array],
    *,
    tolerance: float,
    unit: Array | None,
    weights: Array | None,
) -> Floats:
    index, drawn = resolve_units(len(target), unit, weights)
    per_unit = sum_by_unit(event_counts(target, output, tolerance=tolerance), index, drawn.shape[1])
    return weighted_sums(per_unit, drawn).T  # (3, B)


def event_sensitivity(
    target: Sequence[Array],
    output: Sequence[Array],
    *,
    tolerance: float,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Share of the reference events that are found, over all records, (B,) in [0, 1]."""
    found, _, missed = _sums(target, output, tolerance=tolerance, unit=unit, weights=weights)
    return ratio(found, found + missed)


def event_ppv(
    target: Sequence[Array],
    output: Sequence[Array],
    *,
    tolerance: float,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Share of the detected events that are true, over all records, (B,) in [0, 1]."""
    found, false, _ = _sums(target, output, tolerance=tolerance, unit=unit, weights=weights)
    return ratio(found, found + false)


def event_f1(
    target: Sequence[Array],
    output: Sequence[Array],
    *,
    tolerance: float,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Harmonic mean of sensitivity and positive predictive value, (B,); NaN without a reference event."""
    found, false, missed = _sums(target, output, tolerance=tolerance, unit=unit, weights=weights)
    return np.where(found + missed > 0, ratio(2.0 * found, 2.0 * found + false + missed), np.nan)


def end_to_end_classes(
    reference: tuple[Array, Array], detected: tuple[Array, Array], *, tolerance: float, n_classes: int
) -> tuple[Ints, Ints]:
    """Classes of matched, missed and false events, so that an error of detection is one of classification.

    Parameters
    ----------
    reference, detected : pair of (K,) positions and (K,) int classes in [0, n_classes)
        Of one record.
    tolerance : float
        As in :func:`match_events`.
    n_classes : int
        The extra class ``n_classes`` means *no event*: decided for a missed one, the target of a false one.

    Returns
    -------
    target, decided : (M,) int64
        Reference events in their order, then false detections.

    Raises
    ------
    ShapeError
        Positions and classes differ in number, or :func:`match_events` refuses.
    """
    for name, (positions, classes) in (("reference", reference), ("detected", detected)):
        require_shape(f"classes of {name}", np.asarray(classes), (len(positions),))
    pairs = match_events(reference[0], detected[0], tolerance)
    false = np.setdiff1d(np.arange(len(detected[0])), pairs[:, 1])
    decided = np.full(len(reference[0]), n_classes, dtype=np.int64)
    decided[pairs[:, 0]] = np.asarray(detected[1])[pairs[:, 1]]
    target = np.concatenate([np.asarray(reference[1], dtype=np.int64), np.full(len(false), n_classes)])
    return target, np.concatenate([decided, np.asarray(detected[1], dtype=np.int64)[false]])
