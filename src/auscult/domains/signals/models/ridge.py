"""Model ``ridge``: a penalised linear model from any of the task's inputs to values."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.engine.blocks.ridge import fit_ridge


class RidgeConfig(Config):
    """Settings of the ridge."""

    inputs: tuple[str, ...] = Setting((), description="Inputs of the task that are used; all when empty.")
    alphas: tuple[float, ...] = Setting(
        (1.0, 3.16, 10.0, 31.6, 100.0, 316.0, 1000.0, 3162.0, 10000.0), description="Penalties to choose from."
    )
    clip: float = Setting(3.0, gt=0, description="Standardised inputs are cut at plus and minus this.")


class Ridge:
    """Standardised inputs, one penalty a value, chosen by folds within training."""

    Config: ClassVar[type[Config]] = RidgeConfig

    def __init__(self, config: RidgeConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit on the training items; validation items stay untouched for the intervals."""
        inputs = self._config.inputs or tuple(train.items.inputs)
        return fit_ridge(train, context, inputs=inputs, alphas=self._config.alphas, clip=self._config.clip)
