"""Model ``crf-tagger``: a linear-chain conditional random field over many features of each token.

Lafferty, McCallum and Pereira (2001, ICML), with the features of ``preprocess/token_features.py``.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.domains.text.models.chain_fit import ChainPlan, fit_chain


class CrfTaggerConfig(Config):
    """Settings of the model."""

    epochs: int = Setting(12, ge=1, le=200, description="Passes over the training texts.")
    rate: float = Setting(0.1, gt=0, description="Learning rate.")
    decay: float = Setting(1e-4, ge=0, lt=1, description="Share of a weight that is lost with each step that uses it.")
    dropout: float = Setting(0.0, ge=0, lt=1, description="Share of the features of a token left out in each step.")
    least: int = Setting(1, ge=1, description="A feature of fewer training tokens has no weight.")


class CrfTagger:
    """Features of a long view, and what follows what."""

    Config: ClassVar[type[Config]] = CrfTaggerConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("spans",)
    inputs: ClassVar[tuple[str, ...]] = ("ids",)

    def __init__(self, config: CrfTaggerConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Learn the weights."""
        c, size = self._config, int(context.spec.parameters["buckets"])
        plan = ChainPlan(c.epochs, c.rate, c.decay, linked=True, least=c.least, below=size, dropout=c.dropout)
        return fit_chain(train, context, plan, size=size)
