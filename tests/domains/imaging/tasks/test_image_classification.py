"""The task on pictures: labels by name and number, kinds of image that are refused, saliency."""

from __future__ import annotations

import numpy as np
import pytest

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, Outputs, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.imaging.tasks.image_classification import ImageClassification, ImageClassificationConfig

TASK = ImageClassification(ImageClassificationConfig())


def batch(image: np.ndarray, axes: str = "HW", **more: object) -> RecordBatch:  # type: ignore[type-arg]
    fields = [Field("image", "array", axes, unit="1", ragged=True)]
    columns = {"image": Ragged.of([image.astype(np.float32)], ragged_axes=len(axes))}
    if "label" in more:
        fields.append(Field("label", "text", missing=True))
        columns["label"] = np.array([more["label"]])  # type: ignore[assignment]
    groups = {"modality": np.array([more["modality"]])} if "modality" in more else {}
    return RecordBatch(tuple(fields), columns, np.array(["r"]), None, groups)  # type: ignore[arg-type]


PICTURE = np.random.default_rng(0).random((40, 50))


def test_labels_by_name_and_unknown() -> None:
    for label, code in (("Pneumonia", 1), ("normal", 0), ("", -1)):
        items = TASK.cut(TASK.prepare(batch(PICTURE, label=label)))
        assert items.target is not None
        assert items.target.tolist() == [code]
    with pytest.raises(ReadError, match="label: expected one of normal, pneumonia, got another"):
        TASK.prepare(batch(PICTURE, label="cat"))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (batch(np.ones((40, 50))), "image: expected a picture, got one value everywhere"),
        (batch(PICTURE[:4]), "image: expected at least 8 pixels along each side"),
        (batch(np.ones((3, 40, 50)), "DHW"), "image: expected a picture with axes HW or HWC, got DHW"),
        (batch(PICTURE, modality="CT"), "image: expected a picture .*, got the modality CT"),
    ],
)
def test_other_images_are_refused(made: RecordBatch, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        TASK.prepare(made)


def test_saliency_names_the_class_and_a_grid() -> None:
    prepared = TASK.prepare(batch(PICTURE))

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        bright = inputs["image"][:, 0, :4, :4].mean(axis=(1, 2))
        return {"probability": np.stack([1 - bright, bright], axis=1)}

    outputs = Outputs({"probability": np.array([[0.2, 0.8]])}, np.array([0]))
    (told,) = TASK.explain(prepared, outputs, run)  # type: ignore[arg-type]
    assert told["label"] == "pneumonia"
    assert np.abs(told["fall"])[0][0] == np.abs(told["fall"]).max()
