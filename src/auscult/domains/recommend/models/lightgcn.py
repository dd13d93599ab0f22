"""Model ``lightgcn``: vectors of users and items, smoothed over their graph (He et al. 2020, LightGCN, SIGIR).

The paper's vector of a user is the mean of its own and of what K steps over the graph bring to it. What the steps bring
comes from the items alone, so that a release answers any history, of a known or of a new user, by a product of low
rank; the user's own vector is left out, as a release holds no users. That is the one difference from the paper.
Needs torch to learn.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName


class LightGcnConfig(Config):
    """Settings of the vectors."""

    width: int = Setting(64, ge=1, description="Length of the vectors.")
    layers: int = Setting(3, ge=1, description="Steps over the graph.")
    shrink: float = Setting(1e-4, ge=0, description="Weight of the squared vectors of a batch in the loss.")
    spread: float = Setting(0.1, gt=0, description="Standard deviation of the first vectors.")
    start: Literal["random", "spectral"] = Setting(
        "random", description="First vectors: random, or the largest singular vectors of the normalised graph."
    )


class LightGcn:
    """Learns by Bayesian personalised ranking (Rendle et al. 2009, UAI): what was taken before what was not."""

    Config: ClassVar[type[Config]] = LightGcnConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("ranking",)
    inputs: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, config: LightGcnConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Train the vectors."""
        from auscult.domains.recommend.models.lightgcn_network import fit_lightgcn

        return fit_lightgcn(self._config, (train, valid), context)
