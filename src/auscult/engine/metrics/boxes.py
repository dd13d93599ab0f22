"""Metrics of the answer kind *boxes*: average precision as COCO defines it.

``target`` and ``output`` are sequences of N images of :class:`Boxes`. ``unit`` and ``weights`` are explained
in :mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Bools, Floats, Ints, require_finite, require_shape
from auscult.engine.metrics.weighting import blocks, mean_defined, resolve_units, weighted_sums

# COCO evaluation (Lin et al. 2014, ECCV): 101 recall points, ten overlaps, 100 detections a class and image.
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
COCO_OVERLAPS = tuple(float(overlap) for overlap in np.linspace(0.5, 0.95, 10))
MOST_DETECTIONS = 100


@dataclass(frozen=True)
class Boxes:
    """The boxes of one image.

    Attributes
    ----------
    corners_px : (M, 4) float
        ``x0, y0, x1, y1`` with ``x0 <= x1`` and ``y0 <= y1``.
    label : (M,) int
        The class of each box, from 0.
    score : (M,) float or None
        How sure the model is; None in a target.
    """

    corners_px: Array
    label: Array
    score: Array | None = None

    def __post_init__(self) -> None:
        require_shape("corners_px", self.corners_px, ("M", 4))
        require_finite("corners_px", self.corners_px)
        require_shape("label", self.label, (len(self.corners_px),))
        if np.any(self.corners_px[:, :2] > self.corners_px[:, 2:]):
            raise ShapeError("corners_px: expected x0 <= x1 and y0 <= y1, got a box turned round")
        if self.score is not None:
            require_shape("score", self.score, (len(self.corners_px),))
            require_finite("score", self.score)


def box_overlap(first: Array, second: Array) -> Floats:
    """Intersection over union of every pair of boxes.

    Parameters
    ----------
    first : (P, 4) float
    second : (Q, 4) float
        Corners in one unit.

    Returns
    -------
    (P, Q) float64 in [0, 1]
        0 for two boxes without area.
    """
    a, b = np.asarray(first, dtype=np.float64)[:, None], np.asarray(second, dtype=np.float64)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0.0, None)
    both = sides.prod(axis=-1)
    union = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1) - both
    return np.where(union > 0, both / np.where(union > 0, union, 1.0), 0.0)


def match_boxes(overlap: Floats, limits: Floats) -> Bools:
    """Give each detection, the surest first, the free reference box that it overlaps most.

    Parameters
    ----------
    overlap : (D, G) float
        Of detections, surest first, with reference boxes.
    limits : (T,) float
        Least overlap of a match.

    Returns
    -------
    (T, D) bool
        Whether the detection is a true positive.
    """
    n_detected, n_reference = overlap.shape
    hit = np.zeros((len(limits), n_detected), dtype=np.bool_)
    if not n_reference:
        return hit
    free = np.ones((len(limits), n_reference), dtype=np.bool_)
    rows = np.arange(len(limits))
    for detection in range(n_detected):
        candidates = np.where(free, overlap[detection], -1.0)  # (T, G)
        best = candidates.argmax(axis=1)
        ok = candidates[rows, best] >= limits
        hit[ok, detection] = True
        free[rows[ok], best[ok]] = False
    return hit


def _match_class(
    target: Sequence[Boxes], output: Sequence[Boxes], label: int, limits: Floats
) -> tuple[Bools, Ints, Ints]:
    """Match one class in every image: hits (T, D) and image (D,), surest first, and reference boxes (N,)."""
    hits, images, scores = (
        [np.zeros((len(limits), 0), dtype=np.bool_)],
        [np.zeros(0, dtype=np.int64)],
        [np.zeros(0)],
    )
    n_reference = np.zeros(len(target), dtype=np.int64)
    for image, (true, found) in enumerate(zip(target, output, strict=True)):
        reference = true.corners_px[true.label == label]
        n_reference[image] = len(reference)
        if found.score is None:
            raise ShapeError(f"output: expected boxes with scores, got none in image {image}")
        score = found.score[found.label == label]
        order = np.argsort(-score, kind="stable")[:MOST_DETECTIONS]
        corners = found.corners_px[found.label == label][order]
        hits.append(match_boxes(box_overlap(corners, reference), limits))
        images.append(np.full(len(order), image))
        scores.append(score[order])
    by_score = np.argsort(-np.concatenate(scores), kind="stable")
    return np.concatenate(hits, axis=1)[:, by_score], np.concatenate(images)[by_score], n_reference


def _area(hit: Bools, weight: Floats, n_reference: Floats) -> Floats:
    """Average precision of one class at one overlap: hit (D,), weight (b, D) -> (b,)."""
    true = np.cumsum(weight * hit, axis=1)
    called = np.cumsum(weight, axis=1)
    precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
    best_from_here = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    padded = np.pad(best_from_here, ((0, 0), (0, 1)))  # recall that is never reached has precision 0
    out = np.full(len(weight), np.nan)
    for row in np.flatnonzero(n_reference > 0):
        reached = np.searchsorted(true[row] / n_reference[row], RECALL_POINTS, side="left")
        out[row] = padded[row, reached].mean()
    return out


def average_precisions(
    target: Sequence[Boxes],
    output: Sequence[Boxes],
    *,
    n_classes: int,
    overlaps: Sequence[float] = COCO_OVERLAPS,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Average precision of each overlap and class.

    Parameters
    ----------
    target, output : sequence of Boxes
        One an image, in the same order.
    n_classes : int
        K.
    overlaps : sequence of float
        Least intersection over union of a match, T of them.

    Returns
    -------
    (B, T, K) float64 in [0, 1]
        NaN where a class has no reference box in the resample.

    Raises
    ------
    ShapeError
        The numbers of images differ, or a box of the output has no score.
    """
    if len(target) != len(output):
        raise ShapeError(f"output: expected {len(target)} images as in the target, got {len(output)}")
    index, drawn = resolve_units(len(target), unit, weights)
    limits = np.asarray(overlaps, dtype=np.float64)
    out = np.full((len(drawn), len(limits), n_classes), np.nan)
    for label in range(n_classes):
        hits, image, n_by_image = _match_class(target, output, label, limits)
        per_unit = np.bincount(index, weights=n_by_image, minlength=drawn.shape[1])
        n_reference = weighted_sums(per_unit[:, None], drawn)[:, 0]
        for rows in blocks(len(drawn), hits.shape[1]):
            weight = drawn[rows][:, index[image]].astype(np.float64)  # (b, D)
            for row, hit in enumerate(hits):
                out[rows, row, label] = _area(hit, weight, n_reference[rows])
    return out


def map50(
    target: Sequence[Boxes],
    output: Sequence[Boxes],
    *,
    n_classes: int,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean over the classes with a reference box of the average precision at overlap 0.5, (B,) in [0, 1]."""
    areas = average_precisions(target, output, n_classes=n_classes, overlaps=(0.5,), unit=unit, weights=weights)
    return mean_defined(areas[:, 0])


def map50_95(
    target: Sequence[Boxes],
    output: Sequence[Boxes],
    *,
    n_classes: int,
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean average precision over overlaps 0.5, 0.55 … 0.95 and the classes with a reference box, (B,)."""
    areas = average_precisions(target, output, n_classes=n_classes, unit=unit, weights=weights)
    return mean_defined(mean_defined(areas))
