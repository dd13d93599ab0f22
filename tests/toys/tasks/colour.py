"""Task ``colour``: kind ``class``, one item a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, TaskSpec
from toys.tasks.common import needed, only, rows_of


class ColourConfig(Config):
    """Settings of the task."""

    scale: float = Setting(1.0, gt=0, description="Factor on the coordinates.")


class Colour:
    """Which of three centres a point is near."""

    Config: ClassVar[type[Config]] = ColourConfig

    def __init__(self, config: ColourConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            "colour", "class", "nearest of three centres", ("red", "green", "blue"),
            primary="accuracy", metrics=("accuracy", "macro_f1", "ece", "brier"),
            floor="constant", example="points", faults=("noise",),
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep the point, and its colour where it is known."""
        needed(batch, "point")
        return only(batch, "point", "colour")

    def cut(self, batch: RecordBatch) -> Items:
        """One item a record: ``features`` (N, 3)."""
        rows = rows_of(batch)
        features = np.asarray(batch.dense("point") * np.float32(self._config.scale))
        target = np.asarray(batch.dense("colour")) if batch.has("colour") else None
        return Items({"features": features}, rows, np.zeros_like(rows), target)

    def signs(self, items: Items) -> Array:
        """Tell a colour from other things by its place."""
        return np.asarray(items.inputs["features"])

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record."""
        return Outputs(
            {"probability": arrays["probability"]},
            items.record,
            None,
            None if items.target is None else {"label": items.target},
        )
