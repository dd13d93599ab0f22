"""Model ``fingerprint-net``: fingerprints and descriptors through dense layers, all outputs at once, as an ensemble.

One network learns every output together and a missing label costs nothing (Mayr et al. 2016, Front Environ Sci 3:80).
The members of the ensemble differ in start and dropout; they are one graph, and their mean is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.base.registry import resolve
from auscult.engine.answers import kind_of
from auscult.engine.train import Batch, GradientPlan, Step, fit_gradient

DESCRIPTORS = "descriptors"


class FingerprintNetConfig(Config):
    """Settings of the network."""

    inputs: tuple[str, ...] = Setting(
        ("ecfp4", "descriptors"), min_length=1, description="Inputs of the task, side by side."
    )
    width: int = Setting(512, ge=4, description="Units of a hidden layer.")
    depth: int = Setting(1, ge=0, description="Hidden layers.")
    members: int = Setting(3, ge=1, description="Networks of the ensemble.")
    dropout: float = Setting(0.5, ge=0, lt=1, description="Share of hidden units left out in training.")
    input_dropout: float = Setting(0.1, ge=0, lt=1, description="Share of inputs left out in training.")
    rare: int = Setting(3, ge=1, description="A bit that fewer training compounds have is not looked at.")
    epochs: int = Setting(0, ge=0, description="Epochs in place of the recipe's; 0 for the recipe's.")


class FingerprintNet:
    """An ensemble of multi-layer perceptrons."""

    Config: ClassVar[type[Config]] = FingerprintNetConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels", "class", "value")
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4", "descriptors")

    def __init__(self, config: FingerprintNetConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train every member at once; validation stops them."""
        c = self._config
        kind = kind_of(context.spec)
        parts = parts_of(train, c.inputs, c.rare)
        target = train.target()
        place = level_of(target, context.spec.kind)
        n_outputs = kind.n_outputs(context.spec)
        base: Callable[[Tensor, Tensor | None], Tensor] = resolve(kind.loss)(target, n_outputs, context.settings)

        def loss(network: nn.Module, batch: Batch) -> Tensor:
            output = network(*batch.inputs.values())  # (M, N, K) in training
            if output.ndim == 2 or batch.target is None:
                return base(output, batch.target)
            return base(output.flatten(0, 1), batch.target.repeat(len(output), *[1] * (batch.target.ndim - 1)))

        plan = GradientPlan(
            lambda: _Networks(parts, c, place, n_outputs),
            c.inputs,
            steps=(Step("all", lambda network: network.parameters(), loss),),
        )
        settings = context.settings.model_copy(update={"epochs": c.epochs} if c.epochs else {})
        return fit_gradient(plan, train, valid, replace(context, settings=settings))


def parts_of(train: ItemSet, names: Sequence[str], rare: int) -> list[Part]:
    """What stands before the first layer, one for each named input (N, F)."""
    values = train.inputs()
    return [_Scaled(values[n]) if n == DESCRIPTORS else _Counted(values[n], rare) for n in names]


def level_of(target: Array, kind: KindName) -> tuple[Array, Array]:
    """Mean and spread of each value column, (K,); 0 and 1 where the answers are no values."""
    if kind != "value":
        return np.zeros(1), np.ones(1)
    columns = np.asarray(target, dtype=np.float64).reshape(len(target), -1)
    return columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-6)


class _Counted(nn.Module):
    """Counts or bits that are not rare, their size damped: (N, F) -> (N, G)."""

    kept: Tensor

    def __init__(self, values: Array, rare: int) -> None:
        super().__init__()
        kept = np.flatnonzero((values > 0).sum(axis=0) >= rare)
        self.register_buffer("kept", torch.as_tensor(kept if len(kept) else np.arange(values.shape[1])))
        self.width = len(self.kept)

    def forward(self, x: Tensor) -> Tensor:
        return torch.log1p(x.float()).index_select(1, self.kept)


class _Scaled(nn.Module):
    """Descriptors on a damped scale, centred and cut at five spreads; constant ones are left out: (N, F) -> (N, G)."""

    kept: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, values: Array) -> None:
        super().__init__()
        damped = np.sign(values) * np.log1p(np.abs(values.astype(np.float64)))
        kept = np.flatnonzero(damped.std(axis=0) > 1e-6)
        self.register_buffer("kept", torch.as_tensor(kept if len(kept) else np.arange(values.shape[1])))
        chosen = damped[:, self.kept.numpy()]
        self.register_buffer("mean", torch.as_tensor(chosen.mean(axis=0), dtype=torch.float32))
        spread = np.maximum(chosen.std(axis=0), 1e-6)
        self.register_buffer("scale", torch.as_tensor(1 / spread, dtype=torch.float32))
        self.width = len(self.kept)

    def forward(self, x: Tensor) -> Tensor:
        x = x.float().index_select(1, self.kept)
        damped = torch.sign(x) * torch.log1p(x.abs())
        return ((damped - self.mean) * self.scale).clamp(-5, 5)


Part = _Counted | _Scaled
"""What stands before the first layer, one for each input."""


class _Networks(nn.Module):
    level: Tensor
    spread: Tensor

    def __init__(
        self,
        parts: Sequence[Part],
        config: FingerprintNetConfig,
        place: tuple[Array, Array],
        n_outputs: int,
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._dropout, self._input_dropout = config.dropout, config.input_dropout
        self.register_buffer("level", torch.as_tensor(place[0], dtype=torch.float32))
        self.register_buffer("spread", torch.as_tensor(place[1], dtype=torch.float32))
        sizes = [sum(p.width for p in parts), *[config.width] * config.depth, n_outputs]
        self.weights = nn.ParameterList(
            nn.Parameter((torch.rand(config.members, a, b) * 2 - 1) / math.sqrt(a)) for a, b in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(config.members, 1, b)) for b in sizes[1:])

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs (N, F) each -> (N, K); in training (M, N, K), one answer a member."""
        x = torch.cat([part(i) for part, i in zip(self.parts, inputs, strict=True)], dim=1)
        h = nn.functional.dropout(x, self._input_dropout, self.training).unsqueeze(0)  # (N, F) -> (1, N, F)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.matmul(h, weight) + bias
            if layer < len(self.weights) - 1:
                h = nn.functional.dropout(torch.relu(h), self._dropout, self.training)
        h = self.level + self.spread * h
        return h if self.training else h.mean(dim=0)
