"""Figures as text for the tables of results; no figure is made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NONE = "–"
Evidence = Mapping[str, Any]
Figure = Mapping[str, Any]


def number(value: float | None, *, sign: bool = False) -> str:
    """Four places below 1, two from there on."""
    if value is None:
        return NONE
    return f"{value:{'+' if sign else ''}.{4 if abs(value) < 1 else 2}f}"


def figure(value: Figure | None, *, sign: bool = False) -> str:
    """A value with its interval."""
    if not value or value.get("value") is None:
        return NONE
    low, high = (number(value.get(end), sign=sign) for end in ("low", "high"))
    return f"{number(value['value'], sign=sign)} [{low}, {high}]"


def figures(values: Mapping[str, Figure], names: Iterable[str] | None = None) -> str:
    """Several metrics in one line."""
    chosen = [name for name in (sorted(values) if names is None else names) if name in values]
    return ", ".join(f"{name} {figure(values[name])}" for name in chosen) or NONE


def signed(values: Mapping[str, Figure]) -> str:
    """Differences in one line, each with its sign."""
    return ", ".join(f"{name} {figure(values[name], sign=True)}" for name in sorted(values)) or NONE


def duration(seconds: float) -> str:
    """Seconds, or minutes from two minutes on."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def yes(value: bool) -> str:
    """A computed word."""
    return "yes" if value else "no"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]
