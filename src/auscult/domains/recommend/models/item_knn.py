"""Model ``item-knn``: items that the same users take, by the cosine of their users (Sarwar et al. 2001, WWW)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting
from scipy import sparse

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.base.log import progress
from auscult.domains.recommend.models.taken import (
    LENGTH,
    LIST_LENGTH,
    RankingFitted,
    Taken,
    pruned_product,
    ranking_program,
    small_prior,
)


class ItemKnnConfig(Config):
    """Settings of the neighbours."""

    neighbours: int = Setting(100, ge=1, description="Neighbours kept of each item.")
    shrink: float = Setting(0.0, ge=0, description="Added to the product of the norms: rare pairs count less.")
    length: int = Setting(LIST_LENGTH, ge=LIST_LENGTH, description=LENGTH)


class ItemKnn:
    """Scores an item by its similarity to what was taken."""

    Config: ClassVar[type[Config]] = ItemKnnConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, config: ItemKnnConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Find the neighbours of every item."""
        taken = Taken.of(train)
        norm = np.sqrt(taken.popularity)

        def cosine(block: sparse.csr_matrix, begin: int) -> sparse.csr_matrix:
            rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)) + begin
            block.data /= norm[rows] * norm[block.indices] + self._config.shrink
            return block

        with progress(context.report, "neighbours", len(taken.names)) as bar:
            transposed = taken.matrix.T.tocsr()
            near = pruned_product(transposed, taken.matrix, self._config.neighbours, weigh=cosine, advance=bar.advance)
        prior = small_prior(taken.popularity, 1.0)
        return RankingFitted(ranking_program(taken.names, near, prior, length=self._config.length))
