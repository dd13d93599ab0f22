"""Model ``rhythm-trees``: the trees on the intervals between beats alone; the floor of beat classes."""

from __future__ import annotations

from typing import ClassVar

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.domains.signals.models.boosted_trees import BoostedTreesConfig, tree_settings
from auscult.engine.blocks.trees import Weighing, fit_class_trees


class RhythmTrees:
    """Trees on the input ``rhythm``, with no look at the shape of a beat."""

    Config: ClassVar[type[Config]] = BoostedTreesConfig

    def __init__(self, config: BoostedTreesConfig) -> None:
        self._config = config.model_copy(update={"input": "rhythm", "rounds": min(config.rounds, 100)})

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the trees; validation items decide how many."""
        return fit_class_trees(train, valid, context, settings=tree_settings(self._config), weighing=Weighing())
