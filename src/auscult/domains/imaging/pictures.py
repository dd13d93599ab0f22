"""Pictures of the report, drawn of simulated records: what carried an answer, masks on their slices, and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from auscult.base.arrays import Array
from auscult.domains.imaging.preprocess.overlay import LABELS, with_labels, with_saliency
from auscult.engine.release.figures_base import Figure, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

LEAST_FALL = 0.02
SLICES = 4


def saliency_figure(images: Array, explained: Sequence[Mapping[str, Any]], shares: Sequence[float]) -> Figure:
    """Draw pictures with what carried their answers.

    Parameters
    ----------
    images : (N, H, W) array
        0 to 1.
    explained : sequence of mapping
        ``label`` and ``fall`` of each, as ``ImageClassification.explain`` gives them.
    shares : sequence of float
        Probability of the decided class of each.
    """
    return picture(
        "saliency",
        "What carried the answers",
        "Simulated records, each beside what carried its answer: orange where the probability of the decided class "
        "falls when that field is hidden, blue where it rises; full colour is the largest change of that picture. A "
        "model that looks at the border or at letters would show it here.",
        height_in=2.3 * ((len(images) + 1) // 2),
        paint=partial(_paint_saliency, images=images, explained=explained, shares=shares),
    )


def _paint_saliency(
    sheet: Sheet, *, images: Array, explained: Sequence[Mapping[str, Any]], shares: Sequence[float]
) -> None:
    axes = sheet.subplots((len(images) + 1) // 2, 4, squeeze=False).ravel()
    for one in axes:
        one.set_axis_off()
    for k, (image, told, share) in enumerate(zip(images, explained, shares, strict=True)):
        fall = np.asarray(told["fall"], dtype=np.float64)
        full = max(float(np.abs(fall).max()), LEAST_FALL)
        axes[2 * k].imshow(image, cmap="gray", vmin=0, vmax=1)
        axes[2 * k].set_title(f"{told['label']} {share:.2f}")
        axes[2 * k + 1].imshow(with_saliency(image, fall, full=full))
        axes[2 * k + 1].set_title(f"up to {full:.2f}")


def mask_figure(volumes: Sequence[Array], masks: Sequence[Array], labels: Sequence[str]) -> Figure:
    """Draw slices of volumes (D, H, W) with the labels (D, H, W) that were found in them."""
    names = ", ".join(f"{name} ({_name_of(k)})" for k, name in enumerate(labels))
    return picture(
        "masks",
        "Labels on simulated volumes",
        f"Four slices of each simulated volume, from the first to the last that holds a label: {names}.",
        height_in=2.1 * len(volumes),
        paint=partial(_paint_masks, volumes=volumes, masks=masks),
    )


def _name_of(k: int) -> str:
    return ("orange", "green", "light blue", "pink", "yellow")[k % len(LABELS)]


def _paint_masks(sheet: Sheet, *, volumes: Sequence[Array], masks: Sequence[Array]) -> None:
    axes = sheet.subplots(len(volumes), SLICES, squeeze=False)
    for row, volume, mask in zip(axes, volumes, masks, strict=True):
        held = np.flatnonzero(mask.any(axis=(1, 2)))
        first, last = (held[0], held[-1]) if len(held) else (0, len(volume) - 1)
        for one, k in zip(row, np.linspace(first, last, SLICES).round().astype(np.int64), strict=True):
            one.set_axis_off()
            one.imshow(with_labels(volume[k], mask[k]), origin="lower")
            one.set_title(f"slice {k + 1} of {len(volume)}")


def boxes_figure(
    images: Sequence[Array], found: Sequence[tuple[Array, Array, Array]], labels: Sequence[str], *, least: float
) -> Figure:
    """Draw pictures with the boxes that were found on them.

    Parameters
    ----------
    images : sequence of (H, W, 3) arrays
        0 to 1.
    found : sequence of (boxes, labels, scores)
        Corners in pixels (M, 4), numbers of classes (M,) and scores (M,) of each picture.
    labels : sequence of str
        Names of the classes.
    least : float
        Boxes below this score are not drawn.
    """
    return picture(
        "boxes",
        "Boxes on simulated pictures",
        f"Simulated records with the boxes that were found on them and their scores; boxes below {least:.2f} are not "
        "drawn. Corners far from the thing, or two boxes on one thing, would show here.",
        height_in=2.6 * ((len(images) + 1) // 2),
        paint=partial(_paint_boxes, images=images, found=found, labels=labels, least=least),
    )


def _paint_boxes(
    sheet: Sheet,
    *,
    images: Sequence[Array],
    found: Sequence[tuple[Array, Array, Array]],
    labels: Sequence[str],
    least: float,
) -> None:
    from matplotlib.patches import Rectangle

    axes = sheet.subplots((len(images) + 1) // 2, 2, squeeze=False).ravel()
    for one in axes:
        one.set_axis_off()
    for one, image, (boxes, codes, scores) in zip(axes, images, found, strict=False):
        one.imshow(image)
        told = []
        for box, code, score in zip(boxes, codes, scores, strict=True):
            if score >= least:
                x, y, right, below = (float(v) for v in box)
                one.add_patch(Rectangle((x, y), right - x, below - y, fill=False, edgecolor="#e69f00", linewidth=1.5))
                told.append(f"{labels[int(code)]} {score:.2f}")
        one.set_title(", ".join(told) or "none")
