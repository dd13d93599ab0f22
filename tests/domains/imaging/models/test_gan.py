"""The game of two networks: where it begins, what moves whom, and shapes that are no multiple of four."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auscult.base.contracts import FitContext, Items, ItemSet, TaskSpec
from auscult.base.errors import DataError
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.imaging.models.gan import Gan, GanConfig, _Game, _judged, _made, _seen
from auscult.domains.imaging.models.pixel_gaussian import PixelGaussian, PixelGaussianConfig, class_components
from auscult.engine.drivers import load_program
from auscult.engine.train import Batch

N_NOISE = 5
LABELS = ("a", "b", "c")
SPEC = TaskSpec("t", "sample", "t", LABELS, "kid", ("kid",), "f", "e")
CONTEXT = FitContext(SPEC, 0, TrainTable(), Path(), Silent())


def items(shape: tuple[int, int], n: int = 40, n_noise: int = N_NOISE) -> ItemSet:
    """Pictures of two classes, the second brighter, and a third class that has none."""
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2
    image = np.clip(rng.normal(0.4 + 0.2 * label[:, None, None, None], 0.1, (n, 1, *shape)), 0, 1).astype(np.float32)
    inputs = {"noise": rng.normal(size=(n, n_noise)).astype(np.float32), "label": label}
    return ItemSet(Items(inputs, np.arange(n), np.zeros(n, dtype=np.int64), image), np.arange(n))


def game(train: ItemSet, **settings: float) -> tuple[_Game, Batch]:
    torch.manual_seed(0)
    means, directions = class_components(train, LABELS, N_NOISE)
    start = torch.as_tensor(np.concatenate([directions, means[:, None]], axis=1), dtype=torch.float32)
    inputs = {k: torch.as_tensor(v) for k, v in train.inputs().items()}
    made = _Game(GanConfig(width=4, ahead=0, **settings), start, shape=train.target().shape[1:])  # type: ignore[arg-type]
    return made, Batch(inputs, torch.as_tensor(train.target()))


def floor(train: ItemSet) -> np.ndarray:  # type: ignore[type-arg]
    program = PixelGaussian(PixelGaussianConfig()).fit(train, train, CONTEXT).export()
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
    means, directions = class_components(train, LABELS, N_NOISE)
    label, flat = train.inputs()["label"], train.target().reshape(400, -1)
    for k in (0, 1):
        np.testing.assert_allclose(means[k], flat[label == k].mean(axis=0), rtol=1e-5)
        largest = np.linalg.eigvalsh(np.cov(flat[label == k], rowvar=False))[-N_NOISE:]
        np.testing.assert_allclose(np.sort((directions[k] ** 2).sum(axis=1)), largest, rtol=1e-5)
    np.testing.assert_allclose(means[2], flat.mean(axis=0), rtol=1e-5)  # no picture: those of all


def test_training_pictures_are_not_kept_in_mean_and_directions() -> None:
    """Of twenty pictures in 64 numbers of noise all nineteen directions fit, which with the mean are the pictures."""
    train = items((16, 16), n_noise=64)
    means, directions = class_components(train, LABELS, 64)
    assert [int(np.any(d, axis=1).sum()) for d in directions] == [2, 2, 4]  # of 20, 20 and, for want of any, all 40
    label, flat = train.inputs()["label"], train.target().reshape(40, -1)
    own = flat[label == 0] - means[0]
    basis = directions[0][:2] / np.linalg.norm(directions[0][:2], axis=1, keepdims=True)
    left = own - own @ basis.T @ basis
    assert (np.linalg.norm(left, axis=1) > 0.5 * np.linalg.norm(own, axis=1)).all()


def test_a_class_of_few_pictures_is_refused() -> None:
    train = items((16, 16), n=38)
    words = r"class 'a': expected at least 20 pictures, got 19, which a generator would give back; add more"
    with pytest.raises(DataError, match=words):
        class_components(train, LABELS, N_NOISE)
    with pytest.raises(DataError, match=words):
        Gan(GanConfig()).fit(train, train, CONTEXT)


def test_no_labelled_picture_is_an_error_in_words() -> None:
    for model in (Gan(GanConfig()), PixelGaussian(PixelGaussianConfig())):
        with pytest.raises(
            DataError, match="expected pictures with a label, got none; state the class of each picture"
        ):
            model.fit(items((16, 16), n=0), items((16, 16)), CONTEXT)


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
