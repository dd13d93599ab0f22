"""The task on boxes: pixels of the picture out and in, merged names, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure as Sheet
from matplotlib.patches import Rectangle

from auscult.base.arrays import Ragged
from auscult.base.contracts import Field, ItemSet, RecordBatch
from auscult.base.errors import ReadError
from auscult.domains.imaging.pictures import _paint_boxes
from auscult.domains.imaging.tasks.object_detection import ObjectDetection, ObjectDetectionConfig

LABELS = ("7 scissors", "9 scissors", "forceps")
TASK = ObjectDetection(
    ObjectDetectionConfig(labels=LABELS, side=64, merge={"7 scissors": "scissors", "9 scissors": "scissors"})
)


def batch(codes: list[int], shape: tuple[int, int] = (100, 200)) -> RecordBatch:
    image = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    fields = (
        Field("image", "array", "HWC", unit="1", ragged=True),
        Field("box", "array", "LC", unit="px", ragged=True),
        Field("box_label", "category", ragged=True),
    )
    boxes = np.tile(np.array([[20, 30, 120, 80]], np.float32), (len(codes), 1))
    columns = {
        "image": Ragged.of([image], ragged_axes=2), "box": Ragged.of([boxes]), "box_label": Ragged.of([np.array(codes)])
    }  # fmt: skip
    return RecordBatch(fields, columns, np.array(["r"]))  # type: ignore[arg-type]


def test_targets_are_in_the_grid_and_answers_in_the_picture() -> None:
    made = TASK.prepare(batch([1, 2]))
    items = TASK.cut(made)
    assert TASK.spec.labels == ("scissors", "forceps")
    assert items.inputs["image"].shape == (1, 3, 64, 64)
    assert items.inputs["image"][0, :, 32:].max() == 0  # twice as wide as high: padded below
    assert items.target is not None
    np.testing.assert_allclose(items.target[0, :2], [[6.4, 9.6, 38.4, 25.6, 0], [6.4, 9.6, 38.4, 25.6, 1]], rtol=1e-6)
    assert (items.target[0, 2:] == -1).all()
    maps = np.zeros((1, 2 + 4, 4, 4), np.float32)
    maps[0, 1, 1, 1] = 0.8
    maps[0, 2:, 1, 1] = (24 - 6.4, 24 - 9.6, 38.4 - 24, 25.6 - 24)
    outputs = TASK.join(made, items, {"map": maps})
    np.testing.assert_allclose(outputs.ragged("box")[0], [[20, 30, 120, 80]], atol=1e-4)
    assert outputs.ragged("label")[0].tolist() == [1]
    assert outputs.ragged_truth("label")[0].tolist() == [0, 1]
    np.testing.assert_allclose(outputs.ragged_truth("box")[0], [[20, 30, 120, 80]] * 2)


def test_classes_with_nothing_to_learn_from_are_found() -> None:
    many = TASK.cut(TASK.prepare(batch([1] * 12)))
    twice = ItemSet(many, np.zeros(2, dtype=np.int64))
    (found,) = TASK.audit({"train": twice, "test": twice})
    assert (found.check, found.count) == ("rare-classes", 1)
    assert "(forceps: 0 and 0)" in found.message  # of scissors there are 24


def test_the_floor_answers_its_region_with_the_likeliest_classes() -> None:
    made = TASK.prepare(batch([0]))
    outputs = TASK.join(made, TASK.cut(made), {"probability": np.array([[0.3, 0.7]], np.float32)})
    assert outputs.ragged("label")[0].tolist() == [1, 0]
    box = outputs.ragged("box")[0]
    assert (box >= 0).all()
    assert (box <= [200, 100, 200, 100]).all()


def test_what_is_refused() -> None:
    with pytest.raises(ReadError, match="box_label: expected numbers from 0 to 2, got others; name every class"):
        TASK.prepare(batch([3]))
    with pytest.raises(ReadError, match="box: expected at most 12 a picture, got 13"):
        TASK.prepare(batch([0] * 13))
    with pytest.raises(ReadError, match=r"image: expected at least 16 pixels along each side, got \(10, 40\)"):
        TASK.prepare(batch([0], shape=(10, 40)))


def test_boxes_are_drawn_in_the_picture_that_the_network_sees() -> None:
    made = TASK.prepare(batch([1, 2]))
    items = TASK.cut(made)
    maps = np.zeros((1, 2 + 4, 4, 4), np.float32)
    maps[0, 1, 1, 1] = 0.8
    maps[0, 2:, 1, 1] = (24 - 6.4, 24 - 9.6, 38.4 - 24, 25.6 - 24)
    outputs = TASK.join(made, items, {"map": maps})
    (figure,) = TASK.draw(made, outputs, lambda inputs: {})
    assert "forceps 0.80" in figure.svg
    sheet = Sheet()
    found = [(outputs.ragged("box")[0] * 0.32, outputs.ragged("label")[0], outputs.ragged("score")[0])]
    _paint_boxes(sheet, images=[np.zeros((64, 64, 3))], found=found, labels=TASK.spec.labels, least=0.3)
    (drawn,) = sheet.axes[0].patches
    assert isinstance(drawn, Rectangle)
    np.testing.assert_allclose([*drawn.get_xy(), drawn.get_width(), drawn.get_height()], [6.4, 9.6, 32, 16], atol=1e-4)
