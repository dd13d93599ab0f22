"""Task ``frame``: kind ``boxes``; one box a picture, read from its row and column profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array, Column, Ragged
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, TaskSpec
from toys.tasks.common import NoSettings, needed, only, ragged, rows_of

SIDE = 24


class Frame:
    """The box of a picture: weak or strong."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "frame", "boxes", "the box of a picture", ("weak", "strong"),
             primary="map50", metrics=("map50", "map50_95"),
            floor="constant", example="pictures",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep picture and box."""
        needed(batch, "image")
        return only(batch, "image", "box")

    def cut(self, batch: RecordBatch) -> Items:
        """``features`` (N, 48): means of rows and columns; the target is corners in pixels and the class, (N, 6)."""
        rows = rows_of(batch)
        features = np.stack([_profile(i) for i in batch.ragged("image")]).astype(np.float32)
        target = None
        if batch.has("box"):
            box = np.stack([b[0] for b in batch.ragged("box")])
            target = np.concatenate([box[:, :4], np.eye(2)[box[:, 4]] * SIDE], axis=1).astype(np.float32)
        return Items({"features": features}, rows, np.zeros_like(rows), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record with one box."""
        found = np.asarray(arrays["box"], dtype=np.float32)
        low, high = np.minimum(found[:, :2], found[:, 2:4] - 1), found[:, 2:4]
        label = found[:, 4:].argmax(axis=1)
        made: dict[str, Column] = {
            "box": ragged([b[None] for b in np.concatenate([low, high], axis=1)], np.zeros((0, 4), np.float32)),
            "label": ragged([np.array([k]) for k in label], np.zeros(0, np.int64)),
            "score": ragged([np.ones(1) for _ in label], np.zeros(0, np.float32)),
        }
        target: dict[str, Column] | None = None
        if batch.has("box"):
            known = batch.ragged("box")
            target = {
                "box": Ragged(known.values[:, :4], known.offsets),
                "label": Ragged(known.values[:, 4], known.offsets),
            }
        return Outputs(made, items.record, None, target)


def _profile(image: Array) -> Array:
    across, down = np.zeros(SIDE), np.zeros(SIDE)
    across[: image.shape[1]] = image.max(axis=0)
    down[: image.shape[0]] = image.max(axis=1)
    return np.concatenate([across, down])
