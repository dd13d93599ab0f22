"""Model ``two-hop``: devices one or two links away, in either direction, each link shared among those of its ends."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field as Setting
from scipy import sparse

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.base.log import progress
from auscult.domains.recommend.models.links import Links
from auscult.domains.recommend.models.taken import RankingFitted, pruned_product, ranking_program, small_prior


class TwoHopConfig(Config):
    """Settings of the links."""

    direct: float = Setting(2.0, ge=0, description="Weight of one link beside two.")
    keep: int = Setting(400, ge=1, description="Devices kept of each.")


class TwoHop:
    """Neighbours and their neighbours."""

    Config: ClassVar[type[Config]] = TwoHopConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item", "owner")

    def __init__(self, config: TwoHopConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Multiply the normalised links with themselves."""
        links = Links.of(train)
        both = (links.forward + links.backward).tocsr()
        scale = sparse.diags_array((np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1) ** -0.5).astype(np.float32))
        near = (scale @ both @ scale).tocsr()
        plus = (near + sparse.eye_array(near.shape[0], dtype=np.float32) * np.float32(self._config.direct)).tocsr()
        with progress(context.report, "two links", near.shape[0]) as bar:
            matrix = pruned_product(near, plus, self._config.keep, advance=bar.advance)
        return RankingFitted(ranking_program(links.names, matrix, small_prior(links.counts[:, 0], 1e-6)))
