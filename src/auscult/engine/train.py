"""The one training loop: data → network → loss → step → evaluate → save.

A model that learns by gradients fills in a ``GradientPlan`` and calls ``fit_gradient``. What varies (batches, the
optimiser steps, the export) is handed in; what does not (seeds, checkpoints, early stop, progress) is here.

Every random number of an epoch is drawn from ``(seed, epoch)``, so a run that was stopped goes on from its last
checkpoint exactly as if it had not been stopped.
"""

from __future__ import annotations

import logging
import math
import mmap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Index, ItemSet, Program
from auscult.base.errors import ShapeError
from auscult.base.log import progress
from auscult.base.recipe import TrainTable, expand
from auscult.base.registry import resolve
from auscult.engine.answers import kind_of
from auscult.engine.checkpoint import load_checkpoint, load_pretrained, save_checkpoint


@dataclass(frozen=True)
class Batch:
    """Tensors of some items."""

    inputs: Mapping[str, Tensor]
    target: Tensor | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    @property
    def truth(self) -> Tensor:
        """The target, where a loss cannot do without.

        Raises
        ------
        ShapeError
            If the items have none.
        """
        if self.target is None:
            raise ShapeError("batch: expected items with a target, got items without; train on labelled records")
        return self.target


@dataclass(frozen=True)
class Step:
    """One optimiser and what it minimises; a GAN has two, most networks one.

    Parameters
    ----------
    name : str
        Name in checkpoints.
    parameters : callable
        The parameters that this step moves, of the network.
    loss : callable
        ``(network, batch) -> scalar tensor``.
    learning_rate : float, optional
        In place of the recipe's.
    betas : pair of float
        Decay of the optimiser's running mean of the gradient and of its square.
    fused : bool
        Move all parameters in one pass over them; for networks with far more parameters than work. Differs by rounding.
    """

    name: str
    parameters: Callable[[nn.Module], Iterator[nn.Parameter]]
    loss: Callable[[nn.Module, Batch], Tensor]
    learning_rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    fused: bool = False


def shuffled(train: ItemSet, size: int, rng: np.random.Generator) -> Iterator[Index]:
    """Every item once in random order, in batches of ``size``; a last batch of one item is joined to the one before."""
    yield from _parts(rng.permutation(len(train)), size)


def _parts(order: Index, size: int) -> list[Index]:
    cuts = list(range(size, len(order), size))
    if cuts and len(order) - cuts[-1] == 1:
        cuts.pop()
    return np.split(order, cuts)


