"""Augmentation of a batch of pictures or volumes: parameters are sampled first and applied after.

Shift, turn and zoom are one resampling (Jaderberg et al. 2015, NeurIPS); brightness and contrast, noise and mirroring
follow. Random numbers come from torch's generator, which the training loop seeds once an epoch.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field as Setting
from torch import Tensor
from torch.nn import functional

from auscult.base.contracts import Config


class AugmentConfig(Config):
    """How far training pictures are changed; 0 changes nothing."""

    shift: float = Setting(0.0, ge=0, le=0.5, description="Largest shift, as a share of the side.")
    turn: float = Setting(0.0, ge=0, le=180, description="Largest turn in the last two axes, in degrees.")
    zoom: float = Setting(0.0, ge=0, le=0.5, description="Largest relative change of size.")
    contrast: float = Setting(0.0, ge=0, le=1, description="Largest relative change of contrast and of brightness.")
    noise: float = Setting(0.0, ge=0, le=1, description="Spread of added noise.")
    mirror: bool = Setting(False, description="Whether half of the pictures are mirrored left to right.")


def augmented(image: Tensor, config: AugmentConfig) -> Tensor:
    """Return changed copies of pictures (N, C, H, W) or volumes (N, C, D, H, W)."""
    return _seen(_moved(image, _grid(image, config), "bilinear"), config)


def augmented_pair(image: Tensor, target: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Return changed copies of images (N, C, *S) and of the labels of their voxels (N, *S), moved together."""
    if config.mirror:
        turned = torch.rand(len(image), *([1] * (image.ndim - 1))) < 0.5
        image = torch.where(turned, image.flip(-1), image)
        target = torch.where(turned[:, 0], target.flip(-1), target)
    grid = _grid(image, config)
    moved = target if grid is None else _moved(target[:, None].to(image), grid, "nearest")[:, 0].to(target.dtype)
    plain = config.model_copy(update={"mirror": False})
    return _seen(_moved(image, grid, "bilinear"), plain), moved


def _grid(image: Tensor, config: AugmentConfig) -> Tensor | None:
    """Where each new pixel is taken from, None where nothing is moved."""
    if not (config.shift or config.turn or config.zoom):
        return None
    matrix = _affine(len(image), image.ndim - 2, config)
    return functional.affine_grid(matrix, list(image.shape), align_corners=False)


def _moved(image: Tensor, grid: Tensor | None, mode: str) -> Tensor:
    if grid is None:
        return image
    return functional.grid_sample(image, grid, mode=mode, padding_mode="border", align_corners=False)


def _seen(image: Tensor, config: AugmentConfig) -> Tensor:
    """Change contrast, brightness, noise and side."""
    shape = (len(image), *([1] * (image.ndim - 1)))
    if config.contrast:
        gain = 1 + config.contrast * (2 * torch.rand(shape) - 1)
        level = 0.5 * config.contrast * (2 * torch.rand(shape) - 1)
        image = (image - 0.5) * gain + 0.5 + level
    if config.noise:
        image = image + config.noise * torch.rand(shape) * torch.randn(image.shape)
    if config.mirror:
        image = torch.where(torch.rand(shape) < 0.5, image.flip(-1), image)
    return image


def _affine(n: int, n_axes: int, config: AugmentConfig) -> Tensor:
    """Sample one affine map a picture, (N, A, A + 1); coordinates run from -1 to 1, x (the last axis) first."""
    angle = math.radians(config.turn) * (2 * torch.rand(n) - 1)
    size = 1 + config.zoom * (2 * torch.rand(n) - 1)
    matrix = torch.eye(n_axes).repeat(n, 1, 1)
    matrix[:, 0, 0], matrix[:, 0, 1] = angle.cos(), -angle.sin()
    matrix[:, 1, 0], matrix[:, 1, 1] = angle.sin(), angle.cos()
    offset = 2 * config.shift * (2 * torch.rand(n, n_axes, 1) - 1)
    return torch.cat([matrix * size[:, None, None], offset], dim=2)
