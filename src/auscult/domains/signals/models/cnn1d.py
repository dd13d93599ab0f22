"""Model ``cnn1d``: a plain one-dimensional convolutional network."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.signals.models.sequence import SEQUENCE_KINDS, Body, OddLength, SequenceConfig, fit_sequence
from auscult.engine.blocks.layers import group_norm


class Cnn1dConfig(SequenceConfig):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting((32, 64, 64), min_length=1, description="Channels of each convolution.")
    kernel: OddLength = Setting(7, ge=3, description="Length of each convolution, in samples.")


class Cnn1d:
    """Convolution, normalisation, ReLU and pooling, repeated; then one hidden layer."""

    Config: ClassVar[type[Config]] = Cnn1dConfig
    kinds: ClassVar[tuple[KindName, ...]] = SEQUENCE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("window",)

    def __init__(self, config: Cnn1dConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_sequence(lambda c, _: _Body(self._config, c), train, valid, context, config=self._config)


class _Body(Body):
    def __init__(self, config: Cnn1dConfig, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((channels, *config.widths), config.widths, strict=False):
            layers += [
                nn.Conv1d(before, after, config.kernel, padding=config.kernel // 2),
                group_norm(after),
                nn.ReLU(),
                nn.MaxPool1d(2, ceil_mode=True),
            ]
        self.layers = nn.Sequential(*layers)
        self.width = 2 * config.widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, width)."""
        x = self.layers(x)
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
