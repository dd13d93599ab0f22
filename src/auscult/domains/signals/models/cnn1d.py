"""Model ``cnn1d``: a plain one-dimensional convolutional network, with the features beside its pooled output."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.engine.answers import kind_of
from auscult.engine.blocks.layers import Standardise, group_norm
from auscult.engine.train import GradientPlan, fit_gradient


class Cnn1dConfig(Config):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting((32, 64, 64), description="Channels of each convolution.")
    kernel: int = Setting(7, ge=3, description="Length of each convolution, in samples.")
    hidden: int = Setting(64, ge=1, description="Units of the layer before the answer.")
    dropout: float = Setting(0.2, ge=0, lt=1, description="Share of units left out in training.")


class Cnn1d:
    """Convolution, normalisation, ReLU and pooling, repeated; then one hidden layer."""

    Config: ClassVar[type[Config]] = Cnn1dConfig

    def __init__(self, config: Cnn1dConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        sample = train.inputs(np.arange(min(len(train), 5000)))
        plan = GradientPlan(
            lambda: _Network(self._config, sample["window"], sample["features"], n_outputs), ("window", "features")
        )
        return fit_gradient(plan, train, valid, context)


class _Network(nn.Module):
    def __init__(self, config: Cnn1dConfig, window: np.ndarray, features: np.ndarray, n_outputs: int) -> None:
        super().__init__()
        self.window, self.features = Standardise(window), Standardise(features)
        layers: list[nn.Module] = []
        width = window.shape[1]
        for next_width in config.widths:
            layers += [
                nn.Conv1d(width, next_width, config.kernel, padding=config.kernel // 2),
                group_norm(next_width),
                nn.ReLU(),
                nn.MaxPool1d(2),
            ]
            width = next_width
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(2 * width + features.shape[1], config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_outputs),
        )

    def forward(self, window: Tensor, features: Tensor) -> Tensor:
        """(N, C, T) and (N, F) -> (N, K)."""
        x = self.body(self.window(window))
        pooled = torch.cat([x.mean(dim=2), x.amax(dim=2), self.features(features)], dim=1)
        out: Tensor = self.head(pooled)
        return out
