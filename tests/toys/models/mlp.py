"""Model ``mlp``: one hidden layer on ``features``; the default loss of the kind, else the absolute error."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.answers import kind_of
from auscult.engine.train import Batch, GradientPlan, Step, fit_gradient
from toys.graphs import dense_graph
from toys.models.common import as_numbers


class MlpConfig(Config):
    """Settings of the network."""

    hidden: int = Setting(32, ge=1, description="Units of the hidden layer.")


class Mlp:
    """Linear, ReLU, linear; inputs are standardised by the first layer's start."""

    Config: ClassVar[type[Config]] = MlpConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "value", "events", "spans", "boxes")
    inputs: ClassVar[tuple[str, ...]] = ("features",)

    def __init__(self, config: MlpConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent; the program is written by hand."""
        kind = kind_of(context.spec)
        n_inputs = train.items.inputs["features"].shape[1]
        n_outputs = as_numbers(train.target(np.zeros(1, np.int64)), context.spec).shape[1]
        steps = (Step("all", lambda n: n.parameters(), _absolute, 0.02),) if kind.loss.endswith(":own") else ()

        def network() -> nn.Module:
            return nn.Sequential(
                nn.Linear(n_inputs, self._config.hidden), nn.ReLU(), nn.Linear(self._config.hidden, n_outputs)
            )

        def export(trained: nn.Module, example: Batch) -> Program:
            weights = [v.detach().numpy() for v in trained.state_dict().values()]
            layers = [(weights[0].T, weights[1]), (weights[2].T, weights[3])]
            return Program(
                "forward",
                ("features",),
                {"main": dense_graph(layers, "features", kind.output, activation=kind.activation)},
            )

        return fit_gradient(GradientPlan(network, ("features",), steps, export=export), train, valid, context)


def _absolute(network: nn.Module, batch: Batch) -> Tensor:
    assert batch.target is not None
    return functional.l1_loss(network(*batch.inputs.values()), batch.target.to(torch.float32))
