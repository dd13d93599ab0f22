"""What the networks of a sequence share: which inputs they take, how these are scaled, what they answer from.

Such a network has three parts. The front makes channels in time (N, C, T) and a vector beside them (N, F) out of
the item's inputs; the body, in which the models differ, turns the channels into one vector; the head answers from
both vectors. Values are answered as a scaled change: from the last value of a history, else from the mean of the
training targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Index, ItemSet, KindName, TaskSpec
from auscult.base.errors import UsageError
from auscult.engine.answers import kind_of
from auscult.engine.blocks.layers import Standardise
from auscult.engine.train import GradientFitted, GradientPlan, fit_gradient

SEQUENCE_KINDS: tuple[KindName, ...] = ("class", "labels", "value", "events")
MAX_SCALE_ITEMS = 5000
"""Items that mean and spread of the inputs are taken from, evenly out of all."""


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("expected an odd number, so that a convolution has a middle")
    return value


OddLength = Annotated[int, AfterValidator(_odd)]


class SequenceConfig(Config):
    """Settings that every network of a sequence has."""

    hidden: int = Setting(64, ge=1, description="Units of the layer before the answer.")
    dropout: float = Setting(0.2, ge=0, lt=1, description="Share of units left out in training.")


class Body(nn.Module):
    """Turns channels in time (N, C, T) into a vector (N, ``width``)."""

    width: int


def fit_sequence(
    body: Callable[[int, int], Body],
    train: ItemSet,
    valid: ItemSet,
    context: FitContext,
    *,
    config: SequenceConfig,
) -> GradientFitted:
    """Train a network whose body is given; items whose input ``weight`` is 0 are judged but not learned from."""
    weight = train.items.inputs.get("weight")
    learned = train if weight is None else ItemSet(train.items, train.rows[np.asarray(weight[train.rows]) > 0])
    return fit_gradient(sequence_plan(config, body, learned, context.spec), learned, valid, context)


def sequence_plan(
    config: SequenceConfig, body: Callable[[int, int], Body], train: ItemSet, spec: TaskSpec
) -> GradientPlan:
    """Plan the training of a network whose body is given.

    Parameters
    ----------
    config : SequenceConfig
        Settings of the head.
    body : callable
        ``(channels, samples) -> Body``, called once with the seed set.
    train : ItemSet
        Items with ``window`` (N, C, T), and ``features`` (N, F) where present; or with ``history`` (N, L), in the
        unit of the answer and the oldest value first, and ``day`` (N, 1), the time of day from 0 to 1, where
        present.
    spec : TaskSpec
        What is answered; values that follow a history are answered as the change from its last value.

    Raises
    ------
    UsageError
        If the items hold no sequence.
    """
    names = sequence_inputs(train)
    rows = np.linspace(0, len(train) - 1, min(len(train), MAX_SCALE_ITEMS)).astype(np.int64)
    sample = train.inputs(rows)
    arrays = [sample[name] for name in names]
    scale = _scale(train, rows, spec, arrays[0] if names[0] == "history" else None)

    def network() -> nn.Module:
        front = _HistoryFront(*arrays) if names[0] == "history" else _WindowFront(*arrays)
        return SequenceNetwork(front, body(front.channels, arrays[0].shape[-1]), scale, config)

    return GradientPlan(network, names)


def sequence_inputs(train: ItemSet) -> tuple[str, ...]:
    """Name the inputs that a network of a sequence takes: the sequence, and what stands beside it.

    Raises
    ------
    UsageError
        If the items hold no sequence; says what they hold.
    """
    held = train.items.inputs
    for sequence, beside in (("window", "features"), ("history", "day")):
        if sequence in held:
            return (sequence, beside) if beside in held else (sequence,)
    raise UsageError(
        "[model]: expected a task whose items hold a sequence, 'window' or 'history', got "
        f"{', '.join(sorted(held))}; choose a model that needs none"
    )


@dataclass(frozen=True, repr=False)
class _Scale:
    """What the head's output, which starts at 0, is a scaled change from.

    ``level`` and ``spread`` are (K,), in the unit of the answer; with ``from_last`` the last value is the level.
    """

    level: Array
    spread: Array
    from_last: bool = False


def _scale(train: ItemSet, rows: Index, spec: TaskSpec, history: Array | None) -> _Scale:
    n_outputs = kind_of(spec).n_outputs(spec)
    if spec.kind != "value":
        return _Scale(np.zeros(n_outputs), np.ones(n_outputs))
    target = train.target(rows).astype(np.float64)
    level = np.nanmean(target, axis=0) if history is None else np.zeros(n_outputs)
    spread = np.nanstd(target - (0.0 if history is None else history[:, -1:]), axis=0)
    return _Scale(level, np.where(spread > 0, spread, 1.0), history is not None)


class _WindowFront(nn.Module):
    """Standardise channels and features."""

    def __init__(self, window: Array, features: Array | None = None) -> None:
        super().__init__()
        self.channels = window.shape[1]
        self.window = Standardise(window)
        self.features = None if features is None else Standardise(features)
        self.width = 0 if features is None else features.shape[1]

    def forward(self, window: Tensor, features: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(N, C, T) and (N, F) -> the same, standardised."""
        return self.window(window), [] if self.features is None else [self.features(features)]


class _HistoryFront(nn.Module):
    """The history as changes towards its last value; the last value and the time of day beside."""

    def __init__(self, history: Array, day: Array | None = None) -> None:
        super().__init__()
        last = history[:, -1:]
        self.channels = 1
        self.change, self.level = Standardise((history - last)[:, None]), Standardise(last)
        self.width = 1 if day is None else 3

    def forward(self, history: Tensor, day: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """(N, L) and (N, 1) -> (N, 1, L) and the last value, sine and cosine of the time of day, each (N, 1)."""
        last = history[:, -1:]
        beside = [self.level(last)]
        if day is not None:
            angle = 2 * math.pi * day
            beside += [torch.sin(angle), torch.cos(angle)]
        return self.change((history - last).unsqueeze(1)), beside


class SequenceNetwork(nn.Module):
    """Front, body and head; the last layer starts at zero, so an untrained network answers the level.

    Parameters
    ----------
    front : module
        Makes (N, C, T) and (N, F) of the inputs.
    body : Body
        The model.
    scale : _Scale
        What the answer is a change from.
    config : SequenceConfig
        Settings of the head.
    """

    level: Tensor
    spread: Tensor

    def __init__(self, front: _WindowFront | _HistoryFront, body: Body, scale: _Scale, config: SequenceConfig) -> None:
        super().__init__()
        self.front, self.body, self.from_last = front, body, scale.from_last
        self.register_buffer("level", torch.as_tensor(scale.level, dtype=torch.float32))
        self.register_buffer("spread", torch.as_tensor(scale.spread, dtype=torch.float32))
        last = nn.Linear(config.hidden, len(scale.level))
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.head = nn.Sequential(
            nn.Linear(body.width + front.width, config.hidden), nn.ReLU(), nn.Dropout(config.dropout), last
        )

    def forward(self, sequence: Tensor, *beside: Tensor) -> Tensor:
        """(N, C, T) or (N, L), with what stands beside it -> (N, K)."""
        x, near = self.front(sequence, *beside)
        change: Tensor = self.head(torch.cat([self.body(x), *near], dim=1))
        return (sequence[:, -1:] if self.from_last else self.level) + self.spread * change
