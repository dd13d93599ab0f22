"""Model ``descriptor-trees``: ECFP4 and RDKit's descriptors with boosted trees, the line that others must beat."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.engine.blocks.output_trees import boosted, fit_each


class DescriptorTreesConfig(Config):
    """Settings of the boosting."""

    inputs: tuple[str, ...] = Setting(
        ("ecfp4", "descriptors"), min_length=1, description="Inputs of the task, side by side."
    )
    rounds: int = Setting(400, ge=1, description="Boosting rounds at the most.")
    stop_early: bool = Setting(True, description="Whether validation may stop the boosting.")
    leaves: int = Setting(31, ge=2, description="Leaves of a tree.")
    learning_rate: float = Setting(0.03, gt=0, description="Shrinkage of each tree.")
    min_leaf: int = Setting(10, ge=1, description="Compounds in a leaf at the least.")
    features: float = Setting(0.3, gt=0, le=1, description="Share of the features that a tree may use.")
    compounds: float = Setting(0.8, gt=0, le=1, description="Share of the compounds that a tree may use.")
    l2: float = Setting(1.0, ge=0, description="Penalty on leaf values.")


class DescriptorTrees:
    """Boosted trees for each output."""

    Config: ClassVar[type[Config]] = DescriptorTreesConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels", "class", "value")
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4", "descriptors")

    def __init__(self, config: DescriptorTreesConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Boost the trees; validation may decide how many."""
        c = self._config
        settings = {
            "rounds": c.rounds,
            "stop_early": c.stop_early,
            "num_leaves": c.leaves,
            "learning_rate": c.learning_rate,
            "min_data_in_leaf": c.min_leaf,
            "feature_fraction": c.features,
            "bagging_fraction": c.compounds,
            "bagging_freq": 1,
            "lambda_l2": c.l2,
        }
        return fit_each(train, valid, context, names=c.inputs, learn=boosted(settings, context), logit=True)
