"""What a long job says while it runs: one progress bar on a terminal, one line a step in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Report(Protocol):
    """Where progress goes."""

    def step(self, message: str) -> None:
        """Say that a stage begins or has ended."""

    def bar(self, label: str, total: int) -> Bar:
        """Open a progress bar of ``total`` units."""


class Bar(Protocol):
    """One progress bar."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Move on, with a short note such as the validation loss."""

    def close(self) -> None:
        """Take the bar away."""


class _SilentBar:
    def advance(self, amount: int = 1, note: str = "") -> None:
        """Say nothing."""

    def close(self) -> None:
        """Do nothing."""


class Silent:
    """Says nothing: the default of the Python functions."""

    def step(self, message: str) -> None:
        """Say nothing."""

    def bar(self, label: str, total: int) -> Bar:
        """Return a bar that nobody sees."""
        return _SilentBar()


class _TerminalBar:
    def __init__(self, label: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} {task.fields[note]}"),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._task = self._progress.add_task(label, total=total, note="")
        self._progress.start()

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Move the bar."""
        self._progress.update(self._task, advance=amount, note=note)

    def close(self) -> None:
        """Remove the bar from the screen."""
        self._progress.stop()


class Terminal:
    """Writes to standard error: bars where a person looks, plain lines elsewhere."""

    def step(self, message: str) -> None:
        """Print one line."""
        print(message, file=sys.stderr, flush=True)

    def bar(self, label: str, total: int) -> Bar:
        """Open a bar on a terminal; elsewhere the bar is silent."""
        return _TerminalBar(label, total) if sys.stderr.isatty() else _SilentBar()


@contextmanager
def progress(report: Report, label: str, total: int) -> Iterator[Bar]:
    """Open a bar and close it again, whatever happens."""
    bar = report.bar(label, total)
    try:
        yield bar
    finally:
        bar.close()
