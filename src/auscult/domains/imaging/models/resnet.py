"""Model ``resnet``: residual blocks with two or three space axes (He et al. 2016, CVPR and ECCV).

Pre-activated blocks of two 3 × 3 convolutions; the first block of each stage but the first halves the picture. Group in
place of batch normalisation (Wu and He 2018, ECCV), so that an answer does not depend on the other items of a batch.
"""

from __future__ import annotations

from types import EllipsisType
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
    pooled_vector,
)
from auscult.engine.blocks.layers import group_norm


class ResnetConfig(ImageNetConfig):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting((16, 32, 64), min_length=1, description="Channels of each stage.")
    depth: int = Setting(1, ge=1, le=8, description="Blocks of a stage.")
    stride: int = Setting(1, ge=1, le=4, description="Step of the first convolution; 2 and more for large pictures.")


class Resnet:
    """A convolution, stages of residual blocks, the mean and the maximum over space."""

    Config: ClassVar[type[Config]] = ResnetConfig
    kinds: ClassVar[tuple[KindName, ...]] = IMAGE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: ResnetConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_network(lambda s: _Body(self._config, s), train, valid, context, config=self._config)


class _Body(Body):
    """Stages of blocks behind a first convolution."""

    def __init__(self, config: ResnetConfig, shape: tuple[int, ...]) -> None:
        super().__init__()
        n_axes, before = len(shape) - 1, config.widths[0]
        first = convolution(n_axes)(shape[0], before, 3, stride=config.stride, padding=1, bias=False)
        layers: list[nn.Module] = [first]
        for stage, width in enumerate(config.widths):
            for block in range(config.depth):
                layers.append(_Block(n_axes, before, width, 2 if stage and not block else 1))
                before = width
        self.layers = nn.Sequential(*layers, group_norm(before), nn.ReLU())
        self.width = 2 * before

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width)."""
        return pooled_vector(self.layers(x))


class _Block(nn.Module):
    """Norm, ReLU and convolution, twice; a shortcut, projected where size or width change."""

    def __init__(self, n_axes: int, before: int, after: int, stride: int) -> None:
        super().__init__()
        conv = convolution(n_axes)
        self.first = nn.Sequential(group_norm(before), nn.ReLU())
        self.residual = nn.Sequential(
            conv(before, after, 3, stride=stride, padding=1, bias=False),
            group_norm(after),
            nn.ReLU(),
            conv(after, after, 3, padding=1, bias=False),
        )
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else conv(before, after, 1, bias=False)
        self.stride, self.n_axes = stride, n_axes

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride), rounded up."""
        ready = self.first(x)
        same = isinstance(self.shortcut, nn.Identity)
        out: Tensor = (x if same else self.shortcut(self._stepped(ready))) + self.residual(ready)
        return out

    def _stepped(self, x: Tensor) -> Tensor:
        """Every pixel that the stride meets.

        The convolution itself takes no stride: with one, and 12 channels or fewer that lie beside each other, its
        gradient writes beyond its memory (torch 2.13, oneDNN).
        """
        step = slice(None, None, self.stride)
        at: tuple[EllipsisType | slice, ...] = (..., *[step] * self.n_axes)
        return x if self.stride == 1 else x[at]
