"""Model ``tcn``: a temporal convolutional network, dilated causal convolutions in residual blocks.

Bai, Kolter and Koltun 2018 (arXiv:1803.01271). There are as many blocks, each with twice the dilation of the
one before, as the last step needs to see the whole sequence. Weight normalisation is replaced by a norm over the
channels of each step, which looks at no other step and allows per-sample gradients.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.signals.models.sequence import SEQUENCE_KINDS, Body, SequenceConfig, fit_sequence


class TcnConfig(SequenceConfig):
    """Settings of the network."""

    channels: int = Setting(32, ge=1, description="Channels of every block.")
    kernel: int = Setting(7, ge=2, description="Length of each convolution, in steps of its dilation.")


class Tcn:
    """Residual blocks of causal convolutions; the last step and the maximum over time; then one hidden layer."""

    Config: ClassVar[type[Config]] = TcnConfig
    kinds: ClassVar[tuple[KindName, ...]] = SEQUENCE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("window",)

    def __init__(self, config: TcnConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_sequence(lambda c, t: _Body(self._config, c, t), train, valid, context, config=self._config)


def dilations(kernel: int, samples: int) -> list[int]:
    """Return 1, 2, 4, … for as many blocks of two convolutions as see ``samples`` steps from the last one.

    Examples
    --------
    >>> dilations(kernel=3, samples=12)  # the last step sees 1 + 2 * 2 * (1 + 2) = 13
    [1, 2]
    """
    made = [1]
    while 1 + 2 * (kernel - 1) * sum(made) < samples:
        made.append(2 * made[-1])
    return made


class _Body(Body):
    def __init__(self, config: TcnConfig, channels: int, samples: int) -> None:
        super().__init__()
        steps = dilations(config.kernel, samples)
        self.blocks = nn.Sequential(
            *(_Block(config.channels if k else channels, d, config) for k, d in enumerate(steps))
        )
        self.width = 2 * config.channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, width)."""
        x = self.blocks(x)
        return torch.cat([x[:, :, -1], x.amax(dim=2)], dim=1)


class _Block(nn.Module):
    """Two causal convolutions, whole channels left out in training; a shortcut, projected where the width changes."""

    def __init__(self, before: int, dilation: int, config: TcnConfig) -> None:
        super().__init__()
        after = config.channels
        self.layers = nn.Sequential(
            _Causal(before, after, config.kernel, dilation),
            nn.Dropout1d(config.dropout),
            _Causal(after, after, config.kernel, dilation),
            nn.Dropout1d(config.dropout),
        )
        self.shortcut = nn.Identity() if before == after else nn.Conv1d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, C', T)."""
        return torch.relu(self.shortcut(x) + self.layers(x))


class _Causal(nn.Module):
    """A convolution that looks back only, a norm over the channels of each step, ReLU."""

    def __init__(self, before: int, after: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.before = (kernel - 1) * dilation
        self.convolution = nn.Conv1d(before, after, kernel, dilation=dilation)
        self.norm = nn.LayerNorm(after)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, C', T)."""
        x = self.convolution(nn.functional.pad(x, (self.before, 0)))
        return torch.relu(self.norm(x.transpose(1, 2)).transpose(1, 2))
