"""Model ``fingerprint-forest``: ECFP4 and a random forest, the floor of every task on compounds."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.engine.blocks.output_trees import fit_each, random_forest


class FingerprintForestConfig(Config):
    """Settings of the forest."""

    inputs: tuple[str, ...] = Setting(("ecfp4",), min_length=1, description="Inputs of the task, side by side.")
    trees: int = Setting(100, ge=1, description="Trees of each output.")
    min_leaf: int = Setting(2, ge=1, description="Compounds in a leaf at the least.")


class FingerprintForest:
    """A forest for each output."""

    Config: ClassVar[type[Config]] = FingerprintForestConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("labels", "class", "value")
    inputs: ClassVar[tuple[str, ...]] = ("ecfp4",)

    def __init__(self, config: FingerprintForestConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Grow the trees."""
        c = self._config
        share = 1 / 3 if context.spec.kind == "value" else "sqrt"  # the defaults of Breiman and Cutler
        settings = {"n_estimators": c.trees, "min_samples_leaf": c.min_leaf, "max_features": share}
        learn = random_forest(settings, context)
        return fit_each(train, valid, context, names=c.inputs, learn=learn, logit=False)
