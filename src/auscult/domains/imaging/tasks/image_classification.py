"""Task ``image-classification``: a picture, such as a chest X-ray → one of several classes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, Run, TaskSpec
from auscult.domains.imaging.fault_names import IMAGE_FAULTS
from auscult.domains.imaging.preprocess.saliency import occlusion_map
from auscult.domains.imaging.preprocess.texture import texture_features
from auscult.domains.imaging.tasks.common import Fit, class_codes, image_axes, rows_of, square_grey

TWO_CLASSES = ("roc_auc", "accuracy", "sensitivity", "specificity", "macro_f1", "ece", "brier")
MORE_CLASSES = ("roc_auc", "accuracy", "macro_f1", "ece", "brier")


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
        image_axes(batch, wanted=("HW", "HWC"), modalities=c.modalities, what="a picture")
        image = np.stack([square_grey(row, c.side, c.fit) for row in rows_of(batch.columns["image"])])
        made: dict[Field, Column] = {Field("image", "array", "HW", unit="1"): image}
        codes = class_codes(batch, c.labels)
        made[Field("label", "category")] = np.full(len(batch), -1, dtype=np.int64) if codes is None else codes
        drop = [f.name for f in batch.fields if f.name not in ("image", "label")]
        return batch.with_columns(made, drop=drop)

    def cut(self, batch: RecordBatch) -> Items:
        """One item a record: ``image`` (N, 1, H, W), 0 to 1, and ``features`` (N, F)."""
        image = np.asarray(batch.dense("image"), dtype=np.float32)
        features = np.stack([texture_features(row) for row in image])
        rows = np.arange(len(batch), dtype=np.int64)
        target = np.asarray(batch.dense("label"), dtype=np.int64)
        return Items({"image": image[:, None], "features": features}, rows, np.zeros_like(rows), target)

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

    def _probability(self, image: Array, *, run: Run, label: int) -> Array:
        """Probability of a class for pictures (N, H, W), (N,)."""
        features = np.stack([texture_features(row) for row in image])
        return np.asarray(run({"image": image[:, None], "features": features})["probability"][:, label])
