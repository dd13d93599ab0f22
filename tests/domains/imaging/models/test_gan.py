"""The game of two networks: where it begins, what moves whom, and shapes that are no multiple of four."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from auscult.base.contracts import FitContext, Items, ItemSet, TaskSpec
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.imaging.models.gan import GanConfig, _Game, _judged, _made, _seen
from auscult.domains.imaging.models.pixel_gaussian import PixelGaussian, PixelGaussianConfig, class_components
from auscult.engine.drivers import load_program
from auscult.engine.train import Batch

N_NOISE = 5


def items(shape: tuple[int, int], n: int = 40) -> ItemSet:
    """Pictures of two classes, the second brighter, and a third class that has none."""
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2
    image = np.clip(rng.normal(0.4 + 0.2 * label[:, None, None, None], 0.1, (n, 1, *shape)), 0, 1).astype(np.float32)
    inputs = {"noise": rng.normal(size=(n, N_NOISE)).astype(np.float32), "label": label}
    return ItemSet(Items(inputs, np.arange(n), np.zeros(n, dtype=np.int64), image), np.arange(n))


def game(train: ItemSet, **settings: float) -> tuple[_Game, Batch]:
    torch.manual_seed(0)
    means, directions = class_components(train, 3, N_NOISE)
    start = torch.as_tensor(np.concatenate([directions, means[:, None]], axis=1), dtype=torch.float32)
    inputs = {k: torch.as_tensor(v) for k, v in train.inputs().items()}
    made = _Game(GanConfig(width=4, ahead=0, **settings), start, shape=train.target().shape[1:])  # type: ignore[arg-type]
    return made, Batch(inputs, torch.as_tensor(train.target()))


def floor(train: ItemSet) -> np.ndarray:  # type: ignore[type-arg]
    spec = TaskSpec("t", "sample", "t", ("a", "b", "c"), "kid", ("kid",), "f", "e")
    context = FitContext(spec, 0, TrainTable(), Path(), Silent())
    program = PixelGaussian(PixelGaussianConfig()).fit(train, train, context).export()
    return load_program(program)(train.inputs())["sample"]


def test_the_generator_begins_as_the_floor() -> None:
    for shape in ((28, 28), (17, 22)):
        train = items(shape)
        network, batch = game(train)
        with torch.no_grad():
            made = network("average", batch.inputs["noise"], batch.inputs["label"]).numpy()
        np.testing.assert_allclose(made, floor(train), atol=1e-5)


def test_the_floor_has_mean_and_spread_of_its_class() -> None:
    train = items((16, 16), n=400)
    means, directions = class_components(train, 3, N_NOISE)
    label, flat = train.inputs()["label"], train.target().reshape(400, -1)
    for k in (0, 1):
        np.testing.assert_allclose(means[k], flat[label == k].mean(axis=0), rtol=1e-5)
        largest = np.linalg.eigvalsh(np.cov(flat[label == k], rowvar=False))[-N_NOISE:]
        np.testing.assert_allclose(np.sort((directions[k] ** 2).sum(axis=1)), largest, rtol=1e-5)
    np.testing.assert_allclose(means[2], flat.mean(axis=0), rtol=1e-5)  # no picture: those of all


def test_each_loss_moves_one_network_only() -> None:
    network, batch = game(items((20, 20)), penalty_every=1)
    for loss, moved, still in ((_judged, "discriminator", "generator"), (_made, "generator", "discriminator")):
        network.zero_grad(set_to_none=True)
        loss(network, batch).backward()
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in getattr(network, moved).parameters())
        if moved == "discriminator":
            assert all(p.grad is None for p in getattr(network, still).parameters())
    assert int(network.n_steps) == 1


def test_in_the_beginning_the_generator_waits() -> None:
    network, batch = game(items((20, 20)))
    network.config = GanConfig(width=4, ahead=3)
    assert float(_made(network, batch).detach()) == 0.0
    network.n_steps += 4
    assert float(_made(network, batch).detach()) > 0


def test_what_the_discriminator_sees_is_shifted_by_whole_pixels() -> None:
    torch.manual_seed(1)
    image = torch.rand(6, 1, 10, 10)
    seen = _seen(image, GanConfig(shift=0.2, contrast=0.0))
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
    for n in range(6):
        places = [(r, c) for r in range(5) for c in range(5)]
        assert any(torch.equal(seen[n, 0], padded[n, 0, r : r + 10, c : c + 10]) for r, c in places)
    assert torch.equal(_seen(image, GanConfig(shift=0.0, contrast=0.0)), image)
