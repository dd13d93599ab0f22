"""Training a convolutional network: our training loop against a plain PyTorch loop of the same network.

Both learn from the same pictures in memory, in batches of one size, with the same optimiser, clipping and threads, and
change no picture. Ours is the time of ``fit`` of the model ``resnet``, so it holds validation on a few pictures and a
checkpoint after each epoch; the plain loop does neither. The plain loop runs as tutorials write it (a data loader over
single pictures), with worker processes, and as PyTorch's guide for speed advises: channels last, whole batches taken
from memory, an optimiser in one kernel.
"""

from __future__ import annotations

import os

from measure import comparison, in_turn, publish, typed

os.environ.update({"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")})  # before numpy is loaded

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.imaging.models.network import image_plan
from auscult.domains.imaging.models.resnet import Resnet, ResnetConfig, _Body
from auscult.domains.imaging.tasks.image_classification import ImageClassification, ImageClassificationConfig

THREADS = int(os.environ["OMP_NUM_THREADS"])
GOAL = 1.2
BATCH = 64
HELD_OUT = 8
CONFIG = ResnetConfig(widths=(16, 32, 64), depth=1)
SETTINGS: dict[str, dict[str, Any]] = {
    "default (data loader, single pictures)": {},
    "data loader, 1 worker": {"workers": 1},
    "data loader, 2 workers": {"workers": 2},
    "batches from memory, fused optimiser": {"from_memory": True, "fused": True},
    "batches from memory, fused optimiser, channels last": {"from_memory": True, "fused": True, "last": True},
}


def pictures(count: int, side: int) -> ItemSet:
    """Noise with a level that tells the class; what is shown does not change the time."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, count)
    image = rng.random((count, 1, side, side), dtype=np.float32) * 0.5 + 0.25 * target[:, None, None, None]
    index = np.arange(count, dtype=np.int64)
    return ItemSet(Items({"image": image.astype(np.float32)}, index, np.zeros_like(index), target), index)


def context_of(folder: Path, epochs: int) -> FitContext:
    """What is answered, and how it is trained."""
    task = ImageClassification(ImageClassificationConfig())
    table = TrainTable(epochs=epochs, batch_size=BATCH, threads=THREADS, schedule="constant", patience=epochs)
    return FitContext(task.spec, 0, table, folder, Silent())


def ours(items: ItemSet, epochs: int) -> None:
    """Fit the model."""
    with tempfile.TemporaryDirectory() as folder:
        few = ItemSet(items.items, items.rows[:HELD_OUT])
        Resnet(CONFIG).fit(items, few, context_of(Path(folder), epochs))


def batches(image: Tensor, target: Tensor, *, workers: int, from_memory: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass in random order."""
    if from_memory:
        for rows in torch.split(torch.randperm(len(image)), BATCH):
            yield image[rows], target[rows]
        return
    from torch.utils.data import DataLoader, TensorDataset

    yield from DataLoader(TensorDataset(image, target), BATCH, shuffle=True, num_workers=workers)


def theirs(
    items: ItemSet, epochs: int, *, workers: int = 0, from_memory: bool = False, fused: bool = False, last: bool = False
) -> Callable[[], None]:
    """Make the plain loop; what is returned trains the same network."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(0)
    context = context_of(Path(), epochs)
    plan = image_plan(partial(_Body, CONFIG), items, context, CONFIG)
    layout = torch.channels_last if last else torch.contiguous_format
    network = plan.network().to(memory_format=layout).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=fused)
    image, target = torch.as_tensor(items.inputs()["image"]), torch.as_tensor(items.target())

    def train() -> None:
        loss_of = nn.CrossEntropyLoss()
        for _ in range(epochs):
            for x, y in batches(image, target, workers=workers, from_memory=from_memory):
                optimiser.zero_grad()
                loss_of(network(x), y).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()

    return train


def measure(count: int, *, side: int, epochs: int, repeats: int) -> dict[str, Any]:
    """Time both sides in turn, in pictures a second."""
    items = pictures(count, side)
    ours(ItemSet(items.items, items.rows[:BATCH]), 1)  # the first call pays for what is loaded late
    peers = {name: partial(theirs, items, epochs, **settings) for name, settings in SETTINGS.items()}
    what = ("torch", "plain loop")
    return in_turn(
        partial(ours, items, epochs), peers, amount=count * epochs, unit="images/s", repeats=repeats, of=what
    )


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1024, help="how many pictures")
    parser.add_argument("--side", type=int, default=64, help="pixels along each side")
    parser.add_argument("--epochs", type=int, default=2, help="passes over all pictures")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    given = parser.parse_args()
    made = measure(given.images, side=given.side, epochs=given.epochs, repeats=given.repeats)
    context = {**vars(given), "batch": BATCH, "threads": THREADS}
    publish(comparison("image-train", **made, goal=GOAL, goal_of="ratio", command=typed(), context=context))
    return 0


if __name__ == "__main__":
    sys.exit(main())
