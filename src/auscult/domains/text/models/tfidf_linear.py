"""Model ``tfidf-linear``: word and character n-grams weighed by their rarity, and a logistic regression. The floor."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field as Setting

from auscult.base.contracts import Config, FitContext, Fitted, ItemSet, KindName
from auscult.engine.blocks.sparse_linear import SparsePlan, fit_sparse


class TfidfLinearConfig(Config):
    """Settings of the model."""

    strength: float = Setting(10.0, gt=0, description="Inverse of the penalty on the squared weights.")


class TfidfLinear:
    """TF-IDF and logistic regression (Joachims 1998, ECML, with another loss)."""

    Config: ClassVar[type[Config]] = TfidfLinearConfig
    kinds: ClassVar[tuple[KindName, ...]] = ("class", "labels")
    inputs: ClassVar[tuple[str, ...]] = ("ids", "counts")

    def __init__(self, config: TfidfLinearConfig) -> None:
        self._config = config

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Fit the weights."""
        buckets, cues = (int(context.spec.parameters[name]) for name in ("buckets", "cues"))
        plan = SparsePlan(strength=self._config.strength, below=buckets)
        return fit_sparse(train, context, plan, size=buckets + cues)
