"""The training loop: repeatable, resumable, and clear when it cannot go on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.errors import ShapeError, UsageError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.engine.checkpoint import NAME, TrainState, load_checkpoint
from auscult.engine.curve import read_curve
from auscult.engine.drivers import load_program
from auscult.engine.program import program_hash
from auscult.engine.train import (
    BATCHES_OF_A_BLOCK,
    Batch,
    GradientPlan,
    Step,
    export_onnx,
    fit_gradient,
    let_go,
    shuffled,
    shuffled_in_blocks,
)
from toys.battery import task_of
from toys.models.gan import Gan
from toys.models.mlp import Mlp, MlpConfig
from toys.tasks.common import NoSettings


class _StopAfter(Silent):
    def __init__(self, epochs: int) -> None:
        self._epochs, self.seen = epochs, 0

    def bar(self, label: str, total: int) -> Any:
        def advance(amount: int = 1, note: str = "") -> None:
            self.seen += amount
            if note and self.seen == self._epochs:
                raise KeyboardInterrupt

        return SimpleNamespace(advance=advance, close=lambda: None)


def _points(n: int = 60) -> ItemSet:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return ItemSet(Items({"features": x}, np.arange(n), np.zeros(n, np.int64), x.argmax(axis=1)), np.arange(n))


def _context(folder: Path, task: str = "colour", **train: Any) -> FitContext:
    table = TrainTable(**{"epochs": 6, "batch_size": 16, "patience": 6, "threads": 1, "learning_rate": 0.01, **train})
    return FitContext(task_of("toys", task).spec, 1, table, folder, Silent())


def _mlp(folder: Path, **train: Any) -> str:
    return program_hash(Mlp(MlpConfig()).fit(_points(), _points(), _context(folder, **train)).export())


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_going_on_from_the_middle_equals_undisturbed_training(stop: int, tmp_path: Path) -> None:
    undisturbed = _mlp(tmp_path / "a")
    stopped = replace(_context(tmp_path / "b"), report=_StopAfter(stop))
    with pytest.raises(KeyboardInterrupt):
        Mlp(MlpConfig()).fit(_points(), _points(), stopped)
    state = load_checkpoint(tmp_path / "b", nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 3)), {})
    assert state.epoch == stop
    assert _mlp(tmp_path / "b") == undisturbed


def test_two_optimisers_go_on_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    items = Items(
        {"noise": rng.normal(size=(40, 2)).astype(np.float32)}, np.arange(40), np.zeros(40, np.int64),
        rng.normal(3, 1, size=(40, 2)).astype(np.float32),
    )  # fmt: skip
    both = ItemSet(items, np.arange(40))
    hashes = []
    for name in ("a", "b"):
        context = _context(tmp_path / name, "ring")
        if name == "b":
            with pytest.raises(KeyboardInterrupt):
                Gan(NoSettings()).fit(both, both, replace(context, report=_StopAfter(2)))
        hashes.append(program_hash(Gan(NoSettings()).fit(both, both, context).export()))
    assert hashes[0] == hashes[1]


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first = _mlp(tmp_path)
    stamp = (tmp_path / NAME).stat().st_mtime_ns
    assert _mlp(tmp_path) == first
    assert (tmp_path / NAME).stat().st_mtime_ns == stamp


def test_the_validation_loss_of_every_epoch_is_kept_beside_the_checkpoint(tmp_path: Path) -> None:
    train = partial(Mlp(MlpConfig()).fit, _points(), _points())
    train(_context(tmp_path / "whole", epochs=5, patience=50, schedule="constant"))
    train(_context(tmp_path / "parts", epochs=2, patience=50, schedule="constant"))
    train(_context(tmp_path / "parts", epochs=5, patience=50, schedule="constant"))
    whole, parts = (read_curve(tmp_path / name) for name in ("whole", "parts"))
    assert len(whole["validation_loss"]) == 5
    assert whole == parts
    assert min(whole["validation_loss"]) == whole["validation_loss"][whole["best_epoch"] - 1]


def test_another_seed_is_another_model(tmp_path: Path) -> None:
    other = replace(_context(tmp_path / "b"), seed=2)
    assert program_hash(Mlp(MlpConfig()).fit(_points(), _points(), other).export()) != _mlp(tmp_path / "a")


def test_the_best_epoch_is_what_is_kept() -> None:
    network = nn.Linear(1, 1)
    state = TrainState()
    for loss, value in ((3.0, 1.0), (1.0, 2.0), (2.0, 3.0)):
        nn.init.constant_(network.weight, value)
        state = state.after_epoch(loss, network)
    assert (state.epoch, state.best_epoch, state.best, state.last) == (3, 2, 1.0, 2.0)
    assert state.best_weights is not None
    assert float(state.best_weights["weight"].item()) == 2.0


def test_patience_stops(tmp_path: Path) -> None:
    constant = Step("all", lambda n: n.parameters(), lambda n, b: (n(*b.inputs.values()) * 0).sum())
    plan = GradientPlan(lambda: nn.Linear(3, 3), ("features",), (constant,))
    report = _StopAfter(1000)
    fit_gradient(plan, _points(), _points(), replace(_context(tmp_path, epochs=50, patience=2), report=report))
    assert report.seen == 1 + 2  # the best one, and two that are no better


def test_a_batch_without_a_target_has_no_truth() -> None:
    target = torch.ones(2)
    assert Batch({}, target).truth is target
    with pytest.raises(ShapeError, match="expected items with a target, got items without; train on labelled records"):
        _ = Batch({}, None).truth


def test_a_loss_that_is_not_finite_says_where(tmp_path: Path) -> None:
    broken = Step("all", lambda n: n.parameters(), lambda n, b: n(*b.inputs.values()).sum() * float("nan"))
    plan = GradientPlan(lambda: nn.Linear(3, 3), ("features",), (broken,))
    with pytest.raises(
        ShapeError, match=r"training step 'all', epoch 1: the loss is not finite; lower train\.learning_rate"
    ):
        fit_gradient(plan, _points(), _points(), _context(tmp_path))


def test_a_kind_without_a_loss_says_so(tmp_path: Path) -> None:
    plan = GradientPlan(lambda: nn.Linear(3, 3), ("features",))
    with pytest.raises(UsageError, match="no default loss; the model must give its own steps"):
        fit_gradient(plan, _points(), _points(), _context(tmp_path, "ring"))


def test_shuffled_gives_every_item_once_and_no_batch_of_one() -> None:
    batches = list(shuffled(_points(33), 16, np.random.default_rng(0)))
    assert [len(b) for b in batches] == [16, 17]
    assert sorted(np.concatenate(batches).tolist()) == list(range(33))


@pytest.mark.parametrize("n", [1, 16, 17, 33, 700])
def test_shuffled_in_blocks_gives_every_item_once_and_neighbours_together(n: int) -> None:
    batches = list(shuffled_in_blocks(_points(n), 16, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    assert max(len(b) for b in batches) <= 17
    assert all(np.ptp(b) < 16 * BATCHES_OF_A_BLOCK for b in batches)
    assert n < 3 or any(np.any(np.diff(b) < 0) for b in batches)


class _Counted(ItemSet):
    """Items that know how many were read at once."""

    most = 0

    def inputs(self, rows: Any = None) -> Any:
        _Counted.most = max(_Counted.most, len(self if rows is None else rows))
        return super().inputs(rows)


@pytest.mark.parametrize(("batches", "most"), [(shuffled, 700), (shuffled_in_blocks, 16)])
def test_what_is_read_in_blocks_is_never_held_whole(batches: Any, most: int, tmp_path: Path) -> None:
    """Also of a small table, so that memory does not grow with the rows."""
    items = _points(700)
    counted, _Counted.most = _Counted(items.items, items.rows), 0
    plan = GradientPlan(lambda: nn.Linear(3, 3), ("features",), batches=batches)
    fit_gradient(plan, counted, _points(), _context(tmp_path, epochs=2))
    assert _Counted.most == most


def test_one_pass_of_the_optimiser_is_the_same_training(tmp_path: Path) -> None:
    made = []
    for fused in (False, True):
        step = Step("all", lambda n: n.parameters(), _cross_entropy, fused=fused)
        plan = GradientPlan(lambda: nn.Linear(3, 3), ("features",), (step,))
        fitted = fit_gradient(plan, _points(), _points(), _context(tmp_path / str(fused)))
        made.append(fitted.network.state_dict()["weight"])
    torch.testing.assert_close(made[0], made[1])


def _cross_entropy(network: nn.Module, batch: Batch) -> torch.Tensor:
    return nn.functional.cross_entropy(network(*batch.inputs.values()), batch.target)


def test_a_mapped_file_is_let_go_of_and_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(5000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert mapped.sum() == np.arange(5000).sum()
    let_go(mapped)
    let_go(np.arange(3))
    assert mapped[4999] == 4999
    changed = np.load(tmp_path / "x.npy", mmap_mode="c")
    changed[0] = 7
    let_go(changed)  # what was written to a private copy would be lost
    assert changed[0] == 7


def test_export_leaves_the_number_of_items_free() -> None:
    network = nn.Linear(3, 2)
    graph = export_onnx(network, Batch({"x": torch.zeros(1, 3)}, None), "probability", activation="softmax")
    from auscult.base.contracts import Program

    run = load_program(Program("forward", ("x",), {"main": graph}))
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    expected = network(torch.as_tensor(x)).softmax(dim=1).detach().numpy()  # origin: torch
    np.testing.assert_allclose(run({"x": x})["probability"], expected, atol=1e-6)
    assert run({"x": x[:1]})["probability"].shape == (1, 2)


def test_starting_from_a_checkpoint(tmp_path: Path) -> None:
    first = Mlp(MlpConfig()).fit(_points(), _points(), _context(tmp_path / "a", epochs=6))
    frozen = _context(tmp_path / "b", epochs=1, learning_rate=1e-12, weight_decay=0.0, pretrained=str(tmp_path / "a"))
    second = Mlp(MlpConfig()).fit(_points(), _points(), frozen)
    for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):  # type: ignore[attr-defined]
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-6)
    with pytest.raises(
        UsageError, match=r"train\.pretrained: expected a folder with checkpoint\.safetensors, got none in absent"
    ):
        _mlp(tmp_path / "c", pretrained=str(tmp_path / "absent"))
    with pytest.raises(
        UsageError, match=r"train\.pretrained: expected the weights of this network, got others in 0\.bias"
    ):
        Mlp(MlpConfig(hidden=8)).fit(_points(), _points(), _context(tmp_path / "d", pretrained=str(tmp_path / "a")))
