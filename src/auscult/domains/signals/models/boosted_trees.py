"""Model ``boosted-trees``: gradient-boosted trees on the task's features, as the mean of a few forests."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.engine.blocks.trees import Weighing, fit_class_trees, fit_score_trees


class BoostedTreesConfig(Config):
    """Settings of the trees."""

    input: str = Setting("features", description="Which input of the task.")
    rounds: int = Setting(300, ge=1, description="Boosting rounds at the most.")
    stop_early: bool = Setting(True, description="Whether validation may stop the boosting.")
    members: int = Setting(1, ge=1, description="Forests with different seeds whose mean is the answer.")
    leaves: int = Setting(31, ge=2, description="Leaves of a tree.")
    learning_rate: float = Setting(0.05, gt=0, description="Shrinkage of each tree.")
    min_leaf: int = Setting(20, ge=1, description="Items in a leaf at the least.")
    features: float = Setting(0.8, gt=0, le=1, description="Share of the features that a tree may use.")
    items: float = Setting(1.0, gt=0, le=1, description="Share of the items that a tree may use.")
    l2: float = Setting(0.0, ge=0, description="Penalty on leaf values.")
    bins: int = Setting(255, ge=3, description="Bins of a feature.")
    class_power: float = Setting(0.0, ge=0, le=1, description="Class total in training: count ** (1 - power).")
    record_power: float = Setting(0.0, ge=0, le=1, description="Weight of an item: its record's count ** -power.")
    thin: int = Setting(0, ge=0, description="Items of one class from one record at the most; 0 is all.")


def tree_settings(config: BoostedTreesConfig) -> dict[str, Any]:
    """Return the settings under LightGBM's names."""
    return {
        "input": config.input,
        "rounds": config.rounds,
        "stop_early": config.stop_early,
        "members": config.members,
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.min_leaf,
        "feature_fraction": config.features,
        "bagging_fraction": config.items,
        "bagging_freq": 1 if config.items < 1 else 0,
        "lambda_l2": config.l2,
        "max_bin": config.bins,
    }


class BoostedTrees:
    """Trees on one input of the task."""

    Config: ClassVar[type[Config]] = BoostedTreesConfig

    def __init__(self, config: BoostedTreesConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the trees; validation items may decide how many."""
        c = self._config
        if context.spec.kind == "events":
            return fit_score_trees(train, valid, context, settings=tree_settings(c))
        weighing = Weighing(c.class_power, c.record_power, c.thin)
        return fit_class_trees(train, valid, context, settings=tree_settings(c), weighing=weighing)
