"""Model ``inception``: branches of several reaches side by side (Szegedy et al. 2015 and 2016, CVPR).

Each module has branches of 1 × 1, 3 × 3, two 3 × 3 (in place of 5 × 5, as in the second paper) and pooling; group in
place of batch normalisation; no auxiliary heads, which deep stacks needed.
"""

from __future__ import annotations

from typing import ClassVar

import torch
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


class InceptionConfig(ImageNetConfig):
    """Settings of the network."""

    stem: int = Setting(16, ge=4, description="Channels of the first convolution.")
    widths: tuple[int, ...] = Setting(
        (8, 16), min_length=1, description="Channels of each branch of a stage; a stage has two modules."
    )


class Inception:
    """Modules of parallel branches."""

    Config: ClassVar[type[Config]] = InceptionConfig
    kinds: ClassVar[tuple[KindName, ...]] = IMAGE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: InceptionConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_network(lambda s: _Body(self._config, s), train, valid, context, config=self._config)


class _Body(Body):
    def __init__(self, config: InceptionConfig, shape: tuple[int, ...]) -> None:
        super().__init__()
        n_axes = len(shape) - 1
        layers: list[nn.Module] = [_unit(n_axes, shape[0], config.stem, 3)]
        before = config.stem
        for width in config.widths:
            layers.append(max_pool(n_axes))
            for _ in range(2):
                layers.append(_Module(n_axes, before, width))
                before = 4 * width
        self.layers = nn.Sequential(*layers)
        self.width = 2 * before

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width)."""
        return pooled_vector(self.layers(x))


def _unit(n_axes: int, before: int, after: int, size: int) -> nn.Sequential:
    conv = convolution(n_axes)(before, after, size, padding=size // 2, bias=False)
    return nn.Sequential(conv, group_norm(after), nn.ReLU())


class _Module(nn.Module):
    """Four branches of the same width; their outputs stand side by side."""

    def __init__(self, n_axes: int, before: int, width: int) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, 1, padding=1) if n_axes == 2 else nn.MaxPool3d(3, 1, padding=1)
        self.branches = nn.ModuleList(
            [
                _unit(n_axes, before, width, 1),
                nn.Sequential(_unit(n_axes, before, width, 1), _unit(n_axes, width, width, 3)),
                nn.Sequential(
                    _unit(n_axes, before, width, 1), _unit(n_axes, width, width, 3), _unit(n_axes, width, width, 3)
                ),
                nn.Sequential(pool, _unit(n_axes, before, width, 1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 4 width, H, W)."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)
