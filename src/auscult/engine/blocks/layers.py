"""Layers that models of several domains use. Needs torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from auscult.base.arrays import Array


class Standardise(nn.Module):
    """Subtract the mean and divide by the spread that the training items had; part of the exported graph.

    Parameters
    ----------
    values : (N, F), (N, C, T) or (N, C, ...) array
        Training items. What follows the second axis is time or space: then each channel has one mean and one spread.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, values: Array) -> None:
        super().__init__()
        axes = (0, *range(2, values.ndim))
        mean = values.mean(axis=axes, keepdims=True, dtype=np.float64)[0]
        std = values.std(axis=axes, keepdims=True, dtype=np.float64)[0]
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.as_tensor(1 / np.maximum(std, 1e-6), dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return standardised values, clipped to ten spreads."""
        return ((x - self.mean) * self.scale).clamp(-10, 10)


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with at most 8 groups (Wu and He 2018); items do not see each other in it."""
    groups = next(g for g in (8, 4, 2, 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)
