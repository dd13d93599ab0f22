"""Model ``label-prior``: at each voxel of the grid the label that it had most often in training; the floor of masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName, Program
from auscult.engine.answers import kind_of
from auscult.engine.blocks.constant import repeated

ROWS = 64


class LabelPriorConfig(Config):
    """No settings."""


class LabelPrior:
    """How often each voxel has each label, whatever the image shows."""

    Config: ClassVar[type[Config]] = LabelPriorConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("mask",)
    inputs: ClassVar[tuple[str, ...]] = ("image",)

    def __init__(self, config: LabelPriorConfig) -> None:
        pass

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count labels over the training items."""
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        counts: Array = np.zeros(0)
        for start in range(0, len(train), ROWS):
            target = train.target(np.arange(start, min(start + ROWS, len(train))))
            part = np.stack([(target == k).sum(axis=0) for k in range(n_outputs)])
            counts = part if not counts.size else counts + part
        shape = train.inputs(np.zeros(1, dtype=np.int64))["image"].shape[1:]
        return _Prior((counts / len(train)).astype(np.float32), shape)


@dataclass(frozen=True, repr=False)
class _Prior:
    """Share of each label at each voxel, (K, *S), and the shape of the input, (C, *S)."""

    share: Array
    shape: tuple[int, ...]

    def export(self) -> Program:
        """Return an ONNX program that repeats the shares for every item."""
        return repeated(self.share, "image", self.shape)
