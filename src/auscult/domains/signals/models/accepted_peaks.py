"""Model ``accepted-peaks``, the floor of R peaks: what the classical detector accepts is an event."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet
from auscult.domains.signals.preprocess.qrs_features import QRS_FEATURE_NAMES
from auscult.engine.blocks.linear import LinearFitted


class AcceptedPeaksConfig(Config):
    """No settings."""


class AcceptedPeaks:
    """The score of a candidate is 1 where the detector accepts it, else 0."""

    Config: ClassVar[type[Config]] = AcceptedPeaksConfig

    def __init__(self, config: AcceptedPeaksConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Return the feature ``accepted`` as the score."""
        n = len(QRS_FEATURE_NAMES)
        weight = np.zeros((n, 1))
        weight[QRS_FEATURE_NAMES.index("accepted")] = 1.0
        return LinearFitted({"features": n}, np.zeros(n), np.ones(n), weight, np.zeros(1), "score")
