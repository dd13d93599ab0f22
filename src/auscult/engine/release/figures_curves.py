"""Reliability panels, which several kinds of answers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auscult.engine.calibration.reliability import Reliability
from auscult.engine.release.figures_base import COLOURS, GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet


def paint_reliability(sheet: Sheet, curve: Reliability, *, of: str) -> None:
    """Draw observed share over stated probability, and below it how many items each point stands for.

    Parameters
    ----------
    sheet : matplotlib figure
        Where to draw.
    curve : Reliability
        The points.
    of : str
        Whose probability it is, for the axis.
    """
    above, below = sheet.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    above.plot(curve.confidence, curve.share_right, color=COLOURS[0], marker="o", markersize=4, label="this release")
    above.set(ylabel="observed share (0 to 1)", xlim=(0, 1), ylim=(0, 1.02))
    above.legend(loc="upper left")
    filled = curve.n_items > 0
    below.vlines(curve.confidence[filled], 0, curve.n_items[filled], color=COLOURS[0], linewidth=4)
    below.set(xlabel=f"stated probability of {of} (0 to 1)", ylabel="answers (count)")
    below.set_ylim(0, 1.1 * max(float(curve.n_items.max(initial=0)), 1.0))
