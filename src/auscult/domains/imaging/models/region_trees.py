"""Model ``region-trees``: the thing that stands out, and boosted trees on its size, colour and texture; a floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array
from auscult.base.contracts import Config, FitContext, Fitted, Items, ItemSet, KindName, Program
from auscult.base.errors import DataError
from auscult.domains.imaging.models.texture_trees import TextureTrees, TextureTreesConfig
from auscult.engine.blocks.constant import repeated


class RegionTreesConfig(TextureTreesConfig):
    """Settings of the trees."""

    rounds: int = Setting(150, ge=1, description="Boosting rounds at the most; validation stops them.")
    leaves: int = Setting(7, ge=2, description="Leaves of a tree.")
    learning_rate: float = Setting(0.1, gt=0, description="Shrinkage of each tree.")
    min_leaf: int = Setting(5, ge=1, description="Items in a leaf at the least.")


class RegionTrees(TextureTrees):
    """The class of the one region of a picture; it learns from pictures with a single box."""

    Config: ClassVar[type[Config]] = RegionTreesConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("boxes",)
    inputs: ClassVar[tuple[str, ...]] = ("features", "region")
    feature_share: ClassVar[float] = 0.3

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the trees; validation items decide how many. With one class there is nothing to tell apart by.

        Raises
        ------
        DataError
            If no training picture has a box.
        """
        alone = single(train, ("features",))
        if len(np.unique(alone.target()[alone.target() >= 0])) < 2:
            return _Shares(_shares_of(train, len(context.spec.labels)), alone.inputs()["features"].shape[1])
        return super().fit(alone, single(valid, ("features",)), context)


@dataclass(frozen=True, repr=False)
class _Shares:
    """The share of each class among the boxes, (K,), for pictures of so many features."""

    share: Array
    n_features: int

    def export(self) -> Program:
        """Return the program that answers each region with the shares."""
        return repeated(self.share, "features", (self.n_features,))


def _shares_of(train: ItemSet, n_classes: int) -> Array:
    label = train.target()[:, :, 4]
    counts = np.bincount(label[label >= 0].astype(np.int64), minlength=n_classes)
    if not counts.any():
        raise DataError("training: expected at least one box, got none in any picture; look at the label files")
    share: Array = (counts / counts.sum()).astype(np.float32)
    return share


def single(items: ItemSet, names: Sequence[str]) -> ItemSet:
    """Return items with some of their inputs and the class of their only box as target; -1 for none or several."""
    target = items.target()
    alone = (target[:, :, 4] >= 0).sum(axis=1) == 1
    label = np.where(alone, target[:, 0, 4], -1).astype(np.int64)
    inputs = {name: np.asarray(items.items.inputs[name][items.rows]) for name in names}
    whole = Items(inputs, items.items.record[items.rows], items.items.position[items.rows], label)
    return replace(items, items=whole, rows=np.arange(len(label)))
