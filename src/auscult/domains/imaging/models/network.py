"""What the networks of a picture or a volume share: scaling, augmentation, members of several seeds, the head.

Such a network has a body, in which the models differ, and a head that answers from its vector. Bodies are written for
two or three space axes alike. Members are trained one after the other from different seeds; the exported program holds
all of them and answers with the mean of their probabilities (Lakshminarayanan et al. 2017, NeurIPS).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import FitContext, ItemSet, KindName, Program
from auscult.base.registry import resolve
from auscult.domains.imaging.models.augment import AugmentConfig, augmented
from auscult.engine.answers import kind_of
from auscult.engine.blocks.layers import Standardise
from auscult.engine.train import Batch, GradientFitted, GradientPlan, Step, fit_gradient

IMAGE_KINDS: tuple[KindName, ...] = ("class", "labels", "value")
MAX_SCALE_ITEMS = 2000
"""Items that mean and spread are taken from, evenly out of all."""


class ImageNetConfig(AugmentConfig):
    """Settings that every network of a picture has."""

    hidden: int = Setting(128, ge=1, description="Units of the layer before the answer.")
    dropout: float = Setting(0.2, ge=0, lt=1, description="Share of units left out in training.")
    members: int = Setting(1, ge=1, le=10, description="Networks of different seeds whose mean is the answer.")


class Body(nn.Module):
    """Turns a picture (N, C, H, W) or a volume (N, C, D, H, W) into a vector (N, ``width``)."""

    width: int


@dataclass(frozen=True, repr=False)
class Members:
    """Trained networks that answer together."""

    fitted: tuple[GradientFitted, ...]

    def export(self) -> Program:
        """Return one program with a graph a member."""
        parts = [one.export() for one in self.fitted]
        graphs = {f"member{k}": part.graphs["main"] for k, part in enumerate(parts)}
        return replace(parts[0], graphs=graphs)


def fit_network(
    body: Callable[[tuple[int, ...]], Body],
    train: ItemSet,
    valid: ItemSet,
    context: FitContext,
    *,
    config: ImageNetConfig,
) -> Members:
    """Train the members of a network whose body is given.

    Parameters
    ----------
    body : callable
        ``(C, *space) -> Body``, called once a member with its seed set.
    train, valid : ItemSet
        Items with ``image`` (N, C, H, W) or (N, C, D, H, W).
    context : FitContext
        What is answered, and how it is trained.
    config : ImageNetConfig
        Settings of head, augmentation and members.
    """
    plan = image_plan(body, train, context, config)
    return fit_members(plan, train, valid, context, members=config.members)


def fit_members(plan: GradientPlan, train: ItemSet, valid: ItemSet, context: FitContext, *, members: int) -> Members:
    """Train so many networks of one plan, one after the other, from different seeds."""
    fitted = []
    for k in range(members):
        own = replace(context, seed=context.seed + 1000 * k, folder=context.folder / f"member{k}")
        fitted.append(fit_gradient(plan, train, valid, own))
    return Members(tuple(fitted))


def image_plan(
    body: Callable[[tuple[int, ...]], Body], train: ItemSet, context: FitContext, config: ImageNetConfig
) -> GradientPlan:
    """Plan the training of a network whose body is given."""
    spec = context.spec
    kind = kind_of(spec)
    rows = np.linspace(0, len(train) - 1, min(len(train), MAX_SCALE_ITEMS)).astype(np.int64)
    sample = train.inputs(rows)["image"]
    loss = resolve(kind.loss)(train.target(), kind.n_outputs(spec), context.settings)

    def network() -> nn.Module:
        made = ImageNetwork(Standardise(sample), body(sample.shape[1:]), kind.n_outputs(spec), config)
        return channels_last(made, sample.ndim - 2)

    def learn(net: nn.Module, batch: Batch) -> Tensor:
        made: Tensor = loss(net(augmented(batch.inputs["image"], config)), batch.target)
        return made

    def judge(net: nn.Module, batch: Batch) -> Tensor:
        made: Tensor = loss(net(batch.inputs["image"]), batch.target)
        return made

    step = Step("all", lambda net: net.parameters(), learn)
    return GradientPlan(network, ("image",), (step,), valid_loss=judge)


class ImageNetwork(nn.Module):
    """Scale, body, one hidden layer, answer."""

    fresh = ("head.4.",)
    """The last layer starts anew where a pre-trained network has another number of answers."""

    def __init__(self, scale: Standardise, body: Body, n_outputs: int, config: ImageNetConfig) -> None:
        super().__init__()
        self.scale, self.body = scale, body
        self.head = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(body.width, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_outputs),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K)."""
        out: Tensor = self.head(self.body(self.scale(image)))
        return out


class AveragePool(nn.Module):
    """Adaptive average pooling to a grid, as products with fixed matrices: any size, in any exported graph."""

    def __init__(self, space: tuple[int, ...], size: int) -> None:
        super().__init__()
        for axis, n in enumerate(space):
            self.register_buffer(f"weight{axis}", _pool_weights(n, size))
        self.n_axes = len(space)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, *S) -> (N, C, size, …)."""
        for axis in range(self.n_axes):
            x = (x.transpose(2 + axis, -1) @ getattr(self, f"weight{axis}")).transpose(2 + axis, -1)
        return x


def _pool_weights(before: int, after: int) -> Tensor:
    """Weights of adaptive average pooling along one axis, (before, after)."""
    weight = torch.zeros(before, after)
    for k in range(after):
        first, last = k * before // after, -(-(k + 1) * before // after)
        weight[first:last, k] = 1.0 / (last - first)
    return weight


def channels_last(network: nn.Module, n_axes: int) -> nn.Module:
    """Keep the channels of a pixel beside each other: convolutions of few channels run a quarter faster so."""
    layout = torch.channels_last if n_axes == 2 else torch.channels_last_3d
    made: nn.Module = network.to(memory_format=layout)  # type: ignore[call-overload]
    return made


def convolution(n_axes: int) -> type[nn.Conv2d] | type[nn.Conv3d]:
    """Return the convolution for two or three space axes."""
    return nn.Conv2d if n_axes == 2 else nn.Conv3d


def max_pool(n_axes: int) -> nn.Module:
    """Return 2 × 2 (× 2) max pooling; an odd row at the end has a field of its own."""
    return nn.MaxPool2d(2, ceil_mode=True) if n_axes == 2 else nn.MaxPool3d(2, ceil_mode=True)


def pooled_vector(x: Tensor) -> Tensor:
    """Mean and maximum over space: (N, C, *S) -> (N, 2 C)."""
    flat = x.flatten(2)
    return torch.cat([flat.mean(dim=2), flat.amax(dim=2)], dim=1)
