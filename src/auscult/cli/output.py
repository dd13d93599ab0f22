"""How results are printed: one JSON document for programs, a table for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable JSON document.")]


def as_json(value: Any) -> str:
    """A result as JSON."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return value.as_posix()
    return value.tolist() if hasattr(value, "tolist") else str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; what stands in it is shown letter by letter, whatever brackets it has."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(Text(column), overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    Console().print(made)


def figure(value: dict[str, Any]) -> str:
    """A value with its interval, as text."""
    return f"{value['value']:.4g} [{value['low']:.4g}, {value['high']:.4g}]"
