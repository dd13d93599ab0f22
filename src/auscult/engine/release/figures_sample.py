"""Pictures about generated items: the most and the least usual ones, and how near they come to real ones.

Only generated items are drawn. A real one that lies beside them is shown as a distance, because a release goes to
places where the records of persons may not go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Outputs, TaskSpec
from auscult.engine.metrics.generated import nearest_distances
from auscult.engine.release.figures_base import COLOURS, Figure, Floats, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

COLUMNS, SHOWN = 12, 24
BINS = 40


def sample_figures(spec: TaskSpec, outputs: Outputs) -> list[Figure]:
    """Draw generated pictures, or distances of real ones to them.

    Parameters
    ----------
    spec : TaskSpec
        The task, or what a probe is judged by.
    outputs : Outputs
        ``sample`` (M, 1, H, W) with ``feature``, with ``to_train`` and ``to_held_out`` (M,), or ``distance`` (M,) with
        the truth ``member``. What is no picture is not drawn.

    Returns
    -------
    list of Figure
    """
    if "distance" in outputs.arrays:
        return [_distances(outputs.array("distance"), np.asarray(outputs.truth("member"), dtype=bool))]
    if "sample" not in outputs.arrays or outputs.array("sample").ndim != 4 or len(outputs) < 2:
        return []
    if "to_train" in outputs.arrays:
        return [_nearest(outputs)]
    if outputs.target is None or "real" not in outputs.target:
        return []
    away = nearest_distances(outputs.array("feature"), np.asarray(outputs.truth("real")))
    order = np.argsort(away, kind="stable")
    images = outputs.array("sample")[:, 0]
    caption = "Judged by the distance of their features to the nearest real item of the test. No real image is shown."
    return [
        _grid("best", "Generated: the most like real ones", caption, images=images[order[:SHOWN]]),
        _grid("worst", "Generated: the least like real ones", caption, images=images[order[::-1][:SHOWN]]),
    ]


def _grid(name: str, title: str, caption: str, *, images: Array, texts: Sequence[str] = ()) -> Figure:
    rows = math.ceil(len(images) / COLUMNS)

    def paint(sheet: Sheet) -> None:
        fields = sheet.subplots(rows, COLUMNS, squeeze=False).ravel()
        for k, axes in enumerate(fields):
            axes.set_axis_off()
            if k < len(images):
                axes.imshow(images[k], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if k < len(texts):
                axes.set_title(texts[k], fontsize=6, fontweight="normal", loc="center", pad=2)

    return picture(name, title, caption, height_in=rows * (0.95 if texts else 0.75), paint=paint)


def _nearest(outputs: Outputs) -> Figure:
    to_train, to_held_out = outputs.array("to_train"), outputs.array("to_held_out")
    order = np.argsort(to_train, kind="stable")[:SHOWN]
    texts = [f"{to_train[k]:.2f} | {to_held_out[k]:.2f}" for k in order]
    caption = (
        "The generated images that come nearest to a training image. Above each: its distance to that image | to "
        "the nearest held-out one, of which there are fewer. A copy would be far nearer to training. The real half of "
        "each pair is not shown: it is the record of a person."
    )
    return _grid("nearest", "Nearest neighbours", caption, images=outputs.array("sample")[order, 0], texts=texts)


def _distances(distance: Array, member: Array) -> Figure:
    def paint(sheet: Sheet) -> None:
        axes = sheet.subplots()
        edges: Floats = np.linspace(float(distance.min()), float(distance.max()), BINS + 1)
        for k, (name, rows) in enumerate((("training items", member), ("held-out items", ~member))):
            density, _ = np.histogram(distance[rows], bins=edges, density=True)
            axes.stairs(density, edges, label=name, color=COLOURS[k], linewidth=1.6, linestyle=("-", "--")[k])
        axes.set_xlabel("distance to the nearest generated item")
        axes.set_ylabel("density")
        axes.legend()

    caption = "Where a generator copies, training items lie nearer to generated ones than held-out items do."
    return picture("membership", "Distance of real items to generated ones", caption, height_in=2.6, paint=paint)
