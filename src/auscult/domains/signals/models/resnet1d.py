"""Model ``resnet1d``: a residual one-dimensional convolutional network.

Pre-activated residual blocks (He et al. 2016, ECCV, "Identity mappings in deep residual networks") that halve
the time, with a pooled shortcut, as in the arrhythmia network of Hannun et al. 2019 (Nat Med 25:65). That one has
16 blocks for recordings of 30 s; here are as many as there are widths. Group in place of batch normalisation, so
that an answer does not depend on the other items of a batch.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.signals.models.sequence import SEQUENCE_KINDS, Body, OddLength, SequenceConfig, fit_sequence
from auscult.engine.blocks.layers import group_norm


class Resnet1dConfig(SequenceConfig):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting(
        (32, 32, 64, 64), min_length=1, description="Channels of each block; a block halves the time."
    )
    kernel: OddLength = Setting(7, ge=3, description="Length of each convolution, in samples.")


class Resnet1d:
    """A convolution, residual blocks, the mean and the maximum over time; then one hidden layer."""

    Config: ClassVar[type[Config]] = Resnet1dConfig
    kinds: ClassVar[tuple[KindName, ...]] = SEQUENCE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("window",)

    def __init__(self, config: Resnet1dConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_sequence(lambda c, _: _Body(self._config, c), train, valid, context, config=self._config)


class _Body(Body):
    def __init__(self, config: Resnet1dConfig, channels: int) -> None:
        super().__init__()
        widths = config.widths
        self.stem = nn.Conv1d(channels, widths[0], config.kernel, padding=config.kernel // 2)
        self.blocks = nn.Sequential(*(_Block(a, b, config) for a, b in zip((widths[0], *widths), widths, strict=False)))
        self.last = nn.Sequential(group_norm(widths[-1]), nn.ReLU())
        self.width = 2 * widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, width)."""
        x = self.last(self.blocks(self.stem(x)))
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)


class _Block(nn.Module):
    """Norm, ReLU and convolution, twice; a pooled shortcut, projected where the width changes."""

    def __init__(self, before: int, after: int, config: Resnet1dConfig) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            group_norm(before),
            nn.ReLU(),
            nn.Conv1d(before, after, config.kernel, stride=2, padding=config.kernel // 2),
            group_norm(after),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Conv1d(after, after, config.kernel, padding=config.kernel // 2),
        )
        project = nn.Identity() if before == after else nn.Conv1d(before, after, 1)
        self.shortcut = nn.Sequential(nn.MaxPool1d(2, ceil_mode=True), project)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, C', T / 2), rounded up."""
        out: Tensor = self.shortcut(x) + self.residual(x)
        return out
