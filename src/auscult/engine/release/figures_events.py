"""Pictures of the answer kind ``events``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Outputs, TaskSpec
from auscult.engine.metrics.events import match_events
from auscult.engine.release.figures_base import COLOURS, GREY, Figure, Floats, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

N_BINS = 40


def event_figures(spec: TaskSpec, outputs: Outputs) -> list[Figure]:
    """Draw the scores of true and false events, and how far true ones lie from the reference.

    Parameters
    ----------
    spec : TaskSpec
        Position rate in Hz and tolerance in s.
    outputs : Outputs
        Events that are kept: ragged ``position`` and ``score``, truth ragged ``position``.

    Returns
    -------
    list of Figure
        Empty where no event was found.
    """
    rate = spec.position_rate_hz or 1.0
    tolerance = spec.parameters["tolerance_s"] * rate
    truth, found, score = (
        outputs.ragged_truth("position"),
        outputs.ragged("position"),
        outputs.ragged("score"),
    )
    if not len(found.values):
        return []
    matched = np.zeros(len(found.values), dtype=bool)
    gaps = []
    for row in range(len(outputs)):
        pairs = match_events(truth[row], found[row], tolerance)
        matched[found.offsets[row] + pairs[:, 1]] = True
        gaps.append(found[row][pairs[:, 1]].astype(np.float64) - truth[row][pairs[:, 0]])
    n_missed = len(truth.values) - int(matched.sum())
    scores = _scores(np.asarray(score.values, dtype=np.float64), matched, n_missed=n_missed)
    if not matched.any():
        return [scores]
    # A position is a sample where the rate is known: then errors are in ms.
    scale, unit = (1e3 / rate, "ms") if spec.position_rate_hz else (1.0, spec.unit or "positions")
    return [scores, _timing(scale * np.concatenate(gaps), unit, limit=scale * tolerance, step=scale)]


def _scores(score: Floats, matched: Array, *, n_missed: int) -> Figure:
    return picture(
        "scores",
        "Scores of true and of false events",
        f"Events that match a reference event: {int(matched.sum())}; false ones: {int((~matched).sum())}; "
        f"missed reference events: {n_missed}. The axis is logarithmic, so that the few false ones show.",
        height_in=3.2,
        paint=partial(_paint_scores, score=score, matched=matched),
    )


def _paint_scores(sheet: Sheet, *, score: Floats, matched: Array) -> None:
    from matplotlib.ticker import FuncFormatter

    axes = sheet.subplots()
    low, high = float(score.min()), float(score.max())
    bins = np.linspace(low, high if high > low else low + 1.0, N_BINS + 1).tolist()
    axes.hist(score[matched], bins=bins, color=COLOURS[0], alpha=0.75, label="matched")
    axes.hist(score[~matched], bins=bins, color=COLOURS[1], histtype="step", linewidth=1.8, label="false")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axes.set_ylim(bottom=0.7)
    axes.set(xlabel="score", ylabel="events (count)")
    axes.legend(loc="upper left")


def _timing(error: Floats, unit: str, *, limit: float, step: float) -> Figure:
    size = np.abs(error)
    far = np.quantile(size, 0.95)
    return picture(
        "timing",
        "How far true events lie from the reference",
        f"Found minus reference position of the matched events. Median {np.median(error):.1f} {unit}; "
        f"half of them within {np.median(size):.1f} {unit}, 95 % within {far:.1f} {unit}; "
        f"the tolerance of a match is {limit:g} {unit}.",
        height_in=3.2,
        paint=partial(_paint_timing, error=error, unit=unit, step=step),
    )


def _paint_timing(sheet: Sheet, *, error: Floats, unit: str, step: float) -> None:
    axes = sheet.subplots()
    # Errors are whole samples: bars of whole samples around zero leave no gaps that look like findings.
    reach = max(float(np.quantile(np.abs(error), 0.999)), step)
    width = step * max(1.0, np.ceil(2 * reach / (step * N_BINS)))
    n_side = int(np.ceil(reach / width))
    ends = width * (np.arange(-n_side, n_side + 2) - 0.5)
    axes.hist(np.clip(error, ends[0], ends[-1]), bins=ends.tolist(), color=COLOURS[0])
    axes.axvline(0.0, color=GREY, linestyle="--", linewidth=1)
    axes.set(xlabel=f"found − reference ({unit}); outer bars hold what lies beyond", ylabel="events (count)")
    axes.set_xlim(ends[0], ends[-1])
