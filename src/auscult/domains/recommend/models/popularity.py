"""Model ``popularity``: what most users take, for everybody; the floor."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting
from scipy import sparse

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.recommend.models.taken import LENGTH, LIST_LENGTH, RankingFitted, Taken, ranking_program


class PopularityConfig(Config):
    """Settings of the counts."""

    length: int = Setting(LIST_LENGTH, ge=LIST_LENGTH, description=LENGTH)


class Popularity:
    """Counts users of each item."""

    Config: ClassVar[type[Config]] = PopularityConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, config: PopularityConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Count."""
        taken = Taken.of(train)
        nothing = sparse.csr_matrix((len(taken.names), len(taken.names)), dtype=np.float32)
        share = taken.popularity / max(taken.matrix.shape[0], 1)
        return RankingFitted(ranking_program(taken.names, nothing, share, length=self._config.length))
