"""Metrics of the answer kind *mask*: a label for each pixel or voxel.

``target`` and ``output`` are sequences of N volumes of whole numbers, ``(D, H, W)`` or ``(H, W)``; sizes may
differ between volumes. ``unit`` and ``weights`` are explained in :mod:`auscult.engine.metrics.weighting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from auscult.base.errors import ShapeError
from auscult.engine.metrics.checks import Array, Bools, Floats, require_shape
from auscult.engine.metrics.weighting import mean_defined, ratio, resolve_units, weighted_means


class SurfaceDistance(NamedTuple):
    """Distances between two surfaces in mm; NaN where one of the masks is empty."""

    mean_mm: float
    p95_mm: float


def volume_dice(target: Sequence[Array], output: Sequence[Array], *, labels: Sequence[int]) -> Floats:
    """Dice coefficient of each label in each volume.

    Returns
    -------
    (N, L) float64 in [0, 1]
        NaN where a label is in neither mask of the volume.

    Raises
    ------
    ShapeError
        The numbers or the sizes of the volumes differ, or they do not hold whole numbers.
    """
    if len(target) != len(output):
        raise ShapeError(f"output: expected {len(target)} volumes as in the target, got {len(output)}")
    out = np.empty((len(target), len(labels)))
    for row, true, found in zip(out, target, output, strict=True):
        reference, answer = np.asarray(true), np.asarray(found)
        require_shape("output volume", answer, reference.shape)
        if reference.dtype.kind not in "biu" or answer.dtype.kind not in "biu":
            raise ShapeError(f"mask: expected whole numbers, got {reference.dtype} and {answer.dtype}")
        for column, label in enumerate(labels):
            first, second = reference == label, answer == label
            both = np.count_nonzero(first & second)
            row[column] = ratio(np.array(2.0 * both), np.array(np.count_nonzero(first) + np.count_nonzero(second)))
    return out


def dice(
    target: Sequence[Array],
    output: Sequence[Array],
    *,
    labels: Sequence[int] = (1,),
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean Dice coefficient: of each label over the volumes that have it, then over the labels.

    Returns
    -------
    (B,) float64 in [0, 1]

    Notes
    -----
    Dice 1945, Ecology 26:297. A volume in which neither mask has the label is left out, not counted as 1.
    """
    index, drawn = resolve_units(len(target), unit, weights)
    return mean_defined(weighted_means(volume_dice(target, output, labels=labels), index, drawn))


def _surface(mask: Bools) -> Bools:
    from scipy import ndimage

    inside = ndimage.binary_erosion(mask, structure=ndimage.generate_binary_structure(mask.ndim, 1))
    return np.asarray(mask & ~inside)


def surface_distance(target: Array, output: Array, *, spacing_mm: Sequence[float]) -> SurfaceDistance:
    """Distances in mm between the surfaces of two masks of one label.

    Parameters
    ----------
    target, output : (D, H, W) or (H, W) bool
    spacing_mm : sequence of float
        Size of a voxel along each axis.

    Returns
    -------
    SurfaceDistance
        ``mean_mm``: mean over the surface voxels of both masks of the distance to the other surface.
        ``p95_mm``: the larger of the two one-way 95th percentiles.

    Raises
    ------
    ShapeError
        Sizes differ, not booleans, or the spacing does not have one positive number an axis.

    Notes
    -----
    Maier-Hein et al. 2024, Nature Methods 21:195 (average symmetric surface distance, Hausdorff distance 95
    %).
    """
    from scipy import ndimage

    masks = (np.asarray(target), np.asarray(output))
    require_shape("output", masks[1], masks[0].shape)
    if any(mask.dtype.kind != "b" for mask in masks):
        raise ShapeError(f"mask: expected booleans of one label, got {masks[0].dtype} and {masks[1].dtype}")
    if len(spacing_mm) != masks[0].ndim or not all(size > 0 for size in spacing_mm):
        raise ShapeError(f"spacing_mm: expected {masks[0].ndim} positive numbers, got {len(spacing_mm)}")
    if not all(mask.any() for mask in masks):
        return SurfaceDistance(np.nan, np.nan)
    where = np.nonzero(masks[0] | masks[1])
    box = tuple(slice(axis.min(), axis.max() + 1) for axis in where)
    surfaces = [_surface(mask[box]) for mask in masks]
    to_other = [
        ndimage.distance_transform_edt(~surfaces[1 - side], sampling=tuple(spacing_mm))[surfaces[side]]
        for side in (0, 1)
    ]
    return SurfaceDistance(
        float(np.concatenate(to_other).mean()),
        float(max(np.percentile(distances, 95) for distances in to_other)),
    )


def mean_surface_distance(
    target: Sequence[Array],
    output: Sequence[Array],
    *,
    spacing_mm: Sequence[Sequence[float]],
    label: int = 1,
    which: Literal["mean_mm", "p95_mm"] = "mean_mm",
    unit: Array | None = None,
    weights: Array | None = None,
) -> Floats:
    """Mean over the volumes of one of the surface distances of a label, in mm.

    Parameters
    ----------
    target, output
        See the module.
    spacing_mm : N sequences of float
        Size of a voxel along each axis, for each volume.
    label : int
        The label.
    which : {"mean_mm", "p95_mm"}
        The field of :class:`SurfaceDistance`.

    Returns
    -------
    (B,) float64
        Volumes in which one of the masks lacks the label are left out.

    Raises
    ------
    ShapeError
        Numbers or sizes of volumes differ, or :func:`surface_distance` refuses one.
    """
    if not len(target) == len(output) == len(spacing_mm):
        raise ShapeError(
            f"volumes: expected as many outputs and spacings as targets ({len(target)}), "
            f"got {len(output)} and {len(spacing_mm)}"
        )
    distances = [
        surface_distance(np.asarray(true) == label, np.asarray(found) == label, spacing_mm=spacing)
        for true, found, spacing in zip(target, output, spacing_mm, strict=True)
    ]
    values = np.array([getattr(distance, which) for distance in distances])
    index, drawn = resolve_units(len(values), unit, weights)
    return weighted_means(values[:, None], index, drawn)[:, 0]
