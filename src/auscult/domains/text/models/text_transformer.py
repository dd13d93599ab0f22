"""Model ``text-transformer``: token embedding + position → self-attention → feed-forward → pooling → softmax.

The transformer encoder of Vaswani et al. (2017, NeurIPS), in the pre-norm form (Xiong et al. 2020, ICML). With T
tokens, width W, H heads of width D, and weights that are one matrix each:

    x     = E[token] + P                                  (T, W)
    a_h   = softmax(Q_h K_h' / sqrt(D)) V_h,  h = 1…H      (T, D)   Q_h = x A_h, K_h = x B_h, V_h = x C_h
    x     = x + [a_1 … a_H] O
    x     = x + gelu(x F) G
    score = mean over the tokens of x, times R            (K,)

P is the sine and cosine of the position. Padding is token 0: it is no key and not in the mean. Every layer is a plain
``Linear``, so that the gradient of each item can be had (Opacus), and the graph exports to ONNX.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field as Setting
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.engine.answers import kind_of
from auscult.engine.train import GradientPlan, fit_gradient

PAD = 0


class TextTransformerConfig(Config):
    """Settings of the model."""

    layers: int = Setting(1, ge=1, le=24, description="Blocks of attention and feed-forward.")
    heads: int = Setting(4, ge=1, le=16, description="Heads of each attention.")
    head_width: int = Setting(16, ge=4, le=128, description="Width of each head; heads times this is the width.")
    feed_forward: int = Setting(2, ge=1, le=8, description="Width of the feed-forward part, in widths.")
    dropout: float = Setting(0.1, ge=0, lt=1, description="Share of activations left out in training.")


class TextTransformer:
    """Words as hashed numbers, and a transformer encoder."""

    Config: ClassVar[type[Config]] = TextTransformerConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "labels")
    inputs: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(self, config: TextTransformerConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train the network."""
        n_tokens = int(context.spec.parameters["vocabulary"])
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        plan = GradientPlan(lambda: TextEncoder(self._config, n_tokens, n_outputs), ("tokens",))
        return fit_gradient(plan, train, valid, context)


class TextEncoder(nn.Module):
    """Tokens (N, T) → scores (N, K)."""

    def __init__(self, config: TextTransformerConfig, n_tokens: int, n_outputs: int) -> None:
        super().__init__()
        width = config.heads * config.head_width
        self.embed = nn.Embedding(n_tokens, width, padding_idx=PAD)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_Block(config, width) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, n_outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T) -> (N, K)."""
        there = tokens != PAD  # (N, T)
        x = self.drop(self.embed(tokens) + positions(tokens.shape[1], self.embed.embedding_dim).to(self.read.weight))
        for block in self.blocks:
            x = block(x, there)
        share = there.unsqueeze(2) / there.sum(dim=1).clamp(min=1)[:, None, None]  # (N, T, 1)
        out: Tensor = self.read((self.norm(x) * share).sum(dim=1))  # (N, T, W) -> (N, W) -> (N, K)
        return out


def positions(length: int, width: int) -> Tensor:
    """Sine and cosine of each position at falling frequencies, (T, W)."""
    at = torch.arange(length).unsqueeze(1)
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return torch.stack([torch.sin(at * rate), torch.cos(at * rate)], dim=2).flatten(1)[:, :width]


class _Block(nn.Module):
    """Attention and feed-forward, each added to what came in."""

    def __init__(self, config: TextTransformerConfig, width: int) -> None:
        super().__init__()
        self.shape = (3, config.heads, config.head_width)
        self.norm_a, self.norm_f = nn.LayerNorm(width), nn.LayerNorm(width)
        self.split, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = (
            nn.Linear(width, config.feed_forward * width),
            nn.Linear(config.feed_forward * width, width),
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """(N, T, W), (N, T) -> (N, T, W)."""
        x = x + self.drop(self.attend(self.norm_a(x), there))
        out: Tensor = x + self.drop(self.down(functional.gelu(self.up(self.norm_f(x)))))
        return out

    def attend(self, x: Tensor, there: Tensor) -> Tensor:
        """Mix every token with every token that is there: (N, T, W), (N, T) -> (N, T, W)."""
        query, key, value = (
            self.split(x).reshape(-1, x.shape[1], *self.shape).permute(2, 0, 3, 1, 4)
        )  # each (N, H, T, D)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None, :])
        out: Tensor = self.join(mixed.transpose(1, 2).flatten(2))
        return out
