"""Model ``unet``: an encoder and a decoder with shortcuts, 2D or 3D (Ronneberger et al. 2015, MICCAI).

The network is MONAI's UNet (Cardoso et al. 2022, arXiv:2211.02701; after Kerfoot et al. 2018): strided convolutions
down, transposed ones up, residual units; with group normalisation.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.base.registry import resolve
from auscult.domains.imaging.models.augment import AugmentConfig, augmented_pair
from auscult.engine.answers import kind_of
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx, fit_gradient

BATCH = 4
"""Volumes that the exported program takes at once: its memory is bounded whatever is asked."""


class UnetConfig(AugmentConfig):
    """Settings of the network."""

    widths: tuple[int, ...] = Setting((8, 16, 32), min_length=2, description="Channels from the top to the bottom.")
    units: int = Setting(0, ge=0, le=4, description="Residual units of a level.")
    dropout: float = Setting(0.0, ge=0, lt=1, description="Share of channels left out in training.")


class Unet:
    """A label for every pixel or voxel of an image on a fixed grid."""

    Config: ClassVar[type[Config]] = UnetConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("mask",)
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: UnetConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent on Dice and cross entropy."""
        c, kind = self._config, kind_of(context.spec)
        shape = train.inputs(np.zeros(1, dtype=np.int64))["image"].shape[1:]
        n_outputs = kind.n_outputs(context.spec)
        loss = resolve(kind.loss)(train.target(), n_outputs, context.settings)

        def network() -> nn.Module:
            return _Network(c, shape, n_outputs)

        def learn(net: nn.Module, batch: Batch) -> Tensor:
            image, target = augmented_pair(batch.inputs["image"], _truth(batch), c)
            made: Tensor = loss(net(image), target)
            return made

        def judge(net: nn.Module, batch: Batch) -> Tensor:
            made: Tensor = loss(net(batch.inputs["image"]), _truth(batch))
            return made

        step = Step("all", lambda net: net.parameters(), learn)
        plan = GradientPlan(network, ("image",), (step,), valid_loss=judge, export=_export)
        return fit_gradient(plan, train, valid, context)


def _truth(batch: Batch) -> Tensor:
    return batch.target if batch.target is not None else next(iter(batch.inputs.values()))


def _export(network: nn.Module, example: Batch) -> Program:
    graph = export_onnx(network, example, "probability", activation="softmax")
    return Program("forward", ("image",), {"main": graph}, settings={"batch": BATCH})


class _Network(nn.Module):
    """MONAI's network on an image that is padded to what its strides divide."""

    def __init__(self, config: UnetConfig, shape: tuple[int, ...], n_outputs: int) -> None:
        super().__init__()
        from monai.networks.nets.unet import UNet

        self.space = shape[1:]
        step = 2 ** (len(config.widths) - 1)
        gaps = [-s % step for s in reversed(self.space)]
        self.gaps = [side for gap in gaps for side in (0, gap)]
        self.network = UNet(
            spatial_dims=len(self.space),
            in_channels=shape[0],
            out_channels=n_outputs,
            channels=config.widths,
            strides=(2,) * (len(config.widths) - 1),
            num_res_units=config.units,
            norm=("GROUP", {"num_groups": 1}),
            dropout=config.dropout,
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, *S) -> (N, K, *S)."""
        padded = nn.functional.pad(image, self.gaps) if any(self.gaps) else image
        out: Tensor = self.network(padded)
        return out[(slice(None), slice(None), *(slice(0, s) for s in self.space))] if any(self.gaps) else out
