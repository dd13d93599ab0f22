"""Model ``detector``: in one pass and without anchors, each field of a grid says what is there and where its sides lie.

After Tian et al. 2019, ICCV (FCOS), on one grid: fields near the middle of a box learn its class and the distances to
its sides. Class loss: focal, with the overlap of box and answer as its target (Li et al. 2020, NeurIPS); side loss:
generalised overlap (Rezatofighi et al. 2019, CVPR). Convolutions are separable (Chollet 2017, CVPR), so that a
processor can train it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn
from torch.nn import functional

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.blocks.layers import group_norm
from auscult.engine.train import Batch, GradientPlan, Step, export_onnx, fit_gradient

STRIDE = 16
RADIUS = 1.5
"""Fields that learn a box lie at most so many fields from its middle."""
RARE = 0.01
"""Share of fields with something, before anything was learned."""
SIDE_WEIGHT = 2.0
BATCH = 32


class DetectorConfig(Config):
    """Settings of the network and of what is done to training pictures."""

    width: int = Setting(8, ge=8, description="Channels at a quarter of the side; twice and four times as many below.")
    depth: int = Setting(1, ge=1, le=6, description="Separable convolutions at each size.")
    mirror: bool = Setting(True, description="Whether pictures are mirrored and turned by quarters at random.")
    contrast: float = Setting(0.2, ge=0, le=1, description="Largest relative change of contrast and brightness.")


class Detector:
    """Boxes of a picture in one pass."""

    Config: ClassVar[type[Config]] = DetectorConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("boxes",)
    inputs: ClassVar[tuple[str, ...]] = ("image", "region")

    def __init__(self, config: DetectorConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train by gradient descent."""
        c, n_classes = self._config, len(context.spec.labels)

        def learn(network: nn.Module, batch: Batch) -> Tensor:
            image, boxes = augmented_boxes(batch.inputs["image"].float() / 255, batch.truth, c)
            return detection_loss(network(image * 255), boxes, image.shape[-1])

        def judge(network: nn.Module, batch: Batch) -> Tensor:
            return detection_loss(network(batch.inputs["image"]), batch.truth, batch.inputs["image"].shape[-1])

        step = Step("all", lambda network: network.parameters(), learn)
        plan = GradientPlan(
            lambda: DetectorNetwork(c, n_classes), ("image",), (step,), valid_loss=judge, export=_export
        )
        return fit_gradient(plan, train, valid, context)


def _export(network: nn.Module, example: Batch) -> Program:
    graph = export_onnx(_Answer(network), example, "map")
    return Program("forward", ("image",), {"main": graph}, settings={"batch": BATCH})


