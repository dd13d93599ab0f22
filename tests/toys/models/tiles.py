"""Models ``tiles`` and ``no-tiles`` by the driver ``tiled``: a small convolution, and the share of each label."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from torch import nn

from auscult.base.contracts import FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.answers import kind_of
from auscult.engine.train import Batch, GradientPlan, export_onnx, fit_gradient
from toys.graphs import constant_tile_graph
from toys.models.common import Plain, Ready

TILE = 16
SETTINGS = {"tile": [TILE, TILE], "overlap": 0.5}


class Tiles(Plain):
    """Two convolutions, learned on whole pictures and exported for tiles."""

    kinds: ClassVar[tuple[KindName, ...]] = ("mask",)
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        n_outputs = kind_of(context.spec).n_outputs(context.spec)

        def network() -> nn.Module:
            return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, n_outputs, 1))

        def export(trained: nn.Module, example: Batch) -> Program:
            tile = Batch({"image": example.inputs["image"][..., :TILE, :TILE].contiguous()}, None)
            graph = export_onnx(trained, tile, "probability", activation="softmax")
            return Program("tiled", ("image",), {"main": graph}, {}, SETTINGS)

        return fit_gradient(GradientPlan(network, ("image",), export=export), train, valid, context)


class NoTiles(Plain):
    """The same probabilities everywhere."""

    kinds: ClassVar[tuple[KindName, ...]] = ("mask",)
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Ready:
        """Count pixels."""
        share = np.bincount(train.target().ravel(), minlength=2) / train.target().size
        return Ready(Program("tiled", ("image",), {"main": constant_tile_graph(share, TILE)}, {}, SETTINGS))
