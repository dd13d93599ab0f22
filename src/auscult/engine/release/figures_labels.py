"""Pictures of the answer kind ``labels``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Outputs, TaskSpec
from auscult.engine.calibration.reliability import reliability
from auscult.engine.metrics.curves import score_pr_auc, score_roc_auc
from auscult.engine.release.figures_base import COLOURS, GREY, Figure, Floats, picture
from auscult.engine.release.figures_curves import paint_reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet


def label_figures(spec: TaskSpec, outputs: Outputs) -> list[Figure]:
    """Draw the areas under the curves of each label, and calibration over all labels.

    Parameters
    ----------
    spec : TaskSpec
        Names of the K labels.
    outputs : Outputs
        Calibrated answers: ``probability`` (M, K), truth ``label`` (M, K): 1, 0, or -1 where not known.

    Returns
    -------
    list of Figure
        Empty where nothing is known.
    """
    truth, probability = np.asarray(outputs.truth("label")), outputs.array("probability").astype(np.float64)
    known = truth >= 0
    if not known.any():
        return []
    curve = reliability(truth[known].astype(np.int64), probability[known], positive=1)
    calibration = picture(
        "reliability",
        "Does a stated probability come true that often?",
        "Over all labels and answers whose truth is known. On the dashed line the stated probability is "
        f"what was observed. Expected calibration error {curve.ece:.3f}, "
        f"Brier score {curve.brier:.3f} (0 is best).",
        height_in=4.2,
        paint=partial(paint_reliability, curve=curve, of="a label"),
    )
    return [_areas(spec, truth, probability), calibration]


def _areas(spec: TaskSpec, truth: Array, probability: Floats) -> Figure:
    areas = np.full((len(spec.labels), 2), np.nan)
    for k in range(len(spec.labels)):
        rows = truth[:, k] >= 0
        positive = truth[rows, k] == 1
        if positive.any() and not positive.all():
            score = probability[rows, k]
            areas[k] = score_roc_auc(positive, score)[0], score_pr_auc(positive, score)[0]
    undefined = int(np.isnan(areas[:, 0]).sum())
    left_out = f" Without positives or negatives, hence not defined: {undefined}." if undefined else ""
    return picture(
        "areas",
        "How well each label is told",
        "Area under the ROC curve (guessing: 0.5) and average precision (guessing: the share of positives) "
        f"of each label, best first; in brackets the number of positives among the known answers.{left_out}",
        height_in=1.3 + 0.21 * len(spec.labels),
        paint=partial(_paint_areas, spec=spec, truth=truth, areas=areas),
    )


def _paint_areas(sheet: Sheet, *, spec: TaskSpec, truth: Array, areas: Floats) -> None:
    order = np.argsort(np.nan_to_num(areas[:, 0], nan=-1.0), kind="stable")
    positives, known = (truth == 1).sum(axis=0), (truth >= 0).sum(axis=0)
    axes = sheet.subplots()
    rows = np.arange(len(order))
    axes.barh(rows, areas[order, 0], color=COLOURS[0], height=0.6, label="area under the ROC curve")
    axes.plot(areas[order, 1], rows, color=COLOURS[5], marker="D", markersize=4, markeredgecolor="black",
              markeredgewidth=0.5, linestyle="none", label="average precision")  # fmt: skip
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(rows, [f"{spec.labels[k]} ({positives[k]} of {known[k]})" for k in order])
    axes.set(xlabel="area (0 to 1)", xlim=(0, 1), ylim=(-0.6, len(order) - 0.4))
    sheet.legend(loc="outside upper center", ncols=2)
