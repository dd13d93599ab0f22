"""LightGCN to the same validation NDCG at 20: our trainer against a plain PyTorch implementation of the paper.

Both sides train what the paper trains (He et al. 2020, SIGIR: 64 wide, three layers, a propagation for each batch of
2,048 triples, Adam at 0.001) from the same first vectors on the same triples, on one thread; so the curves are the same
and the ratio is that of the times to the value after the last epoch. Judging the held-out pairs, the same on both
sides, is not in the times.
The peer's graph is a COO tensor, as the authors have it, or CSR with its symmetric gradient, the better of the two
being the best setting. Data: the users of a random fifth of Gowalla, as the whole graph takes minutes an epoch.

Beside it stands our own setting, that of ``gowalla-lightgcn``: first vectors from the singular vectors of the graph and
four times larger batches at twenty times the rate, which is another path to the value, and how long that takes.
"""

from __future__ import annotations

import os

from measure import DATA, comparison, publish, typed

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from auscult.base.contracts import FitContext, Items, ItemSet
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.recommend.models.lightgcn import LightGcn, LightGcnConfig
from auscult.domains.recommend.models.lightgcn_network import GraphVectors, judged_of, pairs_of
from auscult.domains.recommend.models.taken import Taken
from auscult.domains.recommend.preprocess.names import as_names
from auscult.domains.recommend.tasks.next_items import NextItems, NextItemsConfig

GOAL = 2.0
SHARE = 0.2
HELD_OUT = 0.1
SEED = 0
RATE, BATCH = 1e-3, 2048
OWN = {"learning_rate": 0.02, "batch_size": 8192}
Curve = list[tuple[float, float]]
"""Seconds since the start, and NDCG at 20 of the held-out pairs, after each epoch."""


def data(share: float) -> tuple[ItemSet, ItemSet, str]:
    """Pairs to learn from and held-out pairs of some users; simulated ones where there is no Gowalla."""
    rng = np.random.default_rng(SEED)
    root = os.environ.get(DATA, "")
    path = Path(root or ".") / "recommend" / "gowalla" / "train.txt"
    if path.exists():
        lines = [line.split()[1:] for line in path.read_text(encoding="ascii").splitlines()]
        what = f"Gowalla, {share:g} of its users"
    else:
        lines = [[str(k) for k in np.unique((500 * rng.random(30) ** 2).astype(int))] for _ in range(2000)]
        what = "simulated users"
    kept = np.sort(rng.permutation(len(lines))[: max(2, round(share * len(lines)))])
    user = np.repeat(np.arange(len(kept)), [len(lines[k]) for k in kept])
    item = as_names([name for k in kept for name in lines[k]])
    items = Items({"item": item}, user.astype(np.int64), np.zeros(len(user), np.int64), item)
    held = rng.random(len(user)) < HELD_OUT
    return ItemSet(items, np.flatnonzero(~held)), ItemSet(items, np.flatnonzero(held)), what


class Judging:
    """How long held-out pairs were judged."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._judge = GraphVectors.gain

    def __enter__(self) -> Judging:
        def timed(network: GraphVectors, user: Tensor, item: Tensor) -> Tensor:
            begin = time.perf_counter()
            value = self._judge(network, user, item)
            self.seconds += time.perf_counter() - begin
            return value

        GraphVectors.gain = timed  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        GraphVectors.gain = self._judge  # type: ignore[method-assign]


class Clock(Silent):
    """Notes the time and the validation figure of each epoch; stops once a value is reached."""

    def __init__(self, enough: float, judging: Judging) -> None:
        self.curve: Curve = []
        self._enough, self._begin, self._judging = enough, time.perf_counter(), judging

    def bar(self, label: str, total: int) -> Any:
        """Return a bar that notes."""

        def advance(amount: int = 1, note: str = "") -> None:
            if note:
                seconds = time.perf_counter() - self._begin - self._judging.seconds
                self.curve.append((seconds, 1 - float(note.rpartition(" ")[2])))
                if self.curve[-1][1] >= self._enough:
                    raise KeyboardInterrupt

        return SimpleNamespace(advance=advance, close=lambda: None)


def ours(sets: tuple[ItemSet, ItemSet], config: LightGcnConfig, *, enough: float = 2.0, **train: Any) -> Curve:
    """Train with the engine, from the items to the best epoch's export."""
    with tempfile.TemporaryDirectory() as folder, Judging() as judging:
        clock = Clock(enough, judging)
        settings = {"threads": 1, "weight_decay": 0.0, "schedule": "constant", "patience": 10_000}
        table = TrainTable(**{**settings, **train})
        context = FitContext(NextItems(NextItemsConfig()).spec, SEED, table, Path(folder), clock)
        with suppress(KeyboardInterrupt):
            LightGcn(config).fit(*sets, context)
    return clock.curve


