"""What ``wide-deep`` and ``deepfm`` share: the fields of a pair, how it is learned, and its export. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Index, ItemSet, Program
from auscult.domains.recommend.models.fields import FieldVectors
from auscult.domains.recommend.models.pairs import counts_of, judged_pairs, training_pairs
from auscult.domains.recommend.preprocess.catalogue import BUCKETS
from auscult.engine.train import Batch, GradientFitted, GradientPlan, Step, export_onnx, fit_gradient

INPUTS = ("item", "attribute", "history")
CONTEXT = "context"
Head = Callable[[FieldVectors], nn.Module]


class ClickNetworkConfig(Config):
    """Settings of a network over fields."""

    width: int = Setting(16, ge=1, description="Length of the vector of a field.")
    hidden: tuple[int, ...] = Setting((64, 32), description="Widths of the deep layers.")
    dropout: float = Setting(0.3, ge=0, lt=1, description="Share of the deep units that a step leaves out.")
    encoding: Literal["vocabulary", "hashed"] = Setting(
        "vocabulary", description="Items and attributes of training each have a vector, or all share 'buckets' of them."
    )
    buckets: int = Setting(4096, ge=2, description="Vectors of each field, for hashed values.")
    unknown: float = Setting(
        0.02, ge=0, lt=0.5, description="Share of training items shown as unknown, so that a new item has a vector too."
    )
    history: int = Setting(50, ge=1, description="Latest items that stand for a user; as the task's.")


class Slots(nn.Module):
    """Turns numbers of items or attributes into rows of a table; what training has not seen is row 0."""

    rows: Tensor

    def __init__(self, seen: Index, config: ClickNetworkConfig) -> None:
        super().__init__()
        rows = np.zeros(BUCKETS, dtype=np.int64)
        if config.encoding == "hashed":
            rows[1:] = 1 + np.arange(BUCKETS - 1) % (config.buckets - 1)
            self.size = config.buckets
        else:
            known = np.unique(seen[seen > 0])
            rows[known] = np.arange(1, len(known) + 1)
            self.size = len(known) + 1
        self.register_buffer("rows", torch.as_tensor(rows))

    def forward(self, numbers: Tensor) -> Tensor:
        """Return rows, of any shape."""
        return self.rows[numbers]


class ClickNetwork(nn.Module):
    """Fields of a pair: the item, its attributes, the user's items, the context if any, three counts; then a head."""

    counts: Tensor
    center: Tensor
    scale: Tensor

    def __init__(self, train: ItemSet, config: ClickNetworkConfig, head: Head) -> None:
        super().__init__()
        inputs = train.inputs()
        self.items = Slots(inputs["item"], config)
        self.attributes = Slots(inputs["attribute"], config)
        self.register_buffer("counts", torch.as_tensor(counts_of(train, BUCKETS), dtype=torch.float32))
        self.unknown = config.unknown
        size = self.items.size
        self.context = Slots(inputs[CONTEXT], config) if _has_context(train) else None
        categories = [size] if self.context is None else [size, self.context.size]
        fields = FieldVectors(categories, [self.attributes.size, size], 3, config.width)
        self.register_buffer("center", torch.zeros(3))
        self.register_buffer("scale", torch.ones(3))
        tensors = [torch.as_tensor(inputs[n]) for n in (*INPUTS, "own")]
        numbers = self.numbers(*tensors)
        self.center, self.scale = numbers.mean(dim=0), 1 / numbers.std(dim=0).clamp(min=1e-3)
        self.head = head(fields)

    def numbers(self, item: Tensor, attribute: Tensor, history: Tensor, own: Tensor | None = None) -> Tensor:
        """Users of the item without the pair itself, items of the user, attributes: as logarithms, (N, 3)."""
        count = self.counts[item] if own is None else self.counts[item] - own * (item > 0)
        activity = (history > 0).sum(dim=1).float()
        told = (attribute > 0).sum(dim=1).float()
        return (torch.stack([count, activity, told], dim=1).log1p() - self.center) * self.scale

    def forward(
        self,
        item: Tensor,
        attribute: Tensor,
        history: Tensor,
        context: Tensor | None = None,
        *,
        own: Tensor | None = None,
    ) -> Tensor:
        """Log-odds of both answers, (N, 2)."""
        if self.training and self.unknown:
            item = torch.where(torch.rand(item.shape, device=item.device) < self.unknown, 0, item)
        numbers = self.numbers(item, attribute, history, own)
        many = [self.attributes(attribute), self.items(history)]
        one = [self.items(item)]
        if self.context is not None and context is not None:
            if self.training and self.unknown:
                context = torch.where(torch.rand(context.shape, device=context.device) < self.unknown, 0, context)
            one.append(self.context(context))
        odds = self.head(torch.stack(one, dim=1), many, numbers)
        return torch.stack([torch.zeros_like(odds), odds], dim=1)


def _has_context(train: ItemSet) -> bool:
    """Whether training says where anything was shown."""
    return CONTEXT in train.items.inputs and bool(np.any(train.items.inputs[CONTEXT][train.rows]))


def fit_click(
    config: ClickNetworkConfig, head: Head, data: tuple[ItemSet, ItemSet], context: FitContext
) -> GradientFitted:
    """Train a network over fields on pairs with their histories."""
    train, valid = data
    pairs = training_pairs(train, config.history, context.seed)
    judged = judged_pairs(valid, train, config.history)
    shown = (*INPUTS, CONTEXT) if _has_context(pairs) else INPUTS

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        if batch.target is None:
            return torch.zeros(())
        odds = network(*(batch.inputs[name] for name in shown), own=batch.inputs["own"])
        return nn.functional.cross_entropy(odds, batch.target.long())

    step = Step("all", lambda network: network.parameters(), loss, fused=True)

    def export(network: nn.Module, example: Batch) -> Program:
        some = Batch({name: example.inputs[name] for name in shown}, None)
        return Program("forward", shown, {"main": export_onnx(network, some, "probability", activation="softmax")})

    plan = GradientPlan(lambda: ClickNetwork(pairs, config, head), (*shown, "own"), (step,), export=export)
    return fit_gradient(plan, pairs, judged, context)
