"""The default loss of each answer kind, on the raw output of a network. Needs torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from auscult.base.arrays import Array
from auscult.base.errors import UsageError
from auscult.base.recipe import TrainTable

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(target: Array, n_outputs: int, table: TrainTable) -> Loss:
    """Cross entropy over classes on axis 1, with the class weights that the recipe asks for; -1 is not counted."""
    counts = np.bincount(target[target >= 0].ravel(), minlength=n_outputs).astype(np.float64)
    power = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}[table.class_weight]
    weight = np.where(counts > 0, np.maximum(counts, 1.0) ** -power, 0.0)
    weight *= counts.sum() / max((weight * counts).sum(), 1e-12)
    tensor = torch.as_tensor(weight, dtype=torch.float32)

    def loss(output: Tensor, truth: Tensor) -> Tensor:
        return functional.cross_entropy(output, truth.long(), weight=tensor.to(output), ignore_index=-1)

    return loss


def masked_binary(target: Array, n_outputs: int, table: TrainTable) -> Loss:
    """Binary cross entropy per label; -1 is missing and not counted."""

    def loss(output: Tensor, truth: Tensor) -> Tensor:
        known = truth >= 0
        each = functional.binary_cross_entropy_with_logits(output, truth.clamp(min=0).to(output), reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)

    return loss


def huber(target: Array, n_outputs: int, table: TrainTable) -> Loss:
    """Huber loss on values scaled by their spread in training (Huber 1964)."""
    spread = float(np.nanstd(np.asarray(target, dtype=np.float64))) or 1.0

    def loss(output: Tensor, truth: Tensor) -> Tensor:
        return functional.smooth_l1_loss(output / spread, truth.to(output) / spread)

    return loss


def dice_cross_entropy(target: Array, n_outputs: int, table: TrainTable) -> Loss:
    """Cross entropy plus soft Dice over the labels besides background (Isensee et al. 2021, nnU-Net)."""
    entropy = cross_entropy(target, n_outputs, table)

    def loss(output: Tensor, truth: Tensor) -> Tensor:
        probability = output.softmax(dim=1)[:, 1:]  # (N, K, *S) -> (N, K - 1, *S)
        one_hot = torch.stack([truth == k for k in range(1, n_outputs)], dim=1).to(output)
        axes = tuple(range(2, output.ndim))
        overlap = (probability * one_hot).sum(axes)
        dice = (2 * overlap + 1e-5) / (probability.sum(axes) + one_hot.sum(axes) + 1e-5)
        return entropy(output, truth) + 1 - dice.mean()

    return loss


def own(target: Array, n_outputs: int, table: TrainTable) -> Loss:
    """Refuse: kinds without one obvious loss leave it to the model.

    Raises
    ------
    UsageError
        Always; the model must give its own steps.
    """
    raise UsageError("training: this answer kind has no default loss; the model must give its own steps")
