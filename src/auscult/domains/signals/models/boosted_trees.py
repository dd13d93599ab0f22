"""Model ``boosted-trees``: gradient-boosted trees on the task's features; the floor of the ECG tasks."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.engine.blocks.trees import fit_class_trees


class BoostedTreesConfig(Config):
    """Settings of the trees."""

    rounds: int = Setting(300, ge=1, description="Boosting rounds at the most; validation stops earlier.")
    leaves: int = Setting(31, ge=2, description="Leaves of a tree.")
    learning_rate: float = Setting(0.05, gt=0, description="Shrinkage of each tree.")
    min_leaf: int = Setting(20, ge=1, description="Items in a leaf at the least.")
    features: float = Setting(0.8, gt=0, le=1, description="Share of the features that a tree may use.")
    weight_power: float = Setting(0.0, ge=0, le=1, description="Class weight: count ** -power.")


class BoostedTrees:
    """Trees on the input ``features``."""

    Config: ClassVar[type[Config]] = BoostedTreesConfig

    def __init__(self, config: BoostedTreesConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the trees; validation items decide how many."""
        c = self._config
        settings = {
            "rounds": c.rounds,
            "num_leaves": c.leaves,
            "learning_rate": c.learning_rate,
            "min_data_in_leaf": c.min_leaf,
            "feature_fraction": c.features,
        }
        return fit_class_trees(
            train, valid, context, name="features", settings=settings, weight_power=c.weight_power
        )
