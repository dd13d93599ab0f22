"""Model ``window-tagger``: each token by its word, shape and affixes and its two neighbours. The floor of spans."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.text.models.chain_fit import ChainPlan, fit_chain
from auscult.domains.text.preprocess.token_features import window_size


class WindowTaggerConfig(Config):
    """Settings of the model."""

    epochs: int = Setting(8, ge=1, le=200, description="Passes over the training texts.")
    rate: float = Setting(0.2, gt=0, description="Learning rate.")
    least: int = Setting(1, ge=1, description="A feature of fewer training tokens has no weight.")


class WindowTagger:
    """A softmax over the tags of each token; tags that cannot follow each other are left out when it is decoded."""

    Config: ClassVar[type[Config]] = WindowTaggerConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("spans",)
    inputs: ClassVar[tuple[str, ...]] = ("ids",)

    def __init__(self, config: WindowTaggerConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Learn the weights."""
        c, size = self._config, int(context.spec.parameters["buckets"])
        plan = ChainPlan(c.epochs, c.rate, 0.0, linked=False, least=c.least, below=window_size(size))
        return fit_chain(train, context, plan, size=size)
