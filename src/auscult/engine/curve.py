"""The validation loss after each epoch, as a file beside the checkpoint of a network. Needs no torch to be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auscult.base.files import read_json, write_json

CURVE = "curve.json"


def write_curve(folder: Path, losses: Sequence[float], best_epoch: int) -> None:
    """Write the loss after each epoch, and which epoch (from 1) was best."""
    write_json(folder / CURVE, {"best_epoch": best_epoch, "validation_loss": losses})


def read_curve(folder: Path) -> dict[str, Any]:
    """Read ``validation_loss`` and ``best_epoch``; empty where nothing trained by epochs."""
    path = folder / CURVE
    return dict(read_json(path)) if path.exists() else {}
