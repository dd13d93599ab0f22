"""Model ``pixel-gaussian``: pictures of a class as a normal distribution around its mean; the floor of synthesis.

For each class the mean picture and its main directions of variation (principal components, Jolliffe 2002); new
pictures are the mean plus normal steps along them, cut to the range of grey values. The mean and all directions of a
few pictures are those pictures; a class must have enough, and most directions are not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field as Setting
from torch import Tensor, nn

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.base.errors import DataError
from auscult.engine.train import Batch, export_onnx

BATCH = 512
PICTURES_A_DIRECTION = 10
"""N pictures lie exactly in the mean and N - 1 directions, which would carry them into the release; with one direction
for ten of them nearly all of what is each picture's own is left out."""
LEAST_PICTURES = 20
"""The mean of fewer shows them, and fewer do not give two directions."""


class PixelGaussianConfig(Config):
    """Settings of the distribution."""

    components: int = Setting(
        64, ge=1, description="Directions of a class at the most: no more than noise, and one for ten of its pictures."
    )


class PixelGaussian:
    """A normal distribution of pictures for each class."""

    Config: ClassVar[type[Config]] = PixelGaussianConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("sample",)
    inputs: ClassVar[tuple[str, ...]] = ("noise", "label")

    def __init__(self, config: PixelGaussianConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Measure mean and components of each class; a class without pictures has those of all.

        Raises
        ------
        DataError
            If a class has so few pictures that they would be given back.
        """
        means, directions = class_components(train, context.spec.labels, self._config.components)
        inputs = train.inputs(np.zeros(2, dtype=np.int64))
        network = _Sampler(means, directions, train.target(np.zeros(1, dtype=np.int64)).shape[1:])
        return _Ready(network, Batch({name: torch.as_tensor(inputs[name]) for name in self.inputs}, None))


def class_components(train: ItemSet, labels: Sequence[str], count: int) -> tuple[Array, Array]:
    """Measure mean and main directions of the pictures of each class; a class without pictures has those of all.

    Parameters
    ----------
    train : ItemSet
        Items with ``noise`` (N, Z) and ``label`` (N,), and pictures as target.
    labels : sequence of str
        Names of the K classes.
    count : int
        Directions at the most; there are never more than noise numbers, nor than one for ten pictures.

    Returns
    -------
    tuple of (K, P) and (K, Z, P) float64
        Directions are scaled by their spread.

    Raises
    ------
    DataError
        If there is no picture, or a class has so few that they would be given back.
    """
    if not len(train):
        raise DataError("training: expected pictures with a label, got none; state the class of each picture")
    inputs, image = train.inputs(), train.target()
    n_noise = inputs["noise"].shape[1]
    flat = image.reshape(len(image), -1).astype(np.float64)
    groups = [flat[inputs["label"] == k] for k in range(len(labels))]
    for name, group in zip(labels, groups, strict=True):
        if 0 < len(group) < LEAST_PICTURES:
            raise DataError(
                f"training, class '{name}': expected at least {LEAST_PICTURES} pictures, got {len(group)}, which a "
                "generator would give back; add more, or leave out the class and its pictures"
            )
    parts = [_components(g if len(g) else flat, min(count, n_noise), n_noise) for g in groups]
    return np.stack([m for m, _ in parts]), np.stack([d for _, d in parts])


def _components(flat: Array, count: int, n_noise: int) -> tuple[Array, Array]:
    """Mean (P,) and directions scaled by their spread, (Z, P); unused noise has no direction."""
    mean = flat.mean(axis=0)
    _, spread, directions = np.linalg.svd((flat - mean) / np.sqrt(len(flat) - 1), full_matrices=False)
    count = min(count, len(flat) // PICTURES_A_DIRECTION, len(spread))
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
