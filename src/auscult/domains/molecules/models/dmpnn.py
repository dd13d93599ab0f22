"""Model ``dmpnn``: messages along the bonds of a molecule, each bond in both directions (Yang et al. 2019).

A network of our own in the form of chemprop's (J Chem Inf Model 59:3370), not its library: chemprop's cannot be
exported and needs itself, torch and lightning to predict, while a release answers without any of them. Which bond hears
which others is here a matrix that is multiplied, so that the whole network is one ONNX graph of products and sums,
whose items are free in number and in length. Of what Yang et al. tell of an atom only its mass is left out, which its
element says.

A bond that goes from atom v to atom w hears, in each round, the bonds that end in v, but for the one that comes from w.
After the rounds an atom hears the bonds that end in it, and the atoms' mean is the molecule; descriptors may stand
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, Index, ItemSet, KindName, Program
from auscult.base.recipe import TrainTable
from auscult.base.registry import resolve
from auscult.domains.molecules.models.fingerprint_net import Part, level_of, parts_of
from auscult.domains.molecules.preprocess.graph import FIELDS, GRAPH, SHIFTS, SIZES
from auscult.engine.answers import kind_of
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx, fit_gradient

ATOM = ("element", "degree", "charge", "chirality", "hydrogens", "hybridisation")
BOND = ("order", "stereo")
BATCH = 32
"""Molecules that run together at prediction: of like size, small enough for the cache."""
TYPICAL_ATOMS = 20
POOL = 4
"""Batches whose molecules are sorted by size in training, so that few entries are empty."""


class DmpnnConfig(Config):
    """Settings of the network."""

    beside: tuple[str, ...] = Setting((), description="Inputs of the task that stand beside what the graph says.")
    width: int = Setting(96, ge=4, description="Units of a hidden layer; 300 is what the paper has.")
    rounds: int = Setting(3, ge=1, description="Bonds that a message goes at the most.")
    layers: int = Setting(1, ge=0, description="Hidden layers behind the molecule.")
    readout: Literal["mean", "sum"] = Setting(
        "mean", description="How the atoms become the molecule; a sum is divided by 20."
    )
    dropout: float = Setting(0.1, ge=0, lt=1, description="Share of hidden units left out in training.")
    members: int = Setting(1, ge=1, description="Networks of the ensemble.")
    rare: int = Setting(3, ge=1, description="A bit beside that fewer training compounds have is not looked at.")
    epochs: int = Setting(0, ge=0, description="Epochs in place of the recipe's; 0 for the recipe's.")
    batch_size: int = Setting(0, ge=0, description="Compounds a step in place of the recipe's; 0 for the recipe's.")
    weight_decay: float | None = Setting(
        None, ge=0, description="Decoupled weight decay in place of the recipe's; the recipe's when left out."
    )
    stop_early: bool = Setting(
        True, description="Whether validation may end the training; the weights of its best epoch are kept either way."
    )


class Dmpnn:
    """A directed message passing network, or the mean of several."""

    Config: ClassVar[type[Config]] = DmpnnConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels", "class", "value")
    inputs: ClassVar[tuple[str, ...]] = (GRAPH,)

    def __init__(self, config: DmpnnConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train every member at once; validation may stop them."""
        c = self._config
        kind = kind_of(context.spec)
        parts = parts_of(train, c.beside, c.rare)
        place = level_of(train.target(), context.spec.kind)
        n_outputs = kind.n_outputs(context.spec)
        base: Callable[[Tensor, Tensor | None], Tensor] = resolve(kind.loss)(
            train.target(), n_outputs, context.settings
        )

        def loss(network: nn.Module, batch: Batch) -> Tensor:
            output = network(*_trimmed(batch).inputs.values())  # (M, N, K) in training
            if output.ndim == 2 or batch.target is None:
                return base(output, batch.target)
            return base(output.flatten(0, 1), batch.target.repeat(len(output), *[1] * (batch.target.ndim - 1)))

        def export(network: nn.Module, example: Batch) -> Program:
            short = _trimmed(example)
            graph = export_onnx(network.eval(), short, kind.output, activation=kind.activation, free=(GRAPH,))
            return Program("forward", (GRAPH, *c.beside), {"main": graph}, {}, {"trim": GRAPH, "batch": BATCH})

        plan = GradientPlan(
            lambda: _Networks(parts, c, place, n_outputs),
            (GRAPH, *c.beside),
            steps=(Step("all", lambda network: network.parameters(), loss),),
            batches=_of_like_size,
            export=export,
        )
        return fit_gradient(plan, train, valid, replace(context, settings=_trained_as(c, context.settings)))


def _trained_as(config: DmpnnConfig, table: TrainTable) -> TrainTable:
    """Put the model's own settings of training in place of the recipe's: other parts of an ensemble need others."""
    changes: dict[str, float] = {n: value for n in ("epochs", "batch_size") if (value := getattr(config, n))}
    if config.weight_decay is not None:
        changes["weight_decay"] = config.weight_decay
    if not config.stop_early:
        changes["patience"] = changes.get("epochs", table.epochs)
    return table.model_copy(update=changes)


def _trimmed(batch: Batch) -> Batch:
    """Cut the graphs of a batch to the longest of them, two entries at the least."""
    graph = batch.inputs[GRAPH]
    longest = int((graph != 0).sum(dim=1).max().clamp(min=2))
    return Batch({**batch.inputs, GRAPH: graph[:, :longest]}, batch.target)


