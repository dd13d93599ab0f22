"""DeepFM rows a second on a generated table like that of Criteo: our trainer against the same network on a DataLoader.

The table has 13 numbers and 26 categories a row (a value of each category is drawn with a long tail) and lies in
memory-mapped files; one epoch goes over all rows. Both sides train the same network from the same first weights with
the same AdamW on two threads; the peer's is written as one does with torch, every vector of every field written out.
The peer's DataLoader is swept: rows one by one (as a dataset is usually written) or a batch at a time
(``__getitems__``), with and without worker processes, and AdamW as it is and fused; both sides are swept over batch
sizes, and the best of each are compared in turn. Our trainer writes its checkpoint too. Our network on a DataLoader is
printed beside.

Memory is that of the whole process for all rows, beside that for a quarter of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import comparison, in_turn, publish, spend, typed
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from auscult.base.contracts import FitContext, Items, ItemSet, TaskSpec
from auscult.base.log import Silent
from auscult.base.recipe import TrainTable
from auscult.domains.recommend.models.fields import DeepFm, Dropout, FieldVectors
from auscult.domains.recommend.tasks.click import Click, ClickConfig
from auscult.engine.columns import NpyAppender
from auscult.engine.train import Batch, GradientPlan, Step, fit_gradient, shuffled_in_blocks

GOAL = 2.0
NUMBERS, CATEGORIES, SIZE = 13, 26, 10_000
"""Fields, and values of each category."""
WIDTH, HIDDEN, DROPOUT, RATE = 16, (64, 32), 0.3, 1e-3
THREADS = 2
SIZES = (2048, 8192, 32_768)
LOADERS = {
    "rows one by one, no workers": (False, 0),
    "rows one by one, 1 worker": (False, 1),
    "rows one by one, 2 workers": (False, 2),
    "a batch at a time, no workers": (True, 0),
    "a batch at a time, 1 worker": (True, 1),
}
FUSED = "a batch at a time, no workers, fused AdamW"
OUR_NETWORK = "our network, a batch at a time, no workers, fused AdamW"
PIECE = 1 << 18


def write_table(folder: Path, n_rows: int) -> None:
    """Write the table piece by piece."""
    rng = np.random.default_rng(0)
    files = {name: NpyAppender(folder / f"{name}.npy") for name in ("category", "number", "target", "row")}
    for begin in range(0, n_rows, PIECE):
        n = min(PIECE, n_rows - begin)
        category = (SIZE * rng.random((n, CATEGORIES), dtype=np.float32) ** 3).astype(np.int32)
        number = rng.standard_normal((n, NUMBERS), dtype=np.float32)
        odds = number[:, 0] + (category[:, 0] % 7 - 3.0)
        target = rng.random(n) < 1 / (1 + np.exp(-odds))
        pieces = {"category": category, "number": number, "target": target.astype(np.int64)}
        for name, values in {**pieces, "row": np.arange(begin, begin + n)}.items():
            files[name].append(values)
    for file in files.values():
        file.close()


def table_of(folder: Path, n_rows: int) -> dict[str, Any]:
    """The first rows of the mapped files; what is held of a row is nothing."""
    return {p.stem: np.load(p, mmap_mode="r")[:n_rows] for p in folder.glob("*.npy")}


class Clicks(nn.Module):
    """DeepFM over the fields of a row."""

    def __init__(self) -> None:
        super().__init__()
        self.network = DeepFm(FieldVectors([SIZE] * CATEGORIES, [], NUMBERS, WIDTH), HIDDEN, DROPOUT)

    def forward(self, category: Tensor, number: Tensor) -> Tensor:
        """Log-odds, (N,)."""
        odds: Tensor = self.network(category.long(), [], number)
        return odds


class Plain(Clicks):
    """The same with the same weights, as one writes it with ``nn.Embedding``."""

    def __init__(self) -> None:
        super().__init__()
        own = (nn.Dropout(DROPOUT) if isinstance(part, Dropout) else part for part in self.network.deep)
        self.deep = nn.Sequential(*own)

    def forward(self, category: Tensor, number: Tensor) -> Tensor:
        """Log-odds, (N,)."""
        fields = self.network.fields
        looked_up = fields.table(category.long() + fields.starts)  # type: ignore[misc]
        whole = torch.cat([looked_up, number[:, :, None] * fields.numbers], dim=1)
        vectors, linear = whole[:, :, :WIDTH], whole[:, :, WIDTH]
        pairs = 0.5 * (vectors.sum(dim=1).square() - vectors.square().sum(dim=1)).sum(dim=1)
        odds: Tensor = self.network.bias + linear.sum(dim=1) + self.deep(vectors.flatten(1))[:, 0] + pairs
        return odds


def loss_of(odds: Tensor, target: Tensor | None) -> Tensor:
    """Mean log loss."""
    return nn.functional.binary_cross_entropy_with_logits(odds, torch.zeros(()) if target is None else target.float())


def ours(table: dict[str, Any], size: int) -> float:
    """Rows a second of our trainer over one epoch of a table."""
    n = len(table["target"])
    none = np.broadcast_to(np.int64(0), (n,))
    items = Items({k: table[k] for k in ("category", "number")}, none, none, table["target"])
    train, valid = ItemSet(items, table["row"]), ItemSet(items, np.arange(min(n, 1000)))
    step = Step("all", lambda network: network.parameters(), _loss, fused=True)
    plan = GradientPlan(Clicks, ("category", "number"), (step,), batches=shuffled_in_blocks, export=_no_export)
    spec: TaskSpec = Click(ClickConfig()).spec
    settings = TrainTable(
        threads=THREADS, epochs=1, batch_size=size, learning_rate=RATE, weight_decay=0.0, schedule="constant"
    )
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        fit_gradient(plan, train, valid, FitContext(spec, 0, settings, Path(folder), Silent()))
        return n / (time.perf_counter() - begin)


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    return loss_of(network(*batch.inputs.values()), batch.target)


def _no_export(network: nn.Module, example: Batch) -> Any:
    raise NotImplementedError


class Rows(Dataset[Any]):
    """The table, row by row."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.parts = (table["category"], table["number"], table["target"])

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, row: int) -> Any:
        return tuple(np.asarray(part[row]) for part in self.parts)


