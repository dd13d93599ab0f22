"""Model ``ridge-person``: the ridge on age, body mass index and heart rate alone; the floor of blood pressure."""

from __future__ import annotations

from typing import ClassVar

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.domains.signals.models.ridge import RidgeConfig
from auscult.engine.blocks.ridge import fit_ridge


class RidgePerson:
    """What can be said of the pressure without any signal."""

    Config: ClassVar[type[Config]] = RidgeConfig

    def __init__(self, config: RidgeConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit on the person's data alone."""
        return fit_ridge(
            train,
            context,
            inputs=self._config.inputs or ("person",),
            alphas=self._config.alphas,
            clip=self._config.clip,
        )
