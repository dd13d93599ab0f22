"""Features by field as vectors: categories, lists of values, and numbers. Needs torch.

One table holds the categories of all fields, so that a batch of many fields is one look-up. The last column of every
vector is its weight in the linear part (the first order of a factorisation machine, Rendle 2010, ICDM).

A step of training costs what it reads and writes, as the vectors of a batch are far larger than a processor's cache. So
the vector of a number, which is that number times a vector of its field, is never written out: what the layers and the
pairs make of it is a product of the few numbers with what was made of the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

SPREAD = 0.05


class FieldVectors(nn.Module):
    """Vectors of fields with their linear weights.

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

    def forward(self, categories: Tensor | None, many: Sequence[Tensor]) -> Tensor:
        """Look up (N, C) categories and M lists of (N, L): (N, C + M, D + 1)."""
        parts = []
        if self.table is not None and categories is not None:
            rows = (categories + self.starts).flatten()  # selected, as the gradient of an embedding is 2.6 times slower
            parts.append(self.table.weight.index_select(0, rows).view(*categories.shape, -1))  # (N, C, D + 1)
        for values, part in zip(many, self.lists, strict=True):
            count = (values > 0).sum(dim=1, keepdim=True).clamp(min=1)
            parts.append((part(values).sum(dim=1) / count)[:, None])  # (N, L, D + 1) -> (N, 1, D + 1)
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def layer(self, first: nn.Module, flat: Tensor, numbers: Tensor | None) -> Tensor:
        """A layer on the vectors of all fields, (N, H): those looked up, (N, K * D), and those of (N, F) numbers."""
        bias, weight = first.get_parameter("bias"), first.get_parameter("weight")
        if self.numbers is None or numbers is None:
            return torch.addmm(bias, flat, weight.t())
        looked_up, rest = weight[:, : flat.shape[1]], weight[:, flat.shape[1] :]
        each = (rest.view(len(rest), -1, self.width) * self.numbers[:, : self.width]).sum(dim=2)  # (H, F)
        return torch.addmm(torch.addmm(bias, numbers, each.t()), flat, looked_up.t())


def _joined(whole: Tensor, more: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Vectors side by side, (N, K * D), sum of the weights, (N,), pairs, (N,), and the sum of the vectors, (N, D).

    ``whole`` (N, K, D + 1) is vectors with weights, ``more`` (N, D) a sum of further vectors, whose own squares the
    pairs still hold.
    """
    n, fields, width = whole.shape[0], whole.shape[1], whole.shape[2] - 1
    flat = whole[:, :, :width].reshape(n, fields * width)
    total = flat.view(n, fields, width).sum(dim=1)
    total = total if more is None else total + more
    pairs = 0.5 * (total.square().sum(dim=1) - torch.linalg.vector_norm(flat, dim=1).square())
    return flat, whole[:, :, width].sum(dim=1), pairs, total


class _Joined(torch.autograd.Function):
    """``_joined`` with the gradient of all three written at once; by its parts it is read and written ten times."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, more: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        flat, linear, pairs, total = _joined(whole, more)
        ctx.save_for_backward(flat, total)
        ctx.shape, ctx.has_more = whole.shape, more is not None
        return flat, linear, pairs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None]:
        of_flat, of_linear, of_pairs = gradients
        flat, total = ctx.saved_tensors
        n, fields, width = ctx.shape[0], ctx.shape[1], ctx.shape[2] - 1
        of_total = of_pairs[:, None] * total
        made = flat.new_empty(ctx.shape)
        vectors = made[:, :, :width]
        torch.add(of_flat.view(n, fields, width), of_total[:, None], out=vectors)
        vectors.addcmul_(flat.view(n, fields, width), of_pairs[:, None, None], value=-1)
        made[:, :, width] = of_linear[:, None]
        return made, of_total if ctx.has_more else None


class Dropout(nn.Module):
    """Leave out a share of the units in training, and make the others larger by what is left out.

    One random number of 64 bits decides about four units, so that the share is a multiple of 2^-16; drawing one for
    each, as ``nn.Dropout`` does on a processor, took a tenth of a step.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.left_out = round(share * (1 << 16))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, H) units."""
        if not self.training or not self.left_out:
            return x
        drawn = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(-(1 << 63), None)
        kept = drawn.view(torch.int16)[: x.numel()].view(x.shape) >= self.left_out - (1 << 15)
        return x * kept.to(x.dtype).mul_((1 << 16) / ((1 << 16) - self.left_out))


def deep_part(n_inputs: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Fully connected layers that end in one number."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(n_inputs, width), nn.ReLU(), Dropout(dropout)]
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
        flat, odds = self.parts(self.fields(categories, many), numbers)
        first, *rest = self.deep
        hidden = self.fields.layer(first, flat, numbers)
        for layer in rest:
            hidden = layer(hidden)
        odds = odds + self.bias + hidden[:, 0]
        weights = self.fields.numbers
        return odds if weights is None or numbers is None else odds + numbers @ weights[:, -1]

    def parts(self, whole: Tensor, numbers: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vectors side by side, (N, K * D), and what they add to the log-odds, (N,), of fields (N, K, D + 1)."""
        return whole[:, :, :-1].flatten(1), whole[:, :, -1].sum(dim=1)


class DeepFm(WideDeep):
    """The same with all pairs of fields besides (Guo et al. 2017, IJCAI), (N,) log-odds.

    Their sum is half the square of the sum less half the sum of the squares, in time linear in K (Rendle 2010).
    """

    def parts(self, whole: Tensor, numbers: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vectors side by side, (N, K * D), and what they add to the log-odds, (N,), of fields (N, K, D + 1)."""
        width, own = self.fields.width, self.fields.numbers
        more = None if own is None or numbers is None else numbers @ own[:, :width]
        if self.training:
            flat, linear, pairs = _Joined.apply(whole, more)  # type: ignore[no-untyped-call]
        else:
            flat, linear, pairs, _ = _joined(whole, more)
        if own is not None and numbers is not None:
            pairs = pairs - 0.5 * (numbers.square() @ own[:, :width].square().sum(dim=1))
        return flat, linear + pairs