class Batches(Rows):
    """The table, a batch at a time."""

    def __getitems__(self, rows: list[int]) -> Any:
        """Return the rows of a batch as arrays."""
        return tuple(np.asarray(part[rows]) for part in self.parts)


def loader_of(table: dict[str, Any], size: int, whole: bool, workers: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """A DataLoader that shuffles."""
    data: Dataset[Any] = Batches(table) if whole else Rows(table)
    collate = (lambda parts: tuple(map(torch.as_tensor, parts))) if whole else None
    return iter(DataLoader(data, size, shuffle=True, num_workers=workers, collate_fn=collate))


def theirs(table: dict[str, Any], size: int, setting: str) -> float:
    """Rows a second of a plain loop."""
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(False)  # our trainer asks for them
    network = (Clicks if setting == OUR_NETWORK else Plain)().train()
    fused = setting in (FUSED, OUR_NETWORK) or None
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.0, fused=fused)
    loader = LOADERS.get(setting, (True, 0))
    begin = time.perf_counter()
    for category, number, target in loader_of(table, size, *loader):
        optimiser.zero_grad()
        loss_of(network(category, number), target).backward()
        optimiser.step()
    return len(table["target"]) / (time.perf_counter() - begin)


def measure(folder: Path, n_rows: int, few: int, repeats: int) -> dict[str, Any]:
    """Sweep both sides on a part of the table; the best of each in turn on twice of it; all of it, with its memory."""
    write_table(folder, n_rows)
    part, more = table_of(folder, few), table_of(folder, 2 * few)
    ours(table_of(folder, few // 8), SIZES[0])
    mine = {size: ours(part, size) for size in SIZES}
    best = max(mine, key=lambda size: mine[size])
    swept = {
        (name, size): theirs(part, size, name)
        for size in SIZES
        for name in (*LOADERS, FUSED)
        if "one by one" not in name or size == best
    }
    nearest = sorted(swept, key=lambda setting: -swept[setting])[:2]
    rounds = in_turn(
        lambda: ours(more, best),
        {f"{name}, batches of {size}": partial(partial, theirs, more, size, name) for name, size in nearest},
        amount=len(more["target"]),
        unit="rows/s",
        repeats=repeats,
        of=("torch", "DataLoader, same network and optimiser, no checkpoint"),
    )
    alone = [sys.executable, __file__, "--folder", str(folder), "--size", str(best)]
    quarter, whole_table = (spend([*alone, "--rows", str(n)]) for n in (n_rows // 4, n_rows))
    context = {
        "rows": n_rows, "rows_of_the_sweep": few, "rows_of_the_rounds": len(more["target"]), "rounds": repeats,
        "fields": NUMBERS + CATEGORIES, "threads": THREADS,
        "rows_per_s_of_our_network_on_a_data_loader": round(theirs(more, best, OUR_NETWORK)),
        "rows_per_s_by_batch_size": {str(k): round(v) for k, v in mine.items()},
        "rows_per_s_of_the_peer": {f"{name}, batches of {size}": round(v) for (name, size), v in swept.items()},
        "rows_per_s_of_all_rows": round(float(whole_table.output.split()[-1])),
        "peak_memory_gib": round(whole_table.peak_memory_gib, 3),
        "peak_memory_gib_of_a_quarter": round(quarter.peak_memory_gib, 3),
    }  # fmt: skip
    return comparison("deepfm-rows", goal=GOAL, goal_of="ratio", command=typed(), context=context, **rounds)


def main() -> int:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the table")
    parser.add_argument("--few", type=int, default=600_000, help="rows of the sweep")
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the best of both sides")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=SIZES[1], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        print(ours(table_of(given.folder, given.rows), given.size))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        publish(measure(Path(folder), given.rows, given.few, given.repeats))
    return 0


if __name__ == "__main__":
    sys.exit(main())
