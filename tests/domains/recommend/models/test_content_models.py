"""Attributes of devices: the floor that counts for the like of a new device, and what judges a network's epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auscult.base.contracts import FitContext, Items, ItemSet, TaskSpec
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.recommend.models.content_knn import ContentKnn, ContentKnnConfig
from auscult.domains.recommend.models.content_network import ContentNetwork, fit_content
from auscult.domains.recommend.models.content_ranker import ContentRankerConfig, learning_set, shelf_of
from auscult.domains.recommend.preprocess.names import as_names
from auscult.engine.drivers import load_program

H = 12
MARKS = {1: [100, 0, 0], 2: [100, 0, 0], 3: [0, 100, 0], 4: [0, 100, 0], 5: [0, 0, 100]}
"""Devices 1 and 2 are alike, and 3 and 4; nothing is like 5."""


def _set(pairs: list[tuple[int, int]]) -> ItemSet:
    """Items (patient, device)."""
    record, device = (np.array([p[k] for p in pairs], dtype=np.int64) for k in (0, 1))
    inputs = {
        "item": as_names([f"d{d}" for d in device]),
        "index": device,
        "patient": np.zeros((len(pairs), 2), np.uint8),
        "device": np.array([MARKS[d] for d in device], np.uint8),
    }
    return ItemSet(Items(inputs, record, np.zeros_like(record), inputs["item"]), np.arange(len(pairs)))


TRAIN = _set([(0, 1), (1, 1), (2, 1), (3, 3)])
NEW = _set([(3, 2), (3, 4)])
"""Validation pairs of devices that training does not know."""


def _context(folder: Path, *, epochs: int = 2) -> FitContext:
    spec = TaskSpec(
        "t", "ranking", "", ("device",), primary="ndcg_at_20", metrics=("ndcg_at_20",), floor="", example=""
    )
    return FitContext(spec, 0, TrainTable(epochs=epochs, batch_size=2), folder, Silent())


def _asked(taken: list[int]) -> dict[str, np.ndarray]:
    given = np.zeros((1, H), np.int64)
    given[0, : len(taken)] = taken
    return {
        "patient": np.zeros((1, 2), np.uint8),
        "candidate": np.array([[MARKS[k] for k in (1, 2, 3, 4, 5)]], np.uint8),
        "index": np.array([[1, 2, 3, 4, 5]]),
        "taken": given,
    }


def test_a_new_device_is_as_common_as_its_like(tmp_path: Path) -> None:
    program = ContentKnn(ContentKnnConfig(sharpness=100, given=1.0)).fit(TRAIN, NEW, _context(tmp_path)).export()
    run = load_program(program, threads=1)
    inputs = {name: _asked([])[name] for name in program.inputs}
    score = run(inputs)["score"][0]
    np.testing.assert_allclose(score, [0.75, 0.75, 0.25, 0.25, 0.5], atol=1e-4)  # 5 is as far from both: their mean
    given = run({**inputs, "taken": _asked([3])["taken"]})["score"][0]
    np.testing.assert_allclose(given - score, [0, 0, 1, 1, 0], atol=1e-4)
    two = run({**inputs, "taken": _asked([3, 1])["taken"]})["score"][0]
    np.testing.assert_allclose(two - score, [0.5, 0.5, 0.5, 0.5, 0], atol=1e-4)


def _loss(train: ItemSet, valid: ItemSet, *, learning: bool) -> float:
    torch.manual_seed(0)
    config = ContentRankerConfig(dropout=0.0, new_devices=0.0, new_patients=0.0)
    shelf = shelf_of(train, valid)
    network = ContentNetwork(train, shelf, config).train(learning)
    items = learning_set(train if learning else valid, train, shelf[0], config.history)
    values = {k: torch.as_tensor(v) for k, v in items.inputs().items()}
    return float(network.learn(values["patient"], values["taken"], values["place"]).detach())


def test_new_devices_judge_epochs_and_teach_nothing() -> None:
    alone = _loss(TRAIN, TRAIN, learning=True)
    assert _loss(TRAIN, NEW, learning=True) == pytest.approx(alone, abs=1e-6), "an unknown device is no other choice"
    one, more = _set([(3, 2)]), _set([(3, 2), (3, 5)])
    torch.manual_seed(0)
    judged = _loss(TRAIN, one, learning=False)
    assert 0 < judged < 50
    assert _loss(TRAIN, more, learning=False) != pytest.approx(judged), "judged among all devices of validation"


def test_pairs_of_new_devices_decide_the_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auscult.domains.recommend.models import content_network

    seen: list[ItemSet] = []
    real = content_network.fit_gradient
    monkeypatch.setattr(content_network, "fit_gradient", lambda *a: (seen.extend(a[1:3]), real(*a))[1])
    fit_content(ContentRankerConfig(history=H), (TRAIN, NEW), _context(tmp_path))
    learned, judged = seen
    assert len(learned) == len(TRAIN)
    shelf = shelf_of(TRAIN, NEW)[0]
    assert shelf[judged.inputs()["place"] - 1].tolist() == [2, 4]


def test_a_device_of_validation_is_answered_as_a_new_one(tmp_path: Path) -> None:
    program = fit_content(ContentRankerConfig(history=H), (TRAIN, NEW), _context(tmp_path)).export()
    run = load_program(program, threads=1)
    asked = _asked([1])
    as_known = run({name: asked[name] for name in program.inputs})["score"][0]
    asked["index"] = np.array([[1, 0, 3, 0, 0]])
    as_new = run({name: asked[name] for name in program.inputs})["score"][0]
    np.testing.assert_allclose(as_known, as_new, atol=1e-6)
