"""Pictures of the answer kind ``value``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from auscult.base.contracts import Outputs, TaskSpec
from auscult.engine.release.figures_base import COLOURS, GREY, INK, Figure, Floats, cloud, picture
from auscult.engine.release.report_text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

MAX_SINGLE = 3
# 1.96 standard deviations hold 95 % of a normal distribution (Bland and Altman 1986, Lancet 327:307).
LIMIT_SDS = 1.96


def value_figures(spec: TaskSpec, outputs: Outputs) -> list[Figure]:
    """Draw answers against truth, errors by column or limits of agreement, and what the intervals hold.

    Parameters
    ----------
    spec : TaskSpec
        Names of the H columns and their unit.
    outputs : Outputs
        Answers: ``value`` (M, H), ``interval`` (M, H, 2) where calibrated, truth ``value`` (M, H).

    Returns
    -------
    list of Figure
        Limits of agreement for up to three columns, errors by column for more.
    """
    truth = np.asarray(outputs.truth("value"), dtype=np.float64)
    value = outputs.array("value").astype(np.float64)
    many = len(spec.labels) > MAX_SINGLE
    made = [
        _agreement(spec, truth, value),
        _by_column(spec, truth, value) if many else _bland_altman(spec, truth, value),
    ]
    interval = outputs.arrays.get("interval")
    if interval is not None:
        made.append(_intervals(spec, truth, np.asarray(interval, dtype=np.float64)))
    return made


def _shown(spec: TaskSpec) -> list[int]:
    """Columns that get a panel: all of a few, else the first, the middle and the last."""
    n_columns = len(spec.labels)
    return list(range(n_columns)) if n_columns <= MAX_SINGLE else [0, n_columns // 2, n_columns - 1]


def _unit(spec: TaskSpec) -> str:
    return f" ({spec.unit})" if spec.unit else ""


def _panels(sheet: Sheet, spec: TaskSpec, paint: Callable[[Axes, int], None]) -> None:
    shown = _shown(spec)
    for axes, k in zip(np.ravel(sheet.subplots(1, len(shown), squeeze=False)), shown, strict=True):
        paint(axes, k)
        axes.set_title(spec.labels[k])


def _agreement(spec: TaskSpec, truth: Floats, value: Floats) -> Figure:
    left_out = " The first, the middle and the last column." if len(spec.labels) > MAX_SINGLE else ""

    def one(axes: Axes, k: int) -> None:
        cloud(axes, truth[:, k], value[:, k])
        ends = [
            float(min(truth[:, k].min(), value[:, k].min())),
            float(max(truth[:, k].max(), value[:, k].max())),
        ]
        axes.plot(ends, ends, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel=f"true{_unit(spec)}", ylabel=f"predicted{_unit(spec)}")

    return picture(
        "agreement",
        "Predicted against true values",
        f"On the dashed line an answer equals the truth.{left_out}",
        height_in=3.2 if len(_shown(spec)) > 1 else 4.2,
        paint=partial(_panels, spec=spec, paint=one),
    )


def _bland_altman(spec: TaskSpec, truth: Floats, value: Floats) -> Figure:
    error = value - truth
    mean, spread = error.mean(axis=0), error.std(axis=0, ddof=min(1, len(error) - 1))
    limits = [
        f"{name}: bias {shown(m, 2)}, limits {shown(m - r, 2)} to {shown(m + r, 2)} {spec.unit}."
        for name, m, r in zip(spec.labels, mean, LIMIT_SDS * spread, strict=True)
    ]

    def one(axes: Axes, k: int) -> None:
        cloud(axes, (truth[:, k] + value[:, k]) / 2, error[:, k])
        bias, sd = float(mean[k]), float(spread[k])
        for place, dashes in ((bias, "-"), (bias - LIMIT_SDS * sd, "--"), (bias + LIMIT_SDS * sd, "--")):
            axes.axhline(place, color=COLOURS[1], linestyle=dashes, linewidth=1.2)
        axes.set(xlabel=f"mean of both{_unit(spec)}", ylabel=f"predicted − true{_unit(spec)}")

    return picture(
        "bland-altman",
        "Limits of agreement (Bland and Altman)",
        f"Error over the size of the value. Solid: mean error (bias); dashed: {LIMIT_SDS} standard "
        "deviations to either side, which hold 95 % of the errors if they are normal. All answers count "
        f"alike, several of one subject included. {' '.join(limits)}",
        height_in=3.4,
        paint=partial(_panels, spec=spec, paint=one),
    )


def _by_column(spec: TaskSpec, truth: Floats, value: Floats) -> Figure:
    return picture(
        "by-column",
        "Error of each column",
        "Mean absolute error and root mean squared error of each column, for a forecast from near to far; "
        "the band holds the middle 80 % of the absolute errors.",
        height_in=3.4,
        paint=partial(_paint_by_column, spec=spec, error=np.abs(value - truth)),
    )


def _paint_by_column(sheet: Sheet, *, spec: TaskSpec, error: Floats) -> None:
    axes = sheet.subplots()
    x = np.arange(error.shape[1])
    low, high = np.quantile(error, [0.1, 0.9], axis=0)
    axes.fill_between(x, low, high, color=COLOURS[4], alpha=0.3, linewidth=0, label="middle 80 %")
    axes.plot(x, error.mean(axis=0), color=COLOURS[0], marker="o", markersize=4, label="mean absolute error")
    rmse = np.sqrt((error**2).mean(axis=0))
    axes.plot(x, rmse, color=COLOURS[1], linestyle="--", marker="s", markersize=4, label="root mean squared error")
    _name_columns(axes, spec)
    axes.set(ylabel=f"error{_unit(spec)}")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")


def _name_columns(axes: Axes, spec: TaskSpec) -> None:
    names = list(spec.labels)
    slanted = sum(len(name) for name in names) > 40
    axes.set_xticks(range(len(names)), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
    axes.set(xlabel="column", xlim=(-0.5, len(names) - 0.5))


def _intervals(spec: TaskSpec, truth: Floats, interval: Floats) -> Figure:
    inside = (truth >= interval[..., 0]) & (truth <= interval[..., 1])
    width = np.median(interval[..., 1] - interval[..., 0], axis=0)
    unbounded = " A column without a width has unbounded intervals." if not np.isfinite(width).all() else ""
    return picture(
        "intervals",
        "What the stated intervals hold",
        "Left: share of the true values inside their interval; it should be the coverage that was asked for "
        f"(see Calibration). Right: median width of the intervals.{unbounded}",
        height_in=3.1,
        paint=partial(_paint_intervals, spec=spec, share=inside.mean(axis=0), width=width),
    )


def _paint_intervals(sheet: Sheet, *, spec: TaskSpec, share: Floats, width: Floats) -> None:
    left, right = sheet.subplots(1, 2)
    x = np.arange(len(share))
    left.plot(x, share, color=COLOURS[0], marker="o", linestyle="-" if len(share) > MAX_SINGLE else "none")
    left.set(ylabel="share inside (0 to 1)", ylim=(min(0.7, float(share.min()) - 0.05), 1.005))
    left.axhline(1.0, color=GREY, linewidth=0.8)
    finite = np.where(np.isfinite(width), width, np.nan)
    right.bar(x, finite, color=COLOURS[4], width=0.6)
    right.set(ylabel=f"median width{_unit(spec)}")
    for axes in (left, right):
        _name_columns(axes, spec)
