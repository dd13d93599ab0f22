"""Model ``persistence``: the next readings are like the last one; the floor of every forecast."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.engine.answers import kind_of
from auscult.engine.blocks.linear import LinearFitted


class PersistenceConfig(Config):
    """No settings."""


class Persistence:
    """Repeats the last value of ``history``."""

    Config: ClassVar[type[Config]] = PersistenceConfig

    def __init__(self, config: PersistenceConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Return the last reading for every step ahead."""
        n = train.items.inputs["history"].shape[1]
        n_outputs = kind_of(context.spec).n_outputs(context.spec)
        weight = np.zeros((n, n_outputs))
        weight[-1] = 1.0
        bias = np.zeros(n_outputs)
        return LinearFitted({"history": n}, np.zeros(n), np.ones(n), weight, bias, "value", clip=1e6)
