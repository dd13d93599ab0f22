"""Task ``image-segmentation``: what is refused, and answers in the geometry of the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auscult.base.contracts import RecordBatch
from auscult.base.errors import ReadError, ShapeError
from auscult.domains.imaging.readers.common import Picture, picture_batch
from auscult.domains.imaging.tasks.image_segmentation import ImageSegmentation, ImageSegmentationConfig

RNG = np.random.default_rng(3)


def volume(shape: tuple[int, ...] = (6, 7, 8), *, mask: bool = True, **more: Any) -> RecordBatch:
    """A volume in the orientation of the patient axes, 1 mm."""
    values = RNG.normal(100, 20, shape)
    truth = (values > 110).astype(np.uint8) + (values > 130)
    affine = more.pop("affine", np.eye(4)[[2, 1, 0, 3]])
    picture = Picture("a", values, spacing_mm=(1.0, 1.0, 1.0), affine=affine, **more)
    return picture_batch(picture, mask=truth.astype(np.uint8) if mask else None)


def task(**settings: Any) -> ImageSegmentation:
    return ImageSegmentation(ImageSegmentationConfig(**{"grid": (8, 8, 8), **settings}))


def one_hot(target: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([target == k for k in range(3)], axis=1).astype(np.float32)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_truth_as_answer_comes_back_voxel_by_voxel(order: tuple[int, ...]) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] * [1, -1, 1]
    made, raw = task(), volume(affine=affine)
    batch = made.prepare(raw)
    items = made.cut(batch)
    assert items.inputs["image"].shape == (1, 1, 8, 8, 8)
    assert items.target is not None
    outputs = made.join(batch, items, {"probability": one_hot(np.asarray(items.target))})
    np.testing.assert_array_equal(outputs.ragged("mask")[0], raw.ragged("mask")[0])
    figures = made.summary(outputs)
    assert figures["surface_distance_anterior_mm"] == 0
    assert figures["volume_error_posterior_mm3"] == 0


def test_another_spacing_keeps_the_shape_of_the_input() -> None:
    affine = np.eye(4)[[2, 1, 0, 3]] * [2.0, 2.0, 2.0, 1.0]
    made, raw = task(grid=(16, 16, 16)), volume(affine=affine)
    batch = made.prepare(raw)
    items = made.cut(batch)
    outputs = made.join(batch, items, {"probability": one_hot(np.asarray(items.target))})
    assert outputs.ragged("mask")[0].shape == raw.ragged("mask")[0].shape
    np.testing.assert_allclose(outputs.array("spacing"), 2.0)


def test_one_voxel_too_many_is_its_volume_in_mm3() -> None:
    made = task()
    batch = made.prepare(volume(affine=np.eye(4)[[2, 1, 0, 3]]))
    items = made.cut(batch)
    found = np.array(items.target)
    first = tuple(np.argwhere(found[0] == 0)[len(np.argwhere(found[0] == 0)) // 2])
    found[0][first] = 1
    outputs = made.join(batch, items, {"probability": one_hot(found)})
    assert made.summary(outputs)["volume_error_anterior_mm3"] in (0.0, 1.0)


def test_a_volume_without_geometry_or_of_another_kind() -> None:
    bare = picture_batch(Picture("a", RNG.normal(size=(6, 7, 8))))
    with pytest.raises(ReadError, match="expected a volume with its place in the patient, got none"):
        task().prepare(bare)
    flat = picture_batch(Picture("a", RNG.normal(size=(16, 16))))
    with pytest.raises(ReadError, match="expected a volume with axes DHW, got HW"):
        task().prepare(flat)
    with pytest.raises(ReadError, match="expected Hounsfield units for the window"):
        task(window=(40.0, 400.0)).prepare(volume())


def test_another_modality_is_refused() -> None:
    values = RNG.normal(size=(6, 7, 8))
    made = picture_batch(Picture("a", values, affine=np.eye(4)), groups={"modality": "US"})
    with pytest.raises(ReadError, match=r"expected a volume \(MR, CT\), got the modality US"):
        task().prepare(made)


def test_a_label_without_a_name_and_a_blank_volume() -> None:
    with pytest.raises(ReadError, match="mask: expected labels 0 to 1 for body"):
        task(labels=("body",)).prepare(volume())
    blank = picture_batch(Picture("a", np.zeros((6, 7, 8)), affine=np.eye(4)))
    with pytest.raises(ShapeError, match="it is blank"):
        task().prepare(blank)
