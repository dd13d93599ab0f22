"""Models ``gan`` and ``cloud``: a generator and a critic, each with its optimiser, and independent normal columns."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.train import Batch, GradientPlan, Step, fit_gradient
from toys.graphs import dense_graph
from toys.models.common import Plain, Ready


class _Pair(nn.Module):
    """A linear generator and a critic that compares means and products of the columns."""

    def __init__(self, n_noise: int, mean: Array) -> None:
        super().__init__()
        n_values = len(mean)
        self.generator = nn.Linear(n_noise, n_values)
        self.generator.bias.data = torch.as_tensor(mean)  # starts among the real points
        self.critic = nn.Linear(n_values + n_values * n_values, 1)

    def forward(self, x: Tensor, part: str) -> Tensor:
        """Make points of noise, or judge points."""
        if part == "make":
            made: Tensor = self.generator(x)
            return made
        products = (x[:, :, None] * x[:, None]).flatten(1) / 5
        judged: Tensor = self.critic(torch.cat([x, products], dim=1))
        return judged


def _critic_loss(network: nn.Module, batch: Batch) -> Tensor:
    assert batch.target is not None
    made = network(batch.inputs["noise"], "make").detach()
    real, false = network(batch.target, "judge"), network(made, "judge")
    return functional.softplus(-real).mean() + functional.softplus(false).mean() + 0.05 * (real**2 + false**2).mean()


def _generator_loss(network: nn.Module, batch: Batch) -> Tensor:
    return functional.softplus(-network(network(batch.inputs["noise"], "make"), "judge")).mean()


def _moment_gap(network: nn.Module, batch: Batch) -> Tensor:
    """Distance of means and covariances of made and real points."""
    assert batch.target is not None
    made, real = network(batch.inputs["noise"], "make"), batch.target
    return (made.mean(0) - real.mean(0)).square().sum() + (made.T.cov() - real.T.cov()).square().sum()


class Gan(Plain):
    """Two linear layers that play against each other (Goodfellow et al. 2014)."""

    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("noise",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train both by gradient descent in turn."""
        n_noise, mean = train.items.inputs["noise"].shape[1], train.target().mean(axis=0)
        steps = (
            Step("critic", lambda n: n.critic.parameters(), _critic_loss, 0.05),  # type: ignore[union-attr,operator]
            Step("generator", lambda n: n.generator.parameters(), _generator_loss, 0.05),  # type: ignore[union-attr,operator]
        )

        def export(trained: nn.Module, example: Batch) -> Program:
            weights = {k: v.detach().numpy() for k, v in trained.state_dict().items()}
            layers = [(weights["generator.weight"].T, weights["generator.bias"])]
            return Program("forward", ("noise",), {"main": dense_graph(layers, "noise", "sample")})

        plan = GradientPlan(lambda: _Pair(n_noise, mean), ("noise",), steps, valid_loss=_moment_gap, export=export)
        return fit_gradient(plan, train, valid, context)


class Cloud(Plain):
    """Mean and spread of each column."""

    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("noise",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Measure."""
        target = train.target()
        layers = [(np.diag(target.std(axis=0)), target.mean(axis=0))]
        return Ready(Program("forward", ("noise",), {"main": dense_graph(layers, "noise", "sample")}))
