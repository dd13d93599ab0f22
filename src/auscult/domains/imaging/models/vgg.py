"""Model ``vgg``: stacks of 3 × 3 convolutions between poolings (Simonyan and Zisserman 2015, ICLR).

Group normalisation after each convolution, which the first networks of this kind lacked, and pooling over the whole
picture in place of the two layers of 4096.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.imaging.models.network import (
    IMAGE_KINDS,
    Body,
    ImageNetConfig,
    convolution,
    fit_network,
    max_pool,
    pooled_vector,
)
from auscult.engine.blocks.layers import group_norm


class VggConfig(ImageNetConfig):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting((16, 32, 64), min_length=1, description="Channels of each stack.")
    depth: int = Setting(2, ge=1, le=4, description="Convolutions of a stack.")


class Vgg:
    """Stacks of small convolutions, each followed by pooling."""

    Config: ClassVar[type[Config]] = VggConfig
    kinds: ClassVar[tuple[KindName, ...]] = IMAGE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: VggConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_network(lambda s: _Body(self._config, s), train, valid, context, config=self._config)


class _Body(Body):
    def __init__(self, config: VggConfig, shape: tuple[int, ...]) -> None:
        super().__init__()
        conv = convolution(len(shape) - 1)
        layers: list[nn.Module] = []
        before = shape[0]
        for number, width in enumerate(config.widths):
            for _ in range(config.depth):
                layers += [conv(before, width, 3, padding=1, bias=False), group_norm(width), nn.ReLU()]
                before = width
            if number < len(config.widths) - 1:
                layers.append(max_pool(len(shape) - 1))
        self.layers = nn.Sequential(*layers)
        self.width = 2 * before

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width)."""
        return pooled_vector(self.layers(x))
