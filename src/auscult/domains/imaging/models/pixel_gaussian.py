"""Model ``pixel-gaussian``: pictures of a class as a normal distribution around its mean; the floor of synthesis.

For each class the mean picture and its main directions of variation (principal components, Jolliffe 2002); new
pictures are the mean plus normal steps along them, cut to the range of grey values.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.train import Batch, export_onnx

BATCH = 512


class PixelGaussianConfig(Config):
    """Settings of the distribution."""

    components: int = Setting(64, ge=1, description="Directions of a class at the most; the noise has as many numbers.")


class PixelGaussian:
    """A normal distribution of pictures for each class."""

    Config: ClassVar[type[Config]] = PixelGaussianConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("noise", "label")

    def __init__(self, config: PixelGaussianConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Measure mean and components of each class; a class without pictures has those of all."""
        inputs = train.inputs(np.zeros(2, dtype=np.int64))
        means, directions = class_components(train, len(context.spec.labels), self._config.components)
        network = _Sampler(means, directions, train.target(np.zeros(1, dtype=np.int64)).shape[1:])
        return _Ready(network, Batch({name: torch.as_tensor(inputs[name]) for name in self.inputs}, None))


def class_components(train: ItemSet, n_classes: int, count: int) -> tuple[Array, Array]:
    """Measure mean and main directions of the pictures of each class; a class without pictures has those of all.

    Parameters
    ----------
    train : ItemSet
        Items with ``noise`` (N, Z) and ``label`` (N,), and pictures as target.
    n_classes : int
        K.
    count : int
        Directions at the most; there are never more than noise numbers.

    Returns
    -------
    tuple of (K, P) and (K, Z, P) float64
        Directions are scaled by their spread.
    """
    inputs, image = train.inputs(), train.target()
    n_noise = inputs["noise"].shape[1]
    flat = image.reshape(len(image), -1).astype(np.float64)
    groups = [flat[inputs["label"] == k] for k in range(n_classes)]
    parts = [_components(g if len(g) > 1 else flat, min(count, n_noise), n_noise) for g in groups]
    return np.stack([m for m, _ in parts]), np.stack([d for _, d in parts])


def _components(flat: Array, count: int, n_noise: int) -> tuple[Array, Array]:
    """Mean (P,) and directions scaled by their spread, (Z, P); unused noise has no direction."""
    mean = flat.mean(axis=0)
    _, spread, directions = np.linalg.svd((flat - mean) / np.sqrt(max(len(flat) - 1, 1)), full_matrices=False)
    count = min(count, len(spread))
    scaled = np.zeros((n_noise, flat.shape[1]))
    scaled[:count] = spread[:count, None] * directions[:count]
    return mean, scaled


class _Ready:
    """A measured distribution."""

    def __init__(self, network: nn.Module, example: Batch) -> None:
        self._network, self._example = network, example

    def export(self) -> Program:
        """Return the distribution as an ONNX program."""
        graph = export_onnx(self._network, self._example, "sample")
        return Program("forward", ("noise", "label"), {"main": graph}, settings={"batch": BATCH})


class _Sampler(nn.Module):
    mean: Tensor
    directions: Tensor

    def __init__(self, means: Array, directions: Array, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.as_tensor(means, dtype=torch.float32))  # (K, P)
        self.register_buffer("directions", torch.as_tensor(directions, dtype=torch.float32))  # (K, Z, P)

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Make one picture a row."""
        each = self.mean + torch.einsum("nz,kzp->nkp", noise, self.directions)  # (N, K, P)
        chosen = torch.nn.functional.one_hot(label, len(self.mean)).to(each)
        made = (each * chosen[:, :, None]).sum(dim=1)
        return made.clamp(0, 1).reshape(-1, *self.shape)
