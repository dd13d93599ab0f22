"""Model ``region-net``: the thing that stands out, turned along its axis, and a dense network on its edges and colours.

Where pictures show one thing on an even ground this needs few of them: where the thing lies and how it is turned is not
learned. Half of the things are seen upside down in training, which is another order of their edges. Labels are smoothed
(Szegedy et al. 2016, CVPR); the answer is the mean of a few networks of different seeds.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.base.errors import DataError
from auscult.domains.imaging.models.network import fit_members
from auscult.domains.imaging.models.region_trees import single
from auscult.domains.imaging.preprocess.aligned import SIZES, UPSIDE_DOWN
from auscult.engine.blocks.layers import Standardise
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx

SMOOTHED = 0.05
INPUTS = ("features", "edges")


class RegionNetConfig(Config):
    """Settings of the networks."""

    hidden: int = Setting(256, ge=1, description="Units of the hidden layer.")
    dropout: float = Setting(0.5, ge=0, lt=1, description="Share of hidden units left out in training.")
    thinned: float = Setting(0.2, ge=0, lt=1, description="Share of inputs left out in training.")
    members: int = Setting(3, ge=1, le=10, description="Networks of different seeds whose mean is the answer.")


class RegionNet:
    """The class of the one region of a picture; it learns from pictures with a single box."""

    Config: ClassVar[type[Config]] = RegionNetConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("boxes",)
    inputs: ClassVar[tuple[str, ...]] = (*INPUTS, "region")

    def __init__(self, config: RegionNetConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent.

        Raises
        ------
        DataError
            If no training picture has exactly one box.
        """
        c, n_classes = self._config, len(context.spec.labels)
        train, valid = single(train, INPUTS), single(valid, INPUTS)
        if not (train.target() >= 0).any():
            raise DataError("region-net: expected pictures with one box, got none; take the model 'detector'")
        values = train.inputs()
        sample = np.concatenate([values[name] for name in INPUTS], axis=1)
        steps = (Step("all", lambda network: network.parameters(), _learn),)
        plan = GradientPlan(
            lambda: RegionNetwork(sample, c, n_classes), INPUTS, steps, valid_loss=_judge, export=_export
        )
        return fit_members(plan, train, valid, context, members=c.members)


class RegionNetwork(nn.Module):
    """Numbers of a region (N, F), (N, E) -> logits of the classes (N, K)."""

    def __init__(self, sample: Array, config: RegionNetConfig, n_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Standardise(sample),
            nn.Dropout(config.thinned),
            nn.Linear(sample.shape[1], config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_classes),
        )

    def forward(self, features: Tensor, edges: Tensor) -> Tensor:
        """Side by side, standardised, one hidden layer."""
        out: Tensor = self.layers(torch.cat([features, edges], dim=1))
        return out


def _learn(network: nn.Module, batch: Batch) -> Tensor:
    values = torch.where(torch.rand(len(batch), 1) < 0.5, batch.inputs["edges"], upside_down(batch.inputs["edges"]))
    return _loss(network(batch.inputs["features"], values), batch, SMOOTHED)


def _judge(network: nn.Module, batch: Batch) -> Tensor:
    return _loss(network(*batch.inputs.values()), batch, 0.0)


def _loss(output: Tensor, batch: Batch, smoothed: float) -> Tensor:
    return functional.cross_entropy(output, batch.truth.long(), ignore_index=-1, label_smoothing=smoothed)


def upside_down(edges: Tensor) -> Tensor:
    """Size and edges of the same things seen upside down: (N, 2 + E) -> (N, 2 + E)."""
    order = torch.as_tensor(UPSIDE_DOWN, device=edges.device)
    return torch.cat([edges[:, :SIZES], edges[:, SIZES + order]], dim=1)


def _export(network: nn.Module, example: Batch) -> Program:
    graph = export_onnx(network, example, "probability", activation="softmax")
    return Program("forward", INPUTS, {"main": graph})
