"""Model ``transformer``: self-attention over patches of the sequence.

The encoder of Vaswani et al. 2017 (NeurIPS) with its fixed positional encoding, on patches of a sequence as
tokens (Dosovitskiy et al. 2021, ICLR; Nie et al. 2023, ICLR), with the norm before each part (Xiong et al. 2020,
ICML). Attention is made of plain linear layers, so that gradients can be taken per sample.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.signals.models.sequence import SEQUENCE_KINDS, Body, SequenceConfig, fit_sequence


class TransformerConfig(SequenceConfig):
    """Settings of the network."""

    tokens: int = Setting(16, ge=1, description="Equal patches that a sequence is cut into, at the most.")
    layers: int = Setting(3, ge=1, description="Layers of attention and feed-forward.")
    heads: int = Setting(4, ge=1, description="Heads of attention.")
    head_width: int = Setting(16, ge=1, description="Units of each head; a token has heads × head_width.")
    inner: int = Setting(128, ge=1, description="Units inside the feed-forward part of a layer.")


class Transformer:
    """Embedded patches with positions, layers of attention, the mean over tokens; then one hidden layer."""

    Config: ClassVar[type[Config]] = TransformerConfig
    kinds: ClassVar[tuple[KindName, ...]] = SEQUENCE_KINDS
    inputs: ClassVar[tuple[str, ...]] = ("window",)

    def __init__(self, config: TransformerConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        return fit_sequence(lambda c, t: _Body(self._config, c, t), train, valid, context, config=self._config)


def positional_encoding(n_tokens: int, width: int) -> Array:
    """Sines and cosines of the position, (L, width) from -1 to 1 (Vaswani et al. 2017, section 3.5).

    Parameters
    ----------
    n_tokens : int
        L.
    width : int
        Units of a token: sine and cosine in turn, at wavelengths from 2π to 10 000 · 2π tokens.
    """
    pair = np.arange(width) // 2
    angle = np.arange(n_tokens)[:, None] / 10_000.0 ** (2 * pair / width)
    return np.where(np.arange(width) % 2 == 0, np.sin(angle), np.cos(angle))


class _Body(Body):
    positions: Tensor

    def __init__(self, config: TransformerConfig, channels: int, samples: int) -> None:
        super().__init__()
        self.width = config.heads * config.head_width
        self.channels, self.patch = channels, math.ceil(samples / config.tokens)
        self.tokens = math.ceil(samples / self.patch)
        self.missing = self.tokens * self.patch - samples
        self.embed = nn.Linear(channels * self.patch, self.width)
        encoding = positional_encoding(self.tokens, self.width)
        self.register_buffer("positions", torch.as_tensor(encoding, dtype=torch.float32))
        self.layers = nn.Sequential(*(_Layer(config, self.width) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(self.width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, width)."""
        padded = nn.functional.pad(x, (self.missing, 0))
        patches = padded.reshape(-1, self.channels, self.tokens, self.patch).transpose(1, 2)  # (N, L, C, P)
        tokens = self.embed(patches.flatten(2)) + self.positions  # (N, L, C P) -> (N, L, width)
        out: Tensor = self.norm(self.layers(tokens)).mean(dim=1)
        return out


class _Layer(nn.Module):
    """Attention, then feed-forward; each after a norm and beside a shortcut."""

    def __init__(self, config: TransformerConfig, width: int) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), _Attention(config, width))
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, config.inner), nn.GELU(), nn.Linear(config.inner, width)
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, width) -> (N, L, width)."""
        x = x + self.drop(self.attend(x))
        out: Tensor = x + self.drop(self.feed(x))
        return out


class _Attention(nn.Module):
    """Multi-head self-attention of every token to every token."""

    def __init__(self, config: TransformerConfig, width: int) -> None:
        super().__init__()
        self.shape = (3, config.heads, config.head_width)
        self.split, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, width) -> (N, L, width)."""
        parts: Tensor = self.split(x).reshape(-1, x.shape[1], *self.shape)  # (N, L, 3, heads, D)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (N, heads, L, D)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.join(mixed.transpose(1, 2).flatten(2))
        return out
