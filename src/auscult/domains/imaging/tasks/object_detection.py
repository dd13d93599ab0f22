"""Task ``object-detection``: a picture -> boxes with a class, such as surgical instruments on a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column, Ragged, require_finite
from auscult.base.contracts import Config, Field, Finding, Index, Items, ItemSet, Outputs, RecordBatch, Run, TaskSpec
from auscult.base.errors import ReadError
from auscult.domains.imaging.preprocess.aligned import edges_of
from auscult.domains.imaging.preprocess.boxes import decoded
from auscult.domains.imaging.preprocess.grid import resized
from auscult.domains.imaging.preprocess.likeness import alike_pictures
from auscult.domains.imaging.preprocess.region import region, region_features
from auscult.domains.imaging.tasks.common import image_axes, rows_of

MOST_TARGETS = 12
FEW_BOXES = 20
DRAWN_SCORE = 0.3
CLASSES = ("scissors", "forceps", "handle")


class ObjectDetectionConfig(Config):
    """Settings of the task."""

    labels: tuple[str, ...] = Setting(
        CLASSES, min_length=1, description="Names of the classes, in the order of numbers."
    )
    merge: Mapping[str, str] = Setting(
        default_factory=dict, description="Name of a class to the name that it is answered under: sizes of one thing."
    )
    side: int = Setting(64, ge=32, le=640, multiple_of=16, description="Pixels along each side of what is seen.")
    least_score: float = Setting(0.02, ge=0, lt=1, description="Boxes below this score are not answered.")
    overlap: float = Setting(0.6, gt=0, le=1, description="Boxes of one class that overlap more are one box.")
    modalities: tuple[str, ...] = Setting(("XC", "ES", "OT", "SC"), description="Modalities that a header may name.")

    @property
    def answered(self) -> tuple[str, ...]:
        """Names that answers have, in order."""
        return tuple(dict.fromkeys(self.merge.get(name, name) for name in self.labels))


class ObjectDetection:
    """Pictures and boxes."""

    Config: ClassVar[type[Config]] = ObjectDetectionConfig

    def __init__(self, config: ObjectDetectionConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="object-detection",
            kind="boxes",
            summary="boxes and classes of the things on a picture, such as surgical instruments",
            labels=config.answered,
            primary="map50",
            metrics=("map50", "map50_95"),
            floor="region-trees",
            example="instruments",
            resample="record",
            tags=("surgical", "surgical instruments", "object detection"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Bring pictures to one square grid (padded right and below), and class numbers to those of the answers.

        Raises
        ------
        ReadError
            If there is no picture, it is of another kind or too small, a class number is unknown, or a picture has
            more boxes than are learned from.
        ShapeError
            If a value is not finite.
        """
        c = self._config
        image_axes(batch, wanted=("HWC", "HW"), modalities=c.modalities, what="a photograph")
        raw = rows_of(batch.columns["image"])
        made: dict[Field, Column] = {
            Field("image", "array", "HWC", unit="1/255"): np.stack([self._square(row) for row in raw]),
            Field("extent", "array", "C", unit="px"): np.array([row.shape[:2] for row in raw], dtype=np.float32),
        }
        drop = [f.name for f in batch.fields if f.name not in ("image", "box", "box_label")]
        if batch.has("box"):
            require_finite(batch.ragged("box").values, "box")
        if batch.has("box_label"):
            number = np.array([c.answered.index(c.merge.get(name, name)) for name in c.labels], dtype=np.int64)
            codes = batch.ragged("box_label")
            if codes.values.max(initial=0) >= len(number) or codes.values.min(initial=0) < 0:
                raise ReadError(
                    f"box_label: expected numbers from 0 to {len(number) - 1}, got others; name every class in labels"
                )
            if codes.lengths.max(initial=0) > MOST_TARGETS:
                raise ReadError(f"box: expected at most {MOST_TARGETS} a picture, got {codes.lengths.max()}")
            made[batch.field("box_label")] = Ragged(number[codes.values], codes.offsets)
        return batch.with_columns(made, drop=drop)

    def _square(self, image: Array) -> Array:
        values = np.asarray(image, dtype=np.float32)
        require_finite(values, "image")
        if min(values.shape[:2]) < 16:
            raise ReadError(f"image: expected at least 16 pixels along each side, got {values.shape[:2]}")
        colour = np.repeat(values[:, :, None], 3, axis=2) if values.ndim == 2 else values
        scale = self._config.side / max(colour.shape[:2])
        height, width = (max(1, round(s * scale)) for s in colour.shape[:2])
        square = np.zeros((self._config.side, self._config.side, 3), dtype=np.uint8)
        square[:height, :width] = np.round(255 * np.clip(resized(colour, (height, width, 3)), 0, 1))
        return square

    def match(self, batches: Iterable[RecordBatch]) -> Index:
        """Pictures that show nearly the same, by a perceptual hash."""
        return alike_pictures(batches)

    def audit(self, roles: Mapping[str, ItemSet]) -> list[Finding]:
        """Find classes with few boxes to learn from, or none to be judged by."""
        train, test = (self._count(roles[role]) for role in ("train", "test"))
        few = [
            f"{name}: {a} and {b}"
            for name, a, b in zip(self.spec.labels, train, test, strict=True)
            if a < FEW_BOXES or not b
        ]
        text = f"classes with fewer than {FEW_BOXES} boxes in training or none in the test ({', '.join(few)})"
        return [Finding("rare-classes", "warning", text, len(few))] if few else []

    def _count(self, items: ItemSet) -> list[int]:
        """Boxes of each class, (K,)."""
        label = items.target()[:, :, 4].astype(np.int64)
        return [int(n) for n in np.bincount(label[label >= 0], minlength=len(self.spec.labels))]

    def cut(self, batch: RecordBatch) -> Items:
        """One item a picture: ``image`` (N, 3, H, W) uint8, ``region`` (N, 4), its ``features`` and ``edges``, (N, F).

        The target is (N, 12, 5): corners in pixels of the grid and the class, -1 where there is no box.
        """
        image = np.asarray(batch.dense("image"))
        scaled = [row.astype(np.float32) / 255 for row in image]
        regions = np.stack([region(row) for row in scaled])
        pairs = list(zip(scaled, regions, strict=True))
        inputs = {
            "image": np.ascontiguousarray(image.transpose(0, 3, 1, 2)),
            "region": regions,
            "features": np.stack([region_features(row, box) for row, box in pairs]),
            "edges": np.stack([edges_of(row, box) for row, box in pairs]),
        }
        rows = np.arange(len(batch), dtype=np.int64)
        return Items(inputs, rows, np.zeros_like(rows), self._target(batch))

    def _target(self, batch: RecordBatch) -> Array | None:
        if not batch.has("box"):
            return None
        target = np.full((len(batch), MOST_TARGETS, 5), -1, dtype=np.float32)
        boxes, codes = batch.ragged("box"), batch.ragged("box_label")
        for row, scale in enumerate(self._scale(batch)):
            n = len(codes[row])
            target[row, :n, :4], target[row, :n, 4] = boxes[row] * scale, codes[row]
        return target

    def _scale(self, batch: RecordBatch) -> Array:
        """Pixels of the grid in one pixel of each picture, (N,)."""
        return np.asarray(self._config.side / batch.dense("extent").max(axis=1))

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """Boxes in pixels of each picture: decoded from maps, or the one region with its probabilities."""
        c, found = self._config, []
        for k in range(len(items)):
            if "map" in arrays:
                found.append(decoded(arrays["map"][k], c.side, least=c.least_score, overlap=c.overlap))
            else:
                sure = np.asarray(arrays["probability"][k], dtype=np.float32)
                label = np.argsort(-sure, kind="stable")[:3].astype(np.int64)
                found.append((np.repeat(items.inputs["region"][k][None], len(label), axis=0), label, sure[label]))
        height_width = np.asarray(batch.dense("extent"))[items.record]
        boxes = [
            np.clip(box / scale, 0, np.tile(extent[::-1], 2)).astype(np.float32)
            for (box, _, _), scale, extent in zip(found, self._scale(batch)[items.record], height_width, strict=True)
        ]
        made: dict[str, Column] = {
            "box": Ragged.of(boxes),
            "label": Ragged.of([label for _, label, _ in found]),
            "score": Ragged.of([score for _, _, score in found]),
        }
        target: dict[str, Column] | None = None
        if batch.has("box"):
            target = {
                "box": batch.ragged("box").take(items.record),
                "label": batch.ragged("box_label").take(items.record),
            }
        return Outputs(made, items.record, None, target)

    def draw(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[Any]:
        """Draw the boxes on a few pictures, as the network sees them."""
        from auscult.domains.imaging.pictures import boxes_figure

        scale = self._scale(batch)[outputs.record]
        images = [np.asarray(batch.dense("image"))[row].astype(np.float32) / 255 for row in outputs.record]
        parts = (outputs.ragged(name) for name in ("box", "label", "score"))
        found = [(box * s, label, score) for box, label, score, s in zip(*parts, scale, strict=True)]
        return [boxes_figure(images, found, self.spec.labels, least=DRAWN_SCORE)]