class Plain(GraphVectors):
    """The paper's propagation as it is written with torch: products with a sparse tensor, kept for the way back."""

    def __init__(self, taken: Taken, config: LightGcnConfig, layout: str) -> None:
        super().__init__(taken, config)
        size = (len(self.starts) - 1,) * 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self.tensor = torch.sparse_csr_tensor(self.starts, self.columns, self.weights, size=size)
        if layout == "COO":
            self.tensor = self.tensor.to_sparse_coo().coalesce()

    def smoothed(self) -> Tensor:
        """Mean of the layers."""
        made = [self.vectors]
        for _ in range(self.layers):
            made.append(_Product.apply(self.tensor, made[-1]))  # type: ignore[no-untyped-call]
        return torch.stack(made).mean(dim=0)


class _Product(torch.autograd.Function):
    """Product with a symmetric sparse tensor; the gradient is the product with the same."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, vectors: Tensor) -> Tensor:
        ctx.tensor = tensor
        return torch.sparse.mm(tensor, vectors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, torch.sparse.mm(ctx.tensor, gradients[0])


def theirs(sets: tuple[ItemSet, ItemSet], config: LightGcnConfig, layout: str, epochs: int) -> Curve:
    """Train the plain implementation; draws and first vectors are those of our trainer."""
    torch.set_num_threads(1)
    begin, curve = time.perf_counter(), []
    taken = Taken.of(sets[0])
    users = np.unique(sets[0].items.record[sets[0].rows])
    learned, judged = pairs_of(sets[0], users, taken), judged_of(*sets, users, taken)
    torch.manual_seed(SEED)
    network = Plain(taken, config, layout)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    user, item = (torch.as_tensor(learned.inputs()[n]) for n in ("user", "item"))
    asked = tuple(torch.as_tensor(judged.inputs()[n]) for n in ("user", "item"))
    for epoch in range(epochs):
        rng = np.random.default_rng([SEED, epoch])
        torch.manual_seed(int(rng.integers(2**62)))
        for rows in torch.as_tensor(rng.permutation(len(user))).split(BATCH):
            optimiser.zero_grad()
            network(user[rows], item[rows], config.shrink).backward()
            optimiser.step()
        with torch.no_grad(), Judging() as judging:
            value = float(network.gain(*asked))
        begin += judging.seconds
        curve.append((time.perf_counter() - begin, value))
    return curve


def measure(share: float, epochs: int) -> dict[str, Any]:
    """Train in turn and compare."""
    train, held, what = data(share)
    sets, config = (train, held), LightGcnConfig()
    layouts = ("CSR", "COO")
    runs: dict[str, Callable[[], Curve]] = {
        name: partial(theirs, sets, config, name, epochs if name == "CSR" else 1) for name in layouts
    }
    own = ours(sets, config, learning_rate=RATE, batch_size=BATCH, epochs=epochs)
    curves = {name: run() for name, run in runs.items()}
    last = curves["CSR"][-1]
    mine = own[-1][0] / epochs
    peers = [
        {
            "name": "torch", "version": torch.__version__, "setting": f"{name}, {len(curve)} epochs",
            "value": curve[-1][0] / len(curve),
            "ratio": curve[-1][0] / len(curve) / mine, "note": "plain implementation of the paper",
        }
        for name, curve in curves.items()
    ]  # fmt: skip
    fast = ours(sets, LightGcnConfig(start="spectral"), enough=last[1], epochs=50, **OWN)
    context = {
        "input": f"{what}: {len(train)} pairs to learn, {len(held)} held out", "threads": 1, "epochs": epochs,
        "approximation": "none: same triples, same first vectors",
        "ndcg_ours": [round(v, 5) for _, v in own], "ndcg_theirs": [round(v, 5) for _, v in curves["CSR"]],
        "seconds_to_the_last_value": {"ours": round(own[-1][0], 1), "theirs": round(last[0], 1)},
        "other_path": {
            "what": "singular start, batches of 8192, rate 0.02: not the paper's path",
            "seconds": round(fast[-1][0], 1), "ndcg": round(fast[-1][1], 5), "ratio": last[0] / fast[-1][0],
        },
    }  # fmt: skip
    return comparison(
        "lightgcn-epoch", ours=(mine, "s an epoch"), peers=peers, goal=GOAL, goal_of="ratio", command=typed(),
        context=context,
    )  # fmt: skip


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=SHARE, help="share of the users")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of both")
    given = parser.parse_args()
    publish(measure(given.share, given.epochs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
