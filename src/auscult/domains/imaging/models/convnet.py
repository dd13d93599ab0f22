"""Model ``convnet``: the textbook convolutional network.

Two 3 × 3 convolutions of 32 and 64 channels, each with ReLU and 2 × 2 max pooling; adaptive average pooling to 7 × 7;
a layer of 128; the classes (after LeCun et al. 1998, Proc IEEE 86:2278).
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.imaging.models.network import (
    IMAGE_KINDS,
    AveragePool,
    Body,
    ImageNetConfig,
    convolution,
    fit_network,
    max_pool,
)

GRID = 7


class ConvnetConfig(ImageNetConfig):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting((32, 64), min_length=1, description="Channels of each convolution.")


class Convnet:
    """Convolution, ReLU and pooling, repeated; a grid of 7 × 7; one hidden layer."""

    Config: ClassVar[type[Config]] = ConvnetConfig
    kinds: ClassVar[tuple[KindName, ...]] = IMAGE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: ConvnetConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_network(lambda s: _Body(self._config, s), train, valid, context, config=self._config)


class _Body(Body):
    def __init__(self, config: ConvnetConfig, shape: tuple[int, ...]) -> None:
        super().__init__()
        n_axes = len(shape) - 1
        layers: list[nn.Module] = []
        for before, after in zip((shape[0], *config.widths), config.widths, strict=False):
            layers += [convolution(n_axes)(before, after, 3, padding=1), nn.ReLU(), max_pool(n_axes)]
        space = tuple(-(-s // 2 ** len(config.widths)) for s in shape[1:])
        self.layers = nn.Sequential(*layers, AveragePool(space, GRID), nn.Flatten())
        self.width = config.widths[-1] * GRID**n_axes

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width)."""
        out: Tensor = self.layers(x)
        return out
