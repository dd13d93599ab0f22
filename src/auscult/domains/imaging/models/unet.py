"""Model ``unet``: an encoder and a decoder with shortcuts, 2D or 3D (Ronneberger et al. 2015, MICCAI).

The network is MONAI's UNet (Cardoso et al. 2022, arXiv:2211.02701; after Kerfoot et al. 2018): strided convolutions
down, transposed ones up, residual units; with group normalisation. Each channel is a group of its own unless the
recipe says otherwise: contrast differs from scanner to scanner, and so trained (on hippocampi) it learns several times
faster than with one group.
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
    fold: int = Setting(
        1, ge=1, le=4, description="Side of the blocks of voxels that become channels at the top and voxels at the end."
    )
    groups: int = Setting(0, ge=0, description="Groups of channels that are normalised together; 0 is one a channel.")
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
            image, target = augmented_pair(batch.inputs["image"], batch.truth, c)
            made: Tensor = loss(net(image), target)
            return made

        def judge(net: nn.Module, batch: Batch) -> Tensor:
            made: Tensor = loss(net(batch.inputs["image"]), batch.truth)
            return made

        step = Step("all", lambda net: net.parameters(), learn)
        plan = GradientPlan(network, ("image",), (step,), valid_loss=judge, export=_export)
        return fit_gradient(plan, train, valid, context)


def _export(network: nn.Module, example: Batch) -> Program:
    graph = export_onnx(network, example, "probability", activation="softmax")
    return Program("forward", ("image",), {"main": graph}, settings={"batch": BATCH})


class _Network(nn.Module):
    """MONAI's network on an image that is padded to what its strides divide; blocks of voxels may be its channels.

    With blocks (Shi et al. 2016, CVPR, sub-pixel convolution) every convolution works on a coarser grid with more
    channels, which a processor does several times faster than the same number of weights on the full grid.
    """

    def __init__(self, config: UnetConfig, shape: tuple[int, ...], n_outputs: int) -> None:
        super().__init__()
        from monai.networks.nets.unet import UNet

        self.space, self.fold = shape[1:], config.fold
        step = config.fold * 2 ** (len(config.widths) - 1)
        gaps = [-s % step for s in reversed(self.space)]
        self.gaps = [side for gap in gaps for side in (0, gap)]
        block = config.fold ** len(self.space)
        self.network = UNet(
            spatial_dims=len(self.space),
            in_channels=shape[0] * block,
            out_channels=n_outputs * block,
            channels=config.widths,
            strides=(2,) * (len(config.widths) - 1),
            num_res_units=config.units,
            norm=("GROUP", {"num_groups": config.groups}) if config.groups else ("INSTANCE", {"affine": True}),
            dropout=config.dropout,
        )
        _as_groups(self.network)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, *S) -> (N, K, *S)."""
        padded = nn.functional.pad(image, self.gaps) if any(self.gaps) else image
        out: Tensor = unfolded(self.network(folded(padded, self.fold)), self.fold)
        return out[(slice(None), slice(None), *(slice(0, s) for s in self.space))] if any(self.gaps) else out


def _as_groups(network: nn.Module) -> None:
    """Replace normalisation of single channels by the same as group normalisation, which takes any size of image."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.InstanceNorm2d | nn.InstanceNorm3d):
                setattr(module, name, nn.GroupNorm(child.num_features, child.num_features))


def folded(x: Tensor, side: int) -> Tensor:
    """Blocks of voxels as channels: (N, C, *S) -> (N, C side^A, *S / side) for A space axes."""
    if side == 1:
        return x
    n_axes = x.ndim - 2
    shape = [x.shape[1]]
    for size in x.shape[2:]:
        shape += [size // side, side]
    order = [0, 1, *(3 + 2 * a for a in range(n_axes)), *(2 + 2 * a for a in range(n_axes))]
    blocks = x.reshape(-1, *shape).permute(order)
    return blocks.reshape(-1, x.shape[1] * side**n_axes, *(s // side for s in x.shape[2:]))


def unfolded(x: Tensor, side: int) -> Tensor:
    """Undo ``folded``: (N, C side^A, *S) -> (N, C, *S side)."""
    if side == 1:
        return x
    n_axes = x.ndim - 2
    channels = x.shape[1] // side**n_axes
    blocks = x.reshape(-1, channels, *[side] * n_axes, *x.shape[2:])
    order = [0, 1]
    for axis in range(n_axes):
        order += [2 + n_axes + axis, 2 + axis]
    return blocks.permute(order).reshape(-1, channels, *(s * side for s in x.shape[2:]))
