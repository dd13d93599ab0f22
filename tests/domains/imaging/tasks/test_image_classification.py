"""The task on pictures: labels by name and number, kinds of image that are refused, saliency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, ItemSet, Outputs, RecordBatch, Source, WriteContext
from auscult.base.errors import ReadError, UsageError
from auscult.domains.imaging.preprocess.window import windowed
from auscult.domains.imaging.simulate.chest import detector_values, simulate_chest
from auscult.domains.imaging.tasks.image_classification import ImageClassification, ImageClassificationConfig
from auscult.engine.gate_signs import fit_signs_gate

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


def test_a_photograph_of_noise_is_far_from_chests() -> None:
    rng = np.random.default_rng(1)
    chests = [windowed(detector_values(simulate_chest(rng, side=64), rng).astype(float), 1900, 2600) for _ in range(90)]
    prepared = RecordBatch.concat([TASK.prepare(batch(c)) for c in chests])
    whole = TASK.cut(prepared)
    gate = fit_signs_gate(TASK, ItemSet(whole, np.arange(60)), ItemSet(whole, np.arange(60, 90)), refusal=0.05, seed=0)
    for other in (PICTURE, chests[0][::-1], 1 - chests[0]):
        (reason,) = gate.refusals(TASK.cut(TASK.prepare(batch(other))), 1)
        assert reason.startswith("does not look like the training data")


def test_what_carried_an_answer_is_a_picture_that_says_what_it_is(tmp_path: Path) -> None:
    prepared = TASK.prepare(batch(PICTURE))
    outputs = Outputs({"probability": np.array([[0.2, 0.8]])}, np.array([0]))
    source = Source("photo", "deep/r", (tmp_path / "r.png",))
    told = {"label": "pneumonia", "fall": [[0.1 * (row == column) for column in range(7)] for row in range(7)]}
    about = {"name": "test", "version": "1", "content_hash": "ab"}
    ((path,),) = TASK.write(prepared, outputs, tmp_path, context=WriteContext(source, (told,), about))
    assert path.relative_to(tmp_path).as_posix() == "deep/r.saliency.png"
    with Image.open(path) as made:
        made.load()
        assert made.text["Software"] == "Auscult, release test 1"  # type: ignore[attr-defined]
        assert made.size == (2 * 448, 448)
        left, right = np.split(np.asarray(made).astype(int), 2, axis=1)
    assert (left[..., 0] == left[..., 2]).all()
    assert (right[..., 0] > right[..., 2]).any()
    with pytest.raises(UsageError, match="--out: expected --explain beside it"):
        TASK.write(prepared, outputs, tmp_path, context=WriteContext(source, (), about))
