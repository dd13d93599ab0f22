"""Task ``image-classification``: a picture, such as a chest X-ray → one of several classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Index, Items, Outputs, RecordBatch, Run, TaskSpec, WriteContext
from auscult.base.errors import UsageError
from auscult.domains.imaging.fault_names import IMAGE_FAULTS
from auscult.domains.imaging.preprocess.grid import resized
from auscult.domains.imaging.preprocess.likeness import alike_pictures
from auscult.domains.imaging.preprocess.saliency import occlusion_map
from auscult.domains.imaging.preprocess.texture import texture_features
from auscult.domains.imaging.tasks.common import MIN_CONTRAST, Fit, labelled_squares
from auscult.domains.imaging.writers.saliency import write_saliency

TWO_CLASSES = ("roc_auc", "accuracy", "sensitivity", "specificity", "macro_f1", "ece", "brier")
MORE_CLASSES = ("roc_auc", "accuracy", "macro_f1", "ece", "brier")
SIGN_SIDE = 14
"""Pixels along each side of the small picture that the input gate looks at."""


class ImageClassificationConfig(Config):
    """Settings of the task."""

    labels: tuple[str, ...] = Setting(
        ("normal", "pneumonia"), min_length=2, description="Names of the classes, in the order of their numbers."
    )
    side: int = Setting(28, ge=16, le=512, description="Pixels along each side of what the model sees.")
    fit: Fit = Setting("crop", description="A picture that is no square is cut to its middle, or padded.")
    modalities: tuple[str, ...] = Setting(
        ("CR", "DX", "RG", "RF", "XA", "OT", "SC"),
        description="Modalities that a DICOM header may name; a header that names none passes.",
    )


class ImageClassification:
    """Pictures and their class."""

    Config: ClassVar[type[Config]] = ImageClassificationConfig

    def __init__(self, config: ImageClassificationConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="image-classification",
            kind="class",
            summary="class of a picture: normal or pneumonia on a chest X-ray, or the classes that the recipe names",
            labels=config.labels,
            primary="roc_auc",
            metrics=TWO_CLASSES if len(config.labels) == 2 else MORE_CLASSES,
            floor="texture-trees",
            example="xray",
            faults=IMAGE_FAULTS,
            tags=("X-ray", "radiography", "pneumonia", "computer-aided detection"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Bring pictures to one grid, and labels to numbers.

        Raises
        ------
        ReadError
            If there is no picture, it is of another kind or blank, or a label is unknown.
        ShapeError
            If a value is not finite.
        """
        c = self._config
        return labelled_squares(batch, labels=c.labels, side=c.side, fit=c.fit, modalities=c.modalities)

    def match(self, batches: Iterable[RecordBatch]) -> Index:
        """Pictures that show nearly the same, by a perceptual hash."""
        return alike_pictures(batches)

    def cut(self, batch: RecordBatch) -> Items:
        """One item a record: ``image`` (N, 1, H, W), 0 to 1, and ``features`` (N, F)."""
        image = np.asarray(batch.dense("image"), dtype=np.float32)
        features = np.stack([texture_features(row) for row in image])
        rows = np.arange(len(batch), dtype=np.int64)
        target = np.asarray(batch.dense("label"), dtype=np.int64)
        return Items({"image": image[:, None], "features": features}, rows, np.zeros_like(rows), target)

    def signs(self, items: Items) -> Array:
        """Texture, and the picture on 14 × 14 pixels without its level and contrast: (N, F + 196).

        Distances in such features tell other kinds of pictures better than summaries of the pixels do (after Lee et
        al. 2018, NeurIPS, who use those of the network).
        """
        image = np.asarray(items.inputs["image"], dtype=np.float32)[:, 0]
        small = np.stack([resized(row, (SIGN_SIDE, SIGN_SIDE)) for row in image]).reshape(len(image), -1)
        level, contrast = small.mean(axis=1, keepdims=True), small.std(axis=1, keepdims=True)
        return np.concatenate([items.inputs["features"], (small - level) / (contrast + MIN_CONTRAST)], axis=1)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One answer a record."""
        target: dict[str, Column] | None = None if items.target is None else {"label": items.target}
        return Outputs({"probability": arrays["probability"]}, items.record, None, target)

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Say for each field of a 7 by 7 grid how much the probability of the class falls when it is hidden."""
        label = outputs.arrays.get("label")
        decided = outputs.array("probability").argmax(axis=1) if label is None else np.asarray(label)
        image = np.asarray(batch.dense("image"), dtype=np.float32)
        explained = []
        for row, k in zip(outputs.record, decided, strict=True):
            fall = occlusion_map(image[row], partial(self._probability, run=run, label=int(k)))
            rows = [[round(float(v), 4) for v in line] for line in fall]
            explained.append({"label": self.spec.labels[int(k)], "fall": rows})
        return explained

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Write what carried each answer as a picture, where that was asked for.

        Raises
        ------
        UsageError
            If it was not, or a file is there already.
        """
        if not context.explained:
            raise UsageError("--out: expected --explain beside it; of a class there is no other picture")
        image = np.asarray(batch.dense("image"))
        return [
            (write_saliency(out, image[row], str(batch.record[row]), explained=told, context=context),)
            for row, told in enumerate(context.explained)
        ]

    def draw(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[Any]:
        """Draw what carried the answers about a few records."""
        from auscult.domains.imaging.pictures import saliency_figure

        explained = self.explain(batch, outputs, run)
        shares = [float(p) for p in outputs.array("probability").max(axis=1)]
        return [saliency_figure(np.asarray(batch.dense("image"))[outputs.record], explained, shares)]

    def _probability(self, image: Array, *, run: Run, label: int) -> Array:
        """Probability of a class for pictures (N, H, W), (N,)."""
        features = np.stack([texture_features(row) for row in image])
        return np.asarray(run({"image": image[:, None], "features": features})["probability"][:, label])