def _of_like_size(train: ItemSet, size: int, rng: np.random.Generator) -> Iterator[Index]:
    """Every molecule once: pools in random order, sorted by size, in batches that come in random order."""
    length = np.count_nonzero(train.items.inputs[GRAPH], axis=1)[train.rows]
    order = rng.permutation(len(length))
    pools = [order[i : i + POOL * size] for i in range(0, len(order), POOL * size)]
    for pool in pools:
        by_size = pool[np.argsort(length[pool], kind="stable")]
        parts = np.array_split(by_size, max(1, round(len(by_size) / size)))
        yield from (parts[k] for k in rng.permutation(len(parts)))


class _Networks(nn.Module):
    """What is told of the graph, then each network on it."""

    level: Tensor
    spread: Tensor

    def __init__(self, parts: Sequence[Part], config: DmpnnConfig, place: tuple[Array, Array], n_outputs: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.register_buffer("level", torch.as_tensor(place[0], dtype=torch.float32))
        self.register_buffer("spread", torch.as_tensor(place[1], dtype=torch.float32))
        beside = sum(p.width for p in parts)
        self.members = nn.ModuleList(_Network(config, beside, n_outputs) for _ in range(config.members))

    def forward(self, graph: Tensor, *beside: Tensor) -> Tensor:
        """Graph (N, L) and inputs (N, F) beside it -> (N, K); in training (M, N, K), one answer a member."""
        codes = {name: _field(graph, name) for name in FIELDS}
        atoms = torch.cat([*(_told(codes[n], SIZES[n]) for n in ATOM), codes["aromatic"].unsqueeze(2).float()], dim=2)
        there = (codes["element"] > 0).unsqueeze(2).float()
        flags = [codes[name].unsqueeze(2).float() for name in ("conjugated", "ring")]
        bonds = torch.cat([*(_told(codes[n], SIZES[n]) for n in BOND), *flags], dim=2)
        bonds = bonds * (codes["begin"] > 0).unsqueeze(2).float()
        source = torch.cat([codes["begin"], codes["end"]], dim=1)  # (N, 2 L): each bond there, then each bond back
        target = torch.cat([codes["end"], codes["begin"]], dim=1)
        heard = (source.unsqueeze(2) == target.unsqueeze(1)).float()  # (N, 2 L, 2 L): 1 where one starts as one ends
        number = torch.cumsum(torch.ones_like(graph), dim=1)
        starts = (source.unsqueeze(2) == number.unsqueeze(1)).float()  # (N, 2 L, L)
        ends = (target.unsqueeze(1) == number.unsqueeze(2)).float()  # (N, L, 2 L)
        more = torch.cat([part(i) for part, i in zip(self.parts, beside, strict=True)], dim=1) if beside else None
        molecule = _Told(atoms * there, bonds, there, heard, starts, ends, more)
        made = torch.stack([member(molecule) for member in self.members])
        made = self.level + self.spread * made
        return made if self.training else made.mean(dim=0)


class _Told(NamedTuple):
    """What networks hear of N molecules of up to L atoms and bonds."""

    atoms: Tensor
    bonds: Tensor
    there: Tensor
    heard: Tensor
    starts: Tensor
    ends: Tensor
    beside: Tensor | None


def _field(graph: Tensor, name: str) -> Tensor:
    """One code of each entry, (N, L)."""
    return (graph // (1 << SHIFTS[name])) % (1 << FIELDS[name])  # whole numbers in the exported graph too


def _told(code: Tensor, size: int) -> Tensor:
    """A code as zeros and a one, (N, L, size + 1); 0 stands for any other value."""
    return (code.unsqueeze(2) == torch.arange(size + 1, device=code.device)).float()


class _Network(nn.Module):
    """One network: rounds along the bonds, then the atoms, then the molecule."""

    def __init__(self, config: DmpnnConfig, beside: int, n_outputs: int) -> None:
        super().__init__()
        c = config
        self._rounds, self._sum, self._dropout = c.rounds, c.readout == "sum", c.dropout
        n_atom = sum(SIZES[n] + 1 for n in ATOM) + 1
        n_bond = sum(SIZES[n] + 1 for n in BOND) + 2
        self.of_atom = nn.Linear(n_atom, c.width, bias=False)
        self.of_bond = nn.Linear(n_bond, c.width, bias=False)
        self.of_message = nn.Linear(c.width, c.width, bias=False)
        self.at_atom = nn.Linear(n_atom + c.width, c.width)
        sizes = [c.width + beside, *[c.width] * c.layers, n_outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.xavier_normal_(weight)

    def _drop(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self._dropout, self.training)

    def forward(self, told: _Told) -> Tensor:
        """Molecules -> (N, K)."""
        length = told.bonds.shape[1]
        bonds = self.of_bond(told.bonds)
        first = torch.matmul(told.starts, self.of_atom(told.atoms)) + torch.cat([bonds, bonds], dim=1)
        hidden = torch.relu(first)  # (N, 2 L, H); 0 where there is no bond, as nothing on the way has a bias
        for _ in range(self._rounds - 1):
            back = torch.cat([hidden[:, length:], hidden[:, :length]], dim=1)
            message = torch.matmul(told.heard, hidden) - back
            hidden = self._drop(torch.relu(first + self.of_message(message)))
        atoms = torch.cat([told.atoms, torch.matmul(told.ends, hidden)], dim=2)
        atoms = self._drop(torch.relu(self.at_atom(atoms))) * told.there
        made = atoms.sum(dim=1)
        made = made / TYPICAL_ATOMS if self._sum else made / told.there.sum(dim=1).clamp(min=1)
        x = made if told.beside is None else torch.cat([made, told.beside], dim=1)
        for k, layer in enumerate(self.layers):
            x = layer(self._drop(x))
            x = torch.relu(x) if k < len(self.layers) - 1 else x
        return x