class _Separable(nn.Module):
    """A 5 × 5 convolution of each channel and a mix of all, beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.each = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.norm = group_norm(channels)
        self.mix = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        out: Tensor = x + self.mix(self.norm(self.each(x)))
        return out


class DetectorNetwork(nn.Module):
    """Picture (N, 3, H, W), 0 to 255 -> (N, K + 4, H/16, W/16): logits of the classes, distances to the sides."""

    def __init__(self, config: DetectorConfig, n_classes: int) -> None:
        super().__init__()
        widths = [config.width * k for k in (1, 2, 4)]
        layers: list[nn.Module] = [nn.PixelUnshuffle(4), nn.Conv2d(48, widths[0], 1)]
        for k, width in enumerate(widths):
            if k:
                layers += [nn.PixelUnshuffle(2), nn.Conv2d(4 * widths[k - 1], width, 1)]
            layers += [_Separable(width) for _ in range(config.depth)]
        self.body = nn.Sequential(*layers, _Separable(widths[-1]), group_norm(widths[-1]), nn.ReLU())
        self.classes = nn.Conv2d(widths[-1], n_classes, 1)
        self.sides = nn.Conv2d(widths[-1], 4, 1)
        nn.init.constant_(self.classes.bias if self.classes.bias is not None else self.classes.weight, _logit(RARE))

    def forward(self, image: Tensor) -> Tensor:
        """Distances are in pixels of the picture and above 0."""
        x = self.body(image.float() / 127.5 - 1)
        return torch.cat([self.classes(x), STRIDE * functional.softplus(self.sides(x) + 1)], dim=1)


class _Answer(nn.Module):
    """A detector that gives scores in place of logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, K + 4, G, G)."""
        maps: Tensor = self.network(image)
        return torch.cat([maps[:, :-4].sigmoid(), maps[:, -4:]], dim=1)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def augmented_boxes(image: Tensor, boxes: Tensor, config: DetectorConfig) -> tuple[Tensor, Tensor]:
    """Mirror and turn a batch of square pictures with their boxes, and change each one's contrast.

    Parameters
    ----------
    image : (N, 3, S, S) tensor
        0 to 1.
    boxes : (N, M, 5) tensor
        Corners and class; class -1 is no box.
    """
    side = float(image.shape[-1])
    if config.mirror:
        turned = torch.rand(3) < 0.5
        if turned[0]:
            image, boxes = (
                image.flip(-1),
                torch.stack(
                    [side - boxes[..., 2], boxes[..., 1], side - boxes[..., 0], boxes[..., 3], boxes[..., 4]], dim=-1
                ),
            )
        if turned[1]:
            image, boxes = (
                image.flip(-2),
                torch.stack(
                    [boxes[..., 0], side - boxes[..., 3], boxes[..., 2], side - boxes[..., 1], boxes[..., 4]], dim=-1
                ),
            )
        if turned[2]:
            image, boxes = image.transpose(-1, -2), boxes[..., [1, 0, 3, 2, 4]]
    if config.contrast:
        gain, level = (config.contrast * (2 * torch.rand(2, len(image), 1, 1, 1) - 1)).unbind()
        image = ((image - 0.5) * (1 + gain) + 0.5 + 0.5 * level).clamp(0, 1)
    return image, boxes


def detection_loss(maps: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Loss of a batch.

    Parameters
    ----------
    maps : (N, K + 4, G, G) tensor
        Logits and distances.
    boxes : (N, M, 5) tensor
        Corners in pixels and class; class -1 is no box.
    side : int
        Pixels along each side of the picture.
    """
    grid = maps.shape[-1]
    flat = maps.flatten(2).transpose(1, 2)  # (N, C, G, G) -> (N, F, K + 4)
    centre = _centres(grid, side).to(maps)
    owner = field_owners(centre, boxes, side / grid)  # (N, F)
    positive = owner >= 0
    mine = boxes.gather(1, owner.clamp(min=0)[..., None].expand(-1, -1, 5))  # (N, F, 5)
    reach = flat[..., -4:]
    found = torch.cat([centre - reach[..., :2], centre + reach[..., 2:]], dim=-1)
    overlap, general = _overlaps(found[positive], mine[positive][:, :4])
    quality = torch.zeros_like(flat[..., :-4])
    image, field = positive.nonzero(as_tuple=True)
    quality[image, field, mine[positive][:, 4].long()] = overlap.detach().clamp(min=0.05)
    logits = flat[..., :-4]
    weight = (quality - logits.sigmoid()).abs().square().detach()
    focal = (weight * functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")).sum()
    count = positive.sum().clamp(min=1)
    return focal / count + SIDE_WEIGHT * (1 - general).sum() / count


def _centres(grid: int, side: int) -> Tensor:
    """Middles of the fields as x, y in pixels, (G², 2), row by row."""
    steps = (torch.arange(grid) + 0.5) * (side / grid)
    return torch.stack([steps.repeat(grid), steps.repeat_interleave(grid)], dim=1)


def field_owners(centre: Tensor, boxes: Tensor, stride: float) -> Tensor:
    """Which box each field learns, (N, F): one whose middle is near and that holds the field, the smallest; else -1."""
    corners = boxes[:, None, :, :4]  # (N, 1, M, 4)
    middle = (corners[..., :2] + corners[..., 2:]) / 2
    at = centre[None, :, None]  # (1, F, 1, 2)
    near = ((at - middle).abs() <= RADIUS * stride).all(dim=-1)
    nearest = ((at - middle).abs() <= stride / 2 + 1e-3).all(dim=-1)
    inside = ((at > corners[..., :2]) & (at < corners[..., 2:])).all(dim=-1)
    able = ((near & inside) | nearest) & (boxes[:, None, :, 4] >= 0)
    area = (corners[..., 2:] - corners[..., :2]).prod(dim=-1).expand_as(able)
    smallest, owner = torch.where(able, area, torch.inf).min(dim=-1)
    return torch.where(smallest.isfinite(), owner, -1)


def _overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of pairs of boxes, and its generalisation that also falls with the gap, (P,) each."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    both = (high - low).clamp(min=0).prod(dim=1)
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=0).prod(dim=1) for b in (first, second)]
    union = (areas[0] + areas[1] - both).clamp(min=1e-6)
    far = torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])
    hull = far.clamp(min=0).prod(dim=1).clamp(min=1e-6)
    overlap = both / union
    return overlap, overlap - (hull - union) / hull