def shuffled_in_blocks(train: ItemSet, size: int, rng: np.random.Generator) -> Iterator[Index]:
    """Every item once, in batches of ``size``: blocks of neighbours in random order, shuffled inside.

    For tables of small items that may be larger than memory: what is read lies together on disk, no order of all items
    is held, and the trainer holds no item longer than its batch.
    """
    n = len(train)
    block = size * BATCHES_OF_A_BLOCK
    for begin in rng.permutation(-(-n // block)) * block:
        yield from _parts(begin + rng.permutation(min(block, n - begin)), size)


@dataclass(frozen=True)
class GradientPlan:
    """What differs between models that learn by gradients.

    Parameters
    ----------
    network : callable
        Makes the network; called once with the seed set.
    inputs : tuple of str
        Item inputs that the network takes, in the order of its arguments.
    steps : tuple of Step
        Empty for one AdamW step on the default loss of the answer kind.
    batches : callable
        ``(train, size, rng) -> rows`` of each batch.
    valid_loss : callable, optional
        ``(network, batch) -> scalar tensor`` that early stopping watches and that chooses the weights; the default is
        the loss of the last step. A GAN needs one, as the loss of its generator says nothing.
    export : callable, optional
        ``(network, example batch) -> Program``; the default is one ONNX graph with the head of the answer kind.
    """

    network: Callable[[], nn.Module]
    inputs: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    batches: Callable[[ItemSet, int, np.random.Generator], Iterator[Index]] = field(default=shuffled)
    valid_loss: Callable[[nn.Module, Batch], Tensor] | None = None
    export: Callable[[nn.Module, Batch], Program] | None = None


@dataclass(frozen=True, repr=False)
class GradientFitted:
    """A trained network."""

    plan: GradientPlan
    network: nn.Module
    context: FitContext
    example: Batch

    def export(self) -> Program:
        """Return the network as an ONNX program."""
        if self.plan.export is not None:
            return self.plan.export(self.network, self.example)
        kind = kind_of(self.context.spec)
        graph = export_onnx(self.network, self.example, kind.output, activation=kind.activation)
        return Program("forward", self.plan.inputs, {"main": graph})


def fit_gradient(plan: GradientPlan, train: ItemSet, valid: ItemSet, context: FitContext) -> GradientFitted:
    """Train a network, or go on from its checkpoint.

    Parameters
    ----------
    plan : GradientPlan
        The model.
    train, valid : ItemSet
        Items to learn from, and items that decide when to stop.
    context : FitContext
        Seed, settings, folder for checkpoints, progress.

    Raises
    ------
    ShapeError
        If a loss is not finite: the message says in which step and epoch.
    """
    table: TrainTable = context.settings
    torch.set_num_threads(table.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Nothing reads memory before it is written, and filling it takes time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    fabric = Fabric(accelerator="auto", devices=1, precision=table.precision)
    with fabric.device:  # what a network or a step makes is made where it trains
        network, example = _trained(plan, fabric, (train, valid), context)
    return GradientFitted(plan, network.cpu().eval(), context, _on_cpu(example))


def _trained(
    plan: GradientPlan, fabric: Fabric, items: tuple[ItemSet, ItemSet], context: FitContext
) -> tuple[nn.Module, Batch]:
    """Return the network with its best weights, and the first items that it learned from."""
    table: TrainTable = context.settings
    train, valid = items
    torch.manual_seed(context.seed)
    network = plan.network()
    steps = plan.steps or (_default_step(train, context),)
    optimisers = [
        torch.optim.AdamW(
            s.parameters(network),
            lr=s.learning_rate or table.learning_rate,
            betas=s.betas,
            weight_decay=table.weight_decay,
            fused=s.fused or None,
        )
        for s in steps
    ]
    wrapped = fabric.setup_module(network)
    ready: list[Any] = [fabric.setup_optimizers(o) for o in optimisers]
    state = load_checkpoint(context.folder, network, dict(zip((s.name for s in steps), optimisers, strict=True)))
    if table.pretrained and not state.epoch:
        load_pretrained(expand(table.pretrained), network)
    loader = _Loader(plan, train, valid, fabric.device)
    with progress(context.report, "train", table.epochs) as bar:
        bar.advance(state.epoch)
        while state.epoch < table.epochs and state.epoch - state.best_epoch < table.patience:
            rng = np.random.default_rng([context.seed, state.epoch])
            torch.manual_seed(int(rng.integers(2**62)))
            _set_rates(steps, optimisers, table, state.epoch)
            network.train()
            for rows in plan.batches(train, table.batch_size, rng):
                batch = loader.train(rows)
                for step, optimiser in zip(steps, ready, strict=True):
                    optimiser.zero_grad()
                    loss = step.loss(wrapped, batch)
                    if not torch.isfinite(loss):
                        raise ShapeError(
                            f"training step '{step.name}', epoch {state.epoch + 1}: the loss is not finite; "
                            "lower train.learning_rate or look for extreme values in the data"
                        )
                    fabric.backward(loss)
                    torch.nn.utils.clip_grad_norm_(list(step.parameters(network)), table.clip_norm)
                    optimiser.step()
            state = state.after_epoch(
                _valid_loss(plan.valid_loss or steps[-1].loss, wrapped, loader, table.batch_size), network
            )
            save_checkpoint(context.folder, network, dict(zip((s.name for s in steps), optimisers, strict=True)), state)
            bar.advance(1, f"validation loss {state.last:.4f}")
    network.load_state_dict(state.best_weights or network.state_dict())
    return network, loader.train(np.arange(min(2, len(train))))


def _default_step(train: ItemSet, context: FitContext) -> Step:
    kind = kind_of(context.spec)
    make = resolve(kind.loss)
    loss = make(train.target(), kind.n_outputs(context.spec), context.settings)
    return Step(
        "all", lambda network: network.parameters(), lambda network, b: loss(network(*b.inputs.values()), b.target)
    )


def _set_rates(steps: tuple[Step, ...], optimisers: list[torch.optim.AdamW], table: TrainTable, epoch: int) -> None:
    share = 0.5 * (1 + math.cos(math.pi * epoch / table.epochs)) if table.schedule == "cosine" else 1.0
    for step, optimiser in zip(steps, optimisers, strict=True):
        for group in optimiser.param_groups:
            group["lr"] = (step.learning_rate or table.learning_rate) * share


def _valid_loss(loss: Callable[[nn.Module, Batch], Tensor], network: nn.Module, loader: _Loader, size: int) -> float:
    network.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in loader.valid(max(size, min(512, VALID_VALUES // loader.values))):
            total += float(loss(network, batch)) * len(batch)
            count += len(batch)
    return total / max(count, 1)


VALID_VALUES = 1 << 20
"""Input values of a validation batch at the most, unless a training batch holds more: volumes are large."""


BATCHES_OF_A_BLOCK = 16
"""How many batches a block of neighbours is cut into."""


def let_go(array: Array) -> None:
    """Tell the system that the pages of a memory-mapped file are not needed, so that a process stays small."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and not array.flags.writeable and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


class _Loader:
    """Turns rows of items into tensors; arrays that fit are read once, unless they are read in blocks."""

    IN_MEMORY_BYTES = 2 << 30

    def __init__(self, plan: GradientPlan, train: ItemSet, valid: ItemSet, device: torch.device) -> None:
        self._names = inputs = plan.inputs
        self._device = device
        self._n_reads = 0
        self.values = max(1, sum(int(np.prod(train.items.inputs[n].shape[1:])) for n in inputs))
        self._sets = {}
        for role, items in (("train", train), ("valid", valid)):
            size = sum(items.items.inputs[n][:1].nbytes for n in inputs) * len(items)
            held = size < self.IN_MEMORY_BYTES and plan.batches is not shuffled_in_blocks
            self._sets[role] = (items, self._read(items, np.arange(len(items))) if held else None)

    def _read(self, items: ItemSet, rows: Index) -> Batch:
        arrays = items.inputs(rows)
        target = None if items.items.target is None else torch.as_tensor(items.target(rows))
        self._n_reads += 1
        if self._n_reads % BATCHES_OF_A_BLOCK == 0:
            own = () if items.items.target is None else (items.items.target,)
            for mapped in (*items.items.inputs.values(), *own, items.rows):
                let_go(mapped)
        return Batch({n: torch.as_tensor(arrays[n]) for n in self._names}, target)

    def _batch(self, role: str, rows: Index) -> Batch:
        items, whole = self._sets[role]
        if whole is None:
            batch = self._read(items, rows)
        else:
            index = torch.as_tensor(rows)
            target = None if whole.target is None else whole.target[index]
            batch = Batch({n: v[index] for n, v in whole.inputs.items()}, target)
        target = None if batch.target is None else batch.target.to(self._device)
        return Batch({n: v.to(self._device) for n, v in batch.inputs.items()}, target)

    def train(self, rows: Index) -> Batch:
        """Return some training items."""
        return self._batch("train", rows)

    def valid(self, size: int) -> Iterator[Batch]:
        """Yield all validation items in order."""
        n = len(self._sets["valid"][0])
        return (self._batch("valid", np.arange(i, min(i + size, n))) for i in range(0, n, size))


def _on_cpu(batch: Batch) -> Batch:
    return Batch({n: v.cpu() for n, v in batch.inputs.items()}, None if batch.target is None else batch.target.cpu())


class _Headed(nn.Module):
    """A network followed by the activation of its answer kind."""

    def __init__(self, network: nn.Module, activation: str) -> None:
        super().__init__()
        self.network = network
        self.activation = activation

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return probabilities or values."""
        output: Tensor = self.network(*inputs)
        if self.activation == "softmax":
            return output.softmax(dim=1)
        return output.sigmoid() if self.activation == "sigmoid" else output


def _free_axes(axis: int) -> dict[int, Any]:
    axes = {0: torch.export.Dim("items")}
    return {**axes, axis: torch.export.Dim("length")} if axis else axes


def export_onnx(
    network: nn.Module,
    example: Batch,
    output: str,
    *,
    activation: str = "none",
    free: Sequence[str] = (),
    free_axis: int = 1,
) -> bytes:
    """Export a network to ONNX with a free number of items.

    Parameters
    ----------
    network : nn.Module
        Takes the inputs of the batch in order, gives one tensor.
    example : Batch
        At least one item.
    output : str
        Name of the graph's output.
    activation : str
        What follows the network: ``softmax`` over axis 1, ``sigmoid`` or ``none``.
    free : sequence of str
        Inputs whose length is free too.
    free_axis : int
        Which of their axes that is.

    Returns
    -------
    bytes
        The ONNX model.
    """
    tensors = tuple(torch.cat([v, v])[:2].contiguous() for v in example.inputs.values())
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Headed(network, activation).eval(),
            tensors,
            input_names=list(example.inputs),
            output_names=[output],
            dynamic_shapes=(tuple(_free_axes(free_axis if name in free else 0) for name in example.inputs),),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ShapeError("export: torch gave no ONNX program for this network")
    graph: bytes = program.model_proto.SerializeToString()
    return graph
