"""Task ``blob``: kind ``mask``; pictures of different sizes are put into one frame."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array, Ragged
from auscult.base.contracts import Config, Items, Outputs, RecordBatch, Run, TaskSpec, WriteContext
from auscult.base.errors import ShapeError
from auscult.engine.release.figures_base import Figure, picture
from toys.tasks.common import NoSettings, needed, only, rows_of, truth

SIDE = 24


class Blob:
    """Where a picture is bright."""

    Config: ClassVar[type[Config]] = NoSettings

    def __init__(self, config: NoSettings) -> None:
        self.spec = TaskSpec(
            "blob", "mask", "bright pixels", ("bright",), primary="dice", metrics=("dice", "dice_bright"),
            floor="no-tiles", example="pictures",
        )  # fmt: skip

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Keep picture and mask; a picture larger than the frame is refused."""
        needed(batch, "image")
        shapes = batch.ragged("image").shapes
        if shapes is None or shapes.max() > SIDE:
            raise ShapeError(f"image: expected axes (H, W) of at most {SIDE} pixels, got larger ones")
        return only(batch, "image", "mask")

    def cut(self, batch: RecordBatch) -> Items:
        """One item a record: ``image`` (N, 1, 24, 24), padded with its edge."""
        rows = rows_of(batch)
        image = np.stack([_framed(i, "edge") for i in batch.ragged("image")])[:, None].astype(np.float32)
        target = None
        if batch.has("mask"):
            target = np.stack([_framed(m, "constant") for m in batch.ragged("mask")]).astype(np.int64)
        return Items({"image": image}, rows, np.zeros_like(rows), target)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One mask a record in the geometry of its picture."""
        label = np.asarray(arrays["probability"]).argmax(axis=1).astype(np.uint8)  # (N, K, H, W) -> (N, H, W)
        shapes = batch.ragged("image").shapes
        assert shapes is not None
        masks = [label[n, : shapes[r][0], : shapes[r][1]] for n, r in enumerate(items.record)]
        return Outputs({"mask": Ragged.of(masks, ragged_axes=2)}, items.record, None, truth(batch, "mask", "mask"))

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """One file a mask."""
        out.mkdir(parents=True, exist_ok=True)
        written: list[tuple[Path, ...]] = [()] * len(batch)
        for n, row in enumerate(outputs.record):
            path = out / f"{batch.record[row]}.npy"
            np.save(path, outputs.ragged("mask")[n])
            written[row] = (path,)
        return written

    def draw(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[Figure]:
        """Return one empty picture that says how many records it is of."""
        return [picture("blobs", f"{len(batch)} blobs", "Nothing.", height_in=1.0, paint=lambda sheet: None)]


def _framed(image: Array, mode: str) -> Array:
    pads = [(0, SIDE - s) for s in image.shape]
    return np.pad(image, pads, mode=mode)  # type: ignore[call-overload,no-any-return]
