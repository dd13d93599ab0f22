"""What every picture of a report shares: one look, safe colours, the same bytes for the same drawing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Okabe and Ito 2008, Color Universal Design: told apart with every common colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", "--", ":")
INK, GREY, PALE = "#1b2733", "#6b7680", "#d9dee3"
WIDTH_IN = 8.4
# More points than this do not show at the width of the page and only make the file large.
MAX_POINTS = 300
# More points than this are counted in hexagons instead of being drawn each.
MAX_DOTS = 1500
FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.6,
}
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_DEFS_STYLE = re.compile(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.DOTALL)
_NAMESPACES = re.compile(r'\sxmlns(:xlink)?="[^"]*"')
_FAMILY = re.compile(r"'DejaVu Sans'(, '[^']*')*(, sans-serif)?")


@dataclass(frozen=True, repr=False)
class Figure:
    """A picture of the report.

    Parameters
    ----------
    name : str
        One word, unique in a report; prefix of the ids inside the SVG.
    title : str
        What it shows.
    caption : str
        How to read it, in one to three sentences.
    svg : str
        One ``<svg>`` element for an HTML page; text is text, nothing is loaded.
    """

    name: str
    title: str
    caption: str
    svg: str


def picture(name: str, title: str, caption: str, *, height_in: float, paint: Callable[[Sheet], None]) -> Figure:
    """Draw one picture.

    Parameters
    ----------
    name, title, caption : str
        See :class:`Figure`.
    height_in : float
        Height in inch; the width is that of the page.
    paint : callable
        Gets an empty matplotlib figure and draws on it.

    Returns
    -------
    Figure
        The same bytes for the same drawing.
    """
    import matplotlib.style
    from matplotlib.figure import Figure as Sheet

    stream = io.StringIO()
    with matplotlib.style.context(["default", {**_STYLE, "svg.hashsalt": name}]):
        sheet = Sheet(figsize=(WIDTH_IN, height_in), layout="constrained")
        paint(sheet)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        sheet.savefig(stream, format="svg", dpi=150, metadata=nothing)
    return Figure(name, title, caption, _for_page(stream.getvalue(), name, title))


def _for_page(svg: str, name: str, title: str) -> str:
    """Make a stand-alone SVG one element of a page: no prolog, no rules for the page, ids of its own."""
    text = _DEFS_STYLE.sub("", _HEAD.sub("", svg))
    text = _NAMESPACES.sub("", text)
    text = _FAMILY.sub(FONTS, text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = text.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1).strip()


def line_of(number: int) -> dict[str, Any]:
    """Colour and dash of the n-th line, so that colour is never the only difference between more than six."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[number // len(COLOURS) % len(DASHES)],
    }


def thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Keep at most ``MAX_POINTS`` points of a curve, evenly along its length, both ends included.

    Parameters
    ----------
    x, y : (P,) float
        Points in order, P at least 1.

    Returns
    -------
    tuple of (Q,) float
    """
    if len(x) <= MAX_POINTS:
        return x, y
    step = np.abs(np.diff(x)) / max(float(np.ptp(x)), 1e-12) + np.abs(np.diff(y)) / max(float(np.ptp(y)), 1e-12)
    length = np.concatenate([[0.0], np.cumsum(step)])
    kept = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], MAX_POINTS)))
    kept = np.union1d(kept, [0, len(x) - 1])
    return x[kept], y[kept]


def counts_by_score(positive: Bools, score: Floats) -> tuple[Floats, Floats]:
    """Count true and false positives at each distinct score, high to low; both (G,)."""
    distinct, point = np.unique(-score, return_inverse=True)
    true: Floats = np.cumsum(np.bincount(point, weights=positive, minlength=len(distinct)), dtype=np.float64)
    false: Floats = np.cumsum(np.bincount(point, weights=~positive, minlength=len(distinct)), dtype=np.float64)
    return true, false


def cloud(axes: Axes, x: Floats, y: Floats) -> None:
    """Draw points: each where they are few, else how many fall into each hexagon (an embedded image)."""
    from matplotlib.colors import PowerNorm

    if len(x) <= MAX_DOTS:
        axes.scatter(x, y, s=9, color=COLOURS[0], alpha=0.5, linewidths=0, rasterized=True)
        return
    drawn = axes.hexbin(x, y, gridsize=45, mincnt=1, cmap="cividis_r", linewidths=0, rasterized=True)
    drawn.set_norm(PowerNorm(0.5, vmin=0.0))
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.85, pad=0.02)
    bar.set_label("answers in a hexagon (count)", fontsize=8)
    bar.ax.tick_params(labelsize=7)
