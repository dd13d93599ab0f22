"""The floor of boxes where there is nothing to tell apart: one class, or several things on each picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.errors import DataError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.imaging.models.region_net import RegionNet, RegionNetConfig
from auscult.domains.imaging.models.region_trees import RegionTrees, RegionTreesConfig
from auscult.domains.imaging.tasks.object_detection import ObjectDetection, ObjectDetectionConfig
from auscult.engine.drivers import load_program


def _items(labels: list[list[int]]) -> ItemSet:
    """Pictures with boxes of these classes."""
    target = np.full((len(labels), 12, 5), -1, dtype=np.float32)
    for row, classes in enumerate(labels):
        for place, k in enumerate(classes):
            target[row, place] = 4, 4, 20, 20, k
    rng = np.random.default_rng(0)
    inputs = {n: rng.random((len(labels), 6)).astype(np.float32) for n in ("features", "edges")}
    index = np.arange(len(labels), dtype=np.int64)
    return ItemSet(Items(inputs, index, np.zeros_like(index), target), index)


def _context(folder: Path, labels: tuple[str, ...]) -> FitContext:
    spec = ObjectDetection(ObjectDetectionConfig(labels=labels)).spec
    return FitContext(spec, 0, TrainTable(epochs=1), folder, Silent())


@pytest.mark.parametrize(
    ("labels", "boxes", "share"),
    [(("syringe",), [[0], [0, 0], []], [1.0]), (("syringe", "clamp"), [[0, 1], [0, 0], []], [0.75, 0.25])],
)
def test_nothing_to_tell_apart_is_answered_with_the_shares(
    labels: tuple[str, ...], boxes: list[list[int]], share: list[float], tmp_path: Path
) -> None:
    items = _items(boxes)
    fitted = RegionTrees(RegionTreesConfig()).fit(items, items, _context(tmp_path, labels))
    answer = load_program(fitted.export())({"features": items.inputs()["features"][:2]})
    np.testing.assert_allclose(answer["probability"], [share, share])


def test_without_a_box_there_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected at least one box, got none in any picture"):
        RegionTrees(RegionTreesConfig()).fit(_items([[], []]), _items([[]]), _context(tmp_path, ("a", "b")))
    several = _items([[0, 1], [1, 1]])
    with pytest.raises(DataError, match="expected pictures with one box, got none; take the model 'detector'"):
        RegionNet(RegionNetConfig()).fit(several, several, _context(tmp_path, ("a", "b")))
