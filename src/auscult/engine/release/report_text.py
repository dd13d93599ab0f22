"""Numbers and names as a report prints them: digits by the width of the interval, units, no NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from auscult.base.contracts import TaskSpec
from auscult.engine.metrics.table import METRICS, Metric

NOT_DEFINED = "not defined"
MOST_DIGITS = 6


def is_number(value: Any) -> bool:
    """Whether there is a value that is not NaN."""
    return value is not None and not math.isnan(value)


def digits_of(figures: Sequence[Mapping[str, Any]], *, least: int) -> int:
    """Decimals that show two significant digits of the narrowest interval, and ``least`` at least.

    Parameters
    ----------
    figures : sequence of mapping
        With ``low`` and ``high``.
    least : int
        Decimals where no interval asks for more.

    Returns
    -------
    int
        Between ``least`` and 6.

    Notes
    -----
    JCGM 100:2008 (GUM), 7.2.6: two significant digits of an uncertainty, and the value to the same place.
    """
    ends = [(f["low"], f["high"]) for f in figures if is_number(f.get("low")) and is_number(f.get("high"))]
    # A bootstrap of something that never varies leaves an interval of rounding errors.
    widths = [high - low for low, high in ends if 1e-9 * abs(high) < high - low < math.inf]
    asked = [1 - math.floor(math.log10(width)) for width in widths]
    return min(max([least, *asked]), MOST_DIGITS)


def shown(value: float | None, digits: int) -> str:
    """Write a value; None and NaN are *not defined*, infinity is *unbounded*."""
    if value is None or math.isnan(value):
        return NOT_DEFINED
    if math.isinf(value):
        return "unbounded"
    text = f"{value:,.{digits}f}".replace(",", "\u202f")
    is_zero = not text.strip("-0.\u202f")
    return text.lstrip("-") if is_zero else text.replace("-", "−")


def interval(figure: Mapping[str, Any], digits: int) -> str:
    """Write an interval as ``low to high``, which stays on one line."""
    low, high = figure.get("low"), figure.get("high")
    if not is_number(low) and not is_number(high):
        return NOT_DEFINED
    return f"{shown(low, digits)}\u00a0to\u00a0{shown(high, digits)}"


def with_interval(figure: Mapping[str, Any], digits: int, unit: str = "") -> str:
    """Write ``value unit (low to high)``."""
    if not is_number(figure.get("value")):
        return NOT_DEFINED
    named = f" {unit}" if unit else ""
    return f"{shown(figure['value'], digits)}{named} ({interval(figure, digits)})"


def count(number: int, one: str, many: str = "") -> str:
    """Write a number of things, with the word in its right form."""
    word = one if number == 1 else many or f"{one}s"
    return f"{shown(number, 0)} {word}"


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return NOT_DEFINED if math.isnan(share) else f"{100 * share:.1f} %"


def short(value: Any) -> str:
    """Write a scalar that was fitted or set: four significant digits, no NaN."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if is_number(value) else NOT_DEFINED
    return "none" if value is None or value == "" else str(value)


def registered(name: str) -> tuple[Metric | None, str]:
    """Find the registered metric behind a name, and the suffix that was put behind it.

    Parameters
    ----------
    name : str
        Such as ``accuracy`` or ``accuracy_end_to_end``.

    Returns
    -------
    tuple of (Metric or None, str)
        None where the table has no such metric, as for an error of one named column.
    """
    for known in sorted(METRICS, key=len, reverse=True):
        if name == known or name.startswith(f"{known}_"):
            return METRICS[known], name.removeprefix(known).lstrip("_")
    return None, ""


def unit_of(name: str, spec: TaskSpec) -> str:
    """Return the unit of a metric: none for a share, the task's for an error of its values."""
    metric, _ = registered(name)
    unit = "target" if metric is None and spec.kind == "value" else "1" if metric is None else metric.unit
    return {"1": "", "target": spec.unit}.get(unit, unit)


def digits_for(name: str, spec: TaskSpec, figures: Sequence[Mapping[str, Any]]) -> int:
    """Decimals of a metric: three for a share, two for a value with a unit, more where it is sharp."""
    return digits_of(figures, least=2 if unit_of(name, spec) else 3)


def titled(name: str, spec: TaskSpec) -> str:
    """Write a metric with its unit, where it has one, as the head of a column."""
    unit = unit_of(name, spec)
    return f"{name} ({unit})" if unit else name


def told(name: str, spec: TaskSpec, figure: Mapping[str, Any], *beside: Mapping[str, Any]) -> str:
    """Write a figure with unit and interval, to the decimals that it and those beside it ask for."""
    return with_interval(figure, digits_for(name, spec, [figure, *beside]), unit_of(name, spec))


def meaning_of(name: str, spec: TaskSpec) -> tuple[str, str]:
    """Definition and source of a metric, in words.

    Returns
    -------
    tuple of (str, str)
    """
    metric, suffix = registered(name)
    if metric is None:
        return "See the task's documentation.", ""
    if suffix in spec.labels:
        return f"{metric.definition} Of '{suffix}' alone.", metric.source
    judged = f" Judged {suffix.replace('_', ' ')}." if suffix else ""
    return f"{metric.definition}{judged}", metric.source
