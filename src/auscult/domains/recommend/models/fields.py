"""Features by field as vectors: categories, lists of values, and numbers. Needs torch.

One table holds the categories of all fields, so that a batch of many fields is one look-up. The last column of every
vector is its weight in the linear part (the first order of a factorisation machine, Rendle 2010, ICDM).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SPREAD = 0.05


class FieldVectors(nn.Module):
    """Vectors of fields, (N, K, D), and their linear weights, (N, K).

    Parameters
    ----------
    categories : sequence of int
        How many values each field of one value has.
    many : sequence of int
        How many values each field of several values has; 0 is none, and a field is the mean of its values.
    n_numbers : int
        Fields of one number each.
    width : int
        D.
    """

    starts: Tensor

    def __init__(self, categories: Sequence[int], many: Sequence[int], n_numbers: int, width: int) -> None:
        super().__init__()
        starts = torch.cumsum(torch.tensor([0, *categories], dtype=torch.int64), 0)
        self.register_buffer("starts", starts[:-1])
        self.table = nn.Embedding(int(starts[-1]), width + 1) if categories else None
        lists = [nn.Embedding(size, width + 1, padding_idx=0) for size in many]
        self.lists = nn.ModuleList(lists)
        self.numbers = nn.Parameter(torch.randn(n_numbers, width + 1) * SPREAD) if n_numbers else None
        for part in (*lists, *([self.table] if self.table is not None else [])):
            nn.init.normal_(part.weight, std=SPREAD)
        for part in lists:
            nn.init.zeros_(part.weight[0])
        self.width = width
        self.n_fields = len(categories) + len(many) + n_numbers

    def forward(
        self, categories: Tensor | None, many: Sequence[Tensor], numbers: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Look up (N, C) categories and lists of (N, L), and scale the vectors of (N, F) numbers."""
        parts = []
        if self.table is not None and categories is not None:
            rows = (categories + self.starts).flatten()  # selected, as the gradient of an embedding is 2.6 times slower
            parts.append(self.table.weight.index_select(0, rows).view(*categories.shape, -1))  # (N, C, D + 1)
        for values, part in zip(many, self.lists, strict=True):
            count = (values > 0).sum(dim=1, keepdim=True).clamp(min=1)
            parts.append((part(values).sum(dim=1) / count)[:, None])  # (N, L, D + 1) -> (N, 1, D + 1)
        if self.numbers is not None and numbers is not None:
            parts.append(numbers[:, :, None] * self.numbers)  # (N, F, D + 1)
        whole = torch.cat(parts, dim=1)
        return whole[:, :, : self.width], whole[:, :, self.width]


def pairwise(vectors: Tensor) -> Tensor:
    """Sum of the products of all pairs of fields, (N, K, D) -> (N,), in time linear in K (Rendle 2010)."""
    total = vectors.sum(dim=1)
    return 0.5 * (total.square() - vectors.square().sum(dim=1)).sum(dim=1)


def deep_part(n_inputs: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Fully connected layers that end in one number."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(n_inputs, width), nn.ReLU(), nn.Dropout(dropout)]
        n_inputs = width
    return nn.Sequential(*layers, nn.Linear(n_inputs, 1))


class WideDeep(nn.Module):
    """A linear part beside a deep network (Cheng et al. 2016, DLRS), (N,) log-odds."""

    def __init__(self, fields: FieldVectors, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.fields = fields
        self.deep = deep_part(fields.n_fields * fields.width, hidden, dropout)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, categories: Tensor | None, many: Sequence[Tensor], numbers: Tensor | None) -> Tensor:
        """Return log-odds."""
        return self.odds(*self.fields(categories, many, numbers))

    def odds(self, vectors: Tensor, linear: Tensor) -> Tensor:
        """Return log-odds of vectors (N, K, D) and linear parts (N, K) of fields."""
        deep: Tensor = self.deep(vectors.flatten(1))[:, 0]
        return self.bias + linear.sum(dim=1) + deep


class DeepFm(WideDeep):
    """The same with all pairs of fields besides (Guo et al. 2017, IJCAI), (N,) log-odds."""

    def odds(self, vectors: Tensor, linear: Tensor) -> Tensor:
        """Return log-odds of vectors (N, K, D) and linear parts (N, K) of fields."""
        return super().odds(vectors, linear) + pairwise(vectors)
