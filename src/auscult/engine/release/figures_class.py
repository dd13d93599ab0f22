"""Pictures of the answer kind ``class``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Outputs, TaskSpec
from auscult.engine.calibration.abstain import RiskCoverage, risk_coverage
from auscult.engine.calibration.decision_curve import DecisionCurve, decision_curve
from auscult.engine.calibration.reliability import reliability
from auscult.engine.metrics.curves import score_pr_auc, score_roc_auc
from auscult.engine.release.figures_base import (
    COLOURS,
    GREY,
    Figure,
    Floats,
    counts_by_score,
    line_of,
    picture,
    thinned,
)
from auscult.engine.release.figures_curves import paint_reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

MAX_CURVES = 10
MAX_NUMBERED = 25
MAX_SHARES = 8


def class_figures(spec: TaskSpec, outputs: Outputs) -> list[Figure]:
    """Draw ranking, calibration, confusion, decision curve (two classes) and abstention.

    Parameters
    ----------
    spec : TaskSpec
        Names of the K classes.
    outputs : Outputs
        Calibrated answers: ``probability`` (M, K), ``label`` (M,), truth ``label`` (M,), -1 where unknown.

    Returns
    -------
    list of Figure
        Empty where no answer has a known truth.
    """
    truth = np.asarray(outputs.truth("label"))
    rows = np.flatnonzero(truth >= 0)
    if not len(rows):
        return []
    known, probability = truth[rows].astype(np.int64), outputs.array("probability")[rows].astype(np.float64)
    label = outputs.arrays.get("label")
    decided = probability.argmax(axis=1) if label is None else np.asarray(label)[rows].astype(np.int64)
    answered = outputs.arrays.get("answered")
    share = None if answered is None else float(np.asarray(answered)[rows].mean())
    made = [
        _ranking(spec, known, probability),
        _reliability(spec, known, probability),
        _confusion(spec, known, decided),
    ]
    if len(spec.labels) == 2:
        made.append(_decisions(spec, decision_curve(known == 1, probability[:, 1])))
    return [*made, _abstention(risk_coverage(known, probability), share)]


def _ranking(spec: TaskSpec, known: Array, probability: Floats) -> Figure:
    shown = [1] if len(spec.labels) == 2 else np.argsort(-np.bincount(known, minlength=len(spec.labels)), kind="stable")
    shown = [int(k) for k in shown][:MAX_CURVES]
    left = f" The {MAX_CURVES} most frequent of {len(spec.labels)} classes." if len(spec.labels) > MAX_CURVES else ""
    return picture(
        "ranking",
        "How well the probabilities order the answers",
        "Left: sensitivity against false positive rate of one class against the rest; the dashed line is "
        "guessing. Right: precision against sensitivity; each dotted line is the share of that class, which "
        f"guessing would reach. Below, the areas under both curves.{left}",
        height_in=3.9 + 0.1 * len(shown),
        paint=partial(_paint_ranking, spec=spec, shown=shown, known=known, probability=probability),
    )


def _paint_ranking(sheet: Sheet, *, spec: TaskSpec, shown: list[int], known: Array, probability: Floats) -> None:
    left, right = sheet.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    for number, k in enumerate(shown):
        look = line_of(number)
        positive, score = known == k, probability[:, k]
        if positive.all() or not positive.any():
            right.plot([], [], label=f"{spec.labels[k]}: not defined", **look)
            continue
        true, false = counts_by_score(positive, score)
        left.plot(*thinned(np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])), **look)
        roc, precision = score_roc_auc(positive, score)[0], score_pr_auc(positive, score)[0]
        areas = f"ROC {roc:.3f}, average precision {precision:.3f}"
        right.plot(*thinned(true / true[-1], true / (true + false)), label=f"{spec.labels[k]}: {areas}", **look)
        right.axhline(float(positive.mean()), color=look["color"], linestyle=":", linewidth=0.8)
    left.set(title="ROC", xlabel="false positive rate (0 to 1)", ylabel="sensitivity (0 to 1)")
    right.set(title="Precision and recall", xlabel="sensitivity (0 to 1)", ylabel="precision (0 to 1)")
    for axes in (left, right):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    sheet.legend(loc="outside lower center", ncols=2)


def _reliability(spec: TaskSpec, known: Array, probability: Floats) -> Figure:
    two = len(spec.labels) == 2
    curve = reliability(known, probability, positive=1 if two else None)
    of = f"'{spec.labels[1]}'" if two else "the chosen class"
    return picture(
        "reliability",
        "Does a stated probability come true that often?",
        "Each point holds about as many answers as the others; below, how many. On the dashed line the "
        "stated probability is what was observed. "
        f"Expected calibration error {curve.ece:.3f}, Brier score {curve.brier:.3f} (0 is best for both).",
        height_in=4.2,
        paint=partial(paint_reliability, curve=curve, of=of),
    )


def _confusion(spec: TaskSpec, known: Array, decided: Array) -> Figure:
    n_classes = len(spec.labels)
    counts = np.bincount(known * n_classes + decided, minlength=n_classes**2).reshape(n_classes, n_classes)
    return picture(
        "confusion",
        "Which classes are taken for which",
        "Rows are the true class, columns the decided one. Each field: number of answers, and their share of "
        "the row; the diagonal is right. Answers that the release would abstain from are counted as decided.",
        height_in=min(1.6 + 0.62 * n_classes, 8.0),
        paint=partial(_paint_confusion, spec=spec, counts=counts),
    )


def _paint_confusion(sheet: Sheet, *, spec: TaskSpec, counts: Array) -> None:
    n_classes = len(spec.labels)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes = sheet.subplots()
    drawn = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(visible=False)
    names = [f"{name} ({n})" for name, n in zip(spec.labels, counts.sum(axis=1), strict=True)]
    axes.set_xticks(range(n_classes), spec.labels, rotation=0 if n_classes <= MAX_SHARES else 90)
    axes.set_yticks(range(n_classes), names)
    axes.set(xlabel="decided class", ylabel="true class (answers)")
    sheet.colorbar(drawn, ax=axes, label="share of the row (0 to 1)", pad=0.02)
    if n_classes > MAX_NUMBERED:
        return
    for row, column in zip(*np.nonzero((counts > 0) | (n_classes <= MAX_SHARES)), strict=True):
        text = str(counts[row, column])
        text += f"\n{100 * share[row, column]:.1f} %" if n_classes <= MAX_SHARES else ""
        colour = "white" if share[row, column] > 0.55 else "black"
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            color=colour,
            fontsize=8.5 if n_classes <= MAX_SHARES else 6,
        )


def _decisions(spec: TaskSpec, curve: DecisionCurve) -> Figure:
    return picture(
        "decision",
        "What acting on the probabilities is worth",
        "Net benefit of acting where the probability is at or above a threshold: true positives an answer, "
        "less false positives weighed by the odds of the threshold (Vickers and Elkin 2006). The model is "
        "worth using at the thresholds where its line is above both others.",
        height_in=3.5,
        paint=partial(_paint_decisions, name=spec.labels[1], curve=curve),
    )


def _paint_decisions(sheet: Sheet, *, name: str, curve: DecisionCurve) -> None:
    axes = sheet.subplots()
    axes.plot(curve.threshold, curve.model, color=COLOURS[0], label="this release")
    axes.plot(curve.threshold, curve.treat_all, color=COLOURS[1], linestyle="--", label="act on everybody")
    axes.axhline(0.0, color=GREY, linestyle=":", label="act on nobody")
    best = max(float(curve.model.max()), float(curve.treat_all.max()), 0.01)
    axes.set(
        xlabel=f"threshold probability of '{name}' (0 to 1)",
        ylabel="net benefit (true positives an answer)",
        xlim=(0, 1),
        ylim=(-0.25 * best, 1.1 * best),
    )
    axes.legend(loc="upper right")


def _abstention(curve: RiskCoverage, share: float | None) -> Figure:
    stated = "" if share is None else f" This release answers {100 * share:.1f} % of the test (the marked point)."
    return picture(
        "abstention",
        "What is gained by answering only the surest",
        "Share of wrong answers among those that are given, when only the answers with the highest "
        "probability are given. A line that rises to the right means that the probabilities know where the "
        f"errors are.{stated}",
        height_in=3.3,
        paint=partial(_paint_abstention, curve=curve, share=share),
    )


def _paint_abstention(sheet: Sheet, *, curve: RiskCoverage, share: float | None) -> None:
    axes = sheet.subplots()
    axes.plot(*thinned(curve.coverage, curve.risk), color=COLOURS[0])
    if share is not None:
        risk = float(np.interp(share, curve.coverage, curve.risk))
        axes.plot(
            [share],
            [risk],
            color=COLOURS[1],
            marker="D",
            linestyle="none",
            label="this release",
            clip_on=False,
        )
        axes.legend(loc="upper left")
    axes.set(xlabel="share of the answers that are given (0 to 1)", ylabel="share of them that is wrong (0 to 1)")
    axes.set(xlim=(0, 1.005), ylim=(0, 1.15 * max(float(curve.risk.max()), 0.01)))
