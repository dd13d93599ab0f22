"""Cells of a table → numbers: missing, wrong, and lists of numbers in one cell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-", "?"))


@dataclass(frozen=True)
class NumberColumns:
    """Which columns hold numbers, and the names of what they hold.

    Parameters
    ----------
    columns : tuple of int
        Columns of the table.
    widths : tuple of int
        How many numbers a cell holds; 1 for a plain number.
    channels : tuple of str
        Names: that of the column, or ``labels[0]``, ``labels[1]`` … of a cell with a list.
    mask : int
        Column with lists of 0 and 1 that say which entries of ``labels`` are known; -1 is none.
    """

    columns: tuple[int, ...]
    widths: tuple[int, ...]
    channels: tuple[str, ...]
    mask: int = -1

    def row(self, row: Sequence[str]) -> tuple[list[float], list[str]]:
        """Return the numbers of a row (NaN where missing), and the columns that hold something else."""
        values: list[float] = []
        wrong: list[str] = []
        for column, width in zip(self.columns, self.widths, strict=True):
            cell = row[column].strip() if column < len(row) else ""
            found = _numbers(cell, width)
            if found is None:
                wrong.append(self.channels[len(values)])
                found = [np.nan] * width
            values += found
        if self.mask >= 0:
            known = _numbers(row[self.mask].strip() if self.mask < len(row) else "", len(values))
            values = [v if k == 1 else np.nan for v, k in zip(values, known or [0.0] * len(values), strict=True)]
        return values, wrong


def number_columns(rows: Sequence[Sequence[str]], others: Sequence[int], names: Sequence[str]) -> NumberColumns:
    """Find the columns that hold numbers, by the first rows of a table.

    Parameters
    ----------
    rows : sequence of rows
        Cells as text.
    others : sequence of int
        Columns that are neither structure nor name.
    names : sequence of str
        Names of all columns.
    """
    columns: list[int] = []
    widths: list[int] = []
    channels: list[str] = []
    lists: dict[str, tuple[int, int]] = {}
    for column in others:
        cells = [r[column].strip() for r in rows if column < len(r) and r[column].strip().lower() not in MISSING]
        width = _width(cells)
        if width and cells[0].startswith("["):
            lists[names[column].lower()] = (column, width)
        elif width and names[column]:
            columns.append(column)
            widths.append(1)
            channels.append(names[column])
    if "labels" in lists:  # the layout of the MoleculeNet splits that Uni-Mol uses
        column, width = lists["labels"]
        masked = lists.get("masks", (-1, 0))
        listed = tuple(f"labels[{k}]" for k in range(width))
        return NumberColumns((column,), (width,), listed, masked[0] if masked[1] == width else -1)
    return NumberColumns(tuple(columns), tuple(widths), tuple(channels))


def _width(cells: Sequence[str]) -> int:
    """How many numbers a cell of a column holds; 0 where most are no numbers."""
    if not cells:
        return 0
    found = [_list(c) if c.startswith("[") else _number(c) for c in cells]
    good = [f for f in found if f is not None]
    if 2 * len(good) <= len(cells):
        return 0
    return len(good[0])


def _numbers(cell: str, width: int) -> list[float] | None:
    """Numbers of a cell, or none where it holds something else."""
    if cell.lower() in MISSING:
        return [np.nan] * width
    found = _list(cell) if cell.startswith("[") else _number(cell)
    return found if found is not None and len(found) == width else None


def _number(cell: str) -> list[float] | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return [value] if np.isfinite(value) else None


def _list(cell: str) -> list[float] | None:
    try:
        found = json.loads(cell)
        return [float(v) for v in found]
    except (ValueError, TypeError):
        return None


def as_matrix(rows: Sequence[Sequence[float]], width: int) -> npt.NDArray[np.float64]:
    """Rows of numbers as one array, (N, C)."""
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), width)
