"""Model ``texture-trees``: gradient-boosted trees on pooled intensity and texture; the floor of picture classes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.engine.blocks.trees import Weighing, fit_class_trees


class TextureTreesConfig(Config):
    """Settings of the trees."""

    rounds: int = Setting(200, ge=1, description="Boosting rounds at the most; validation stops them.")
    leaves: int = Setting(15, ge=2, description="Leaves of a tree.")
    learning_rate: float = Setting(0.05, gt=0, description="Shrinkage of each tree.")
    min_leaf: int = Setting(10, ge=1, description="Items in a leaf at the least.")


class TextureTrees:
    """Trees on the input ``features``."""

    Config: ClassVar[type[Config]] = TextureTreesConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class",)
    inputs: ClassVar[tuple[str, ...]] = ("image", "features")
    feature_share: ClassVar[float] = 0.5
    """Of the features, how many each tree may look at."""

    def __init__(self, config: TextureTreesConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the trees; validation items decide how many."""
        c = self._config
        settings = {
            "input": "features",
            "rounds": c.rounds,
            "num_leaves": c.leaves,
            "learning_rate": c.learning_rate,
            "min_data_in_leaf": c.min_leaf,
            "feature_fraction": self.feature_share,
        }
        return fit_class_trees(train, valid, context, settings=settings, weighing=Weighing())
