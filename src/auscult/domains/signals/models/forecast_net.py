"""Model ``forecast-net``: small networks side by side that forecast the change from the last reading.

The loss is the mean logarithm of a window's error, so that typical windows decide, as in the median by which
forecasts are compared; errors below ``floor`` count little.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.engine.answers import kind_of
from auscult.engine.train import Batch, GradientPlan, Step, fit_gradient

LEVEL_MGDL, LEVEL_SPREAD_MGDL = 130.0, 50.0


class ForecastNetConfig(Config):
    """Settings of the networks."""

    width: int = Setting(64, ge=1, description="Units of each hidden layer.")
    members: int = Setting(4, ge=1, description="Networks whose mean is the forecast.")
    dropout: float = Setting(0.1, ge=0, lt=1, description="Share of units left out in training.")
    floor: float = Setting(3.0, gt=0, description="Error in mg/dL below which a window counts little.")


class ForecastNet:
    """An average of small networks with a linear path beside."""

    Config: ClassVar[type[Config]] = ForecastNetConfig

    def __init__(self, config: ForecastNetConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train all members at once."""
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        n_input = train.items.inputs["history"].shape[1]
        change = train.target()[:, -1] - train.inputs()["history"][:, -1]
        scale = float(np.std(change)) or 1.0
        floor = self._config.floor

        def loss(network: nn.Module, batch: Batch) -> Tensor:
            forecast = network(batch.inputs["history"], batch.inputs["day"])
            truth = torch.zeros(0) if batch.target is None else batch.target.to(forecast)
            error = ((forecast - truth) ** 2).mean(dim=-1)
            return 0.5 * torch.log(error + floor**2).mean()

        plan = GradientPlan(
            lambda: _Networks(self._config, n_input, n_outputs, scale),
            ("history", "day"),
            steps=(Step("all", lambda network: network.parameters(), loss),),
        )
        return fit_gradient(plan, train, valid, context)


class _Networks(nn.Module):
    scale: Tensor

    def __init__(self, config: ForecastNetConfig, n_input: int, n_outputs: int, scale: float) -> None:
        super().__init__()
        self._dropout = config.dropout
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        sizes = [n_input + 2, config.width, config.width, n_outputs]
        gains = [1.0, 1.0, 0.1]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(config.members, a, b) * g / math.sqrt(a))
            for a, b, g in zip(sizes[:-1], sizes[1:], gains, strict=True)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(config.members, 1, b)) for b in sizes[1:])
        self.linear = nn.Parameter(torch.zeros(config.members, sizes[0], n_outputs))

    def forward(self, history: Tensor, day: Tensor) -> Tensor:
        """(N, L) mg/dL and (N, 1) days -> (N, H) mg/dL; in training (M, N, H), one forecast a member."""
        last = history[:, -1:]
        angle = 2 * math.pi * day
        x = torch.cat(
            [
                (history[:, :-1] - last) / self.scale,
                (last - LEVEL_MGDL) / LEVEL_SPREAD_MGDL,
                torch.sin(angle),
                torch.cos(angle),
            ],
            dim=1,
        ).unsqueeze(0)  # (N, F) -> (1, N, F)
        h = x
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.matmul(h, weight) + bias
            if layer < len(self.weights) - 1:
                h = nn.functional.dropout(nn.functional.silu(h), self._dropout, self.training)
        change = self.scale * (h + torch.matmul(x, self.linear))
        return last + (change if self.training else change.mean(dim=0))
