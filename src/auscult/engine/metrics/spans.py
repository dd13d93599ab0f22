"""Metrics of the answer kind *spans*: stretches of a text with a type, right only with exact bounds and type.

``target`` and ``output`` are sequences of N texts; each text is a collection of ``(start, end, type)``.
``unit`` and ``weights`` are explained in :mod:`auscult.engine.metrics.weighting`. No message ever holds a
span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Floats, Ints
from auscult.engine.metrics.weighting import ratio, resolve_units, sum_by_unit, weighted_sums

Span = tuple[int, int, str]
Texts = Sequence[Collection[Span]]


def span_counts(target: Texts, output: Texts, *, kind: str | None = None) -> Ints:
    """Count found, false and missed spans of each text; a span given twice counts twice.

    Parameters
    ----------
    target, output : sequence of collections of (start, end, type)
    kind : str or None
        Count this type only.

    Returns
    -------
    (N, 3) int64
        True positives, false positives, false negatives.

    Raises
    ------
    ShapeError
        The numbers of texts differ.
    """
    if len(target) != len(output):
        raise ShapeError(f"output: expected {len(target)} texts as in the target, got {len(output)}")
    counts = np.zeros((len(target), 3), dtype=np.int64)
    for row, true, found in zip(counts, target, output, strict=True):
        reference = Counter(span for span in true if kind is None or span[2] == kind)
        answer = Counter(span for span in found if kind is None or span[2] == kind)
        hits = (reference & answer).total()
        row[:] = hits, answer.total() - hits, reference.total() - hits
    return counts


def _sums(target: Texts, output: Texts, *, kind: str | None, unit: Array | None, weights: Array | None) -> Floats:
    index, drawn = resolve_units(len(target), unit, weights)
    per_unit = sum_by_unit(span_counts(target, output, kind=kind), index, drawn.shape[1])
    return weighted_sums(per_unit, drawn).T  # (3, B)


def entity_f1(
    target: Texts,
    output: Texts,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    kind: str | None = None,
) -> Floats:
    """F1 over all spans (micro), (B,) in [0, 1]; NaN where a resample has no span in the target."""
    found, false, missed = _sums(target, output, kind=kind, unit=unit, weights=weights)
    return np.where(found + missed > 0, ratio(2.0 * found, 2.0 * found + false + missed), np.nan)


def entity_precision(
    target: Texts,
    output: Texts,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    kind: str | None = None,
) -> Floats:
    """Share of the spans in the output that are right, (B,) in [0, 1]; NaN where the output has none."""
    found, false, _ = _sums(target, output, kind=kind, unit=unit, weights=weights)
    return ratio(found, found + false)


def entity_recall(
    target: Texts,
    output: Texts,
    *,
    unit: Array | None = None,
    weights: Array | None = None,
    kind: str | None = None,
) -> Floats:
    """Share of the spans in the target that are found, (B,) in [0, 1]; NaN where the target has none."""
    found, _, missed = _sums(target, output, kind=kind, unit=unit, weights=weights)
    return ratio(found, found + missed)


def character_counts(target: Texts, output: Texts) -> Ints:
    """Count the characters of each text that a span of any type covers in both, in the output only, in the target only.

    Parameters
    ----------
    target, output : sequence of collections of (start, end, type)

    Returns
    -------
    (N, 3) int64
        True positives, false positives, false negatives.

    Raises
    ------
    ShapeError
        The numbers of texts differ.
    """
    if len(target) != len(output):
        raise ShapeError(f"output: expected {len(target)} texts as in the target, got {len(output)}")
    counts = np.zeros((len(target), 3), dtype=np.int64)
    for row, true, found in zip(counts, target, output, strict=True):
        reference, answer = ({c for begin, end, _ in spans for c in range(begin, end)} for spans in (true, found))
        row[:] = len(reference & answer), len(answer - reference), len(reference - answer)
    return counts


def _characters(target: Texts, output: Texts, unit: Array | None, weights: Array | None) -> Floats:
    index, drawn = resolve_units(len(target), unit, weights)
    return weighted_sums(sum_by_unit(character_counts(target, output), index, drawn.shape[1]), drawn).T  # (3, B)


def character_precision(
    target: Texts, output: Texts, *, unit: Array | None = None, weights: Array | None = None
) -> Floats:
    """Share of the covered characters that are part of a true span of any type, (B,); NaN where none is covered."""
    found, false, _ = _characters(target, output, unit, weights)
    return ratio(found, found + false)


def character_recall(
    target: Texts, output: Texts, *, unit: Array | None = None, weights: Array | None = None
) -> Floats:
    """Share of the characters of true spans that are covered under any type, (B,); NaN where there is none.

    What counts where identifiers are to be hidden: a name that is covered as a place is not shown to a reader.
    """
    found, _, missed = _characters(target, output, unit, weights)
    return ratio(found, found + missed)
